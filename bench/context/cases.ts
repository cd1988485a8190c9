import { git } from '../../core/project/worker/git.js'
import { isSource } from './files.js'
import { parseHunks, type Hunk } from './hunks.js'
import { cleanMessage, contentWords, unsuitableSubject, type Wish } from './message.js'

const MAX_GOLD_FILES = 8
const MAX_CHANGED_LINES = 400
const LEAST_WORDS = 3
/** Commits that are read from the history at a time. */
const PAGE = 200

export interface ChangedFile {
  path: string
  /** As git names it: M, A, D, T. */
  status: string
  /** Mode of the old side: 100644 and 100755 are files. */
  mode: string
  /** Lines added and removed; `null` for binary content. */
  lines: number | null
}

export interface Commit {
  hash: string
  parents: string[]
  message: string
  files: ChangedFile[]
}

/** A wish, and the files that the commit which fulfilled it has changed. */
export interface Case {
  hash: string
  parent: string
  wish: Wish
  gold: GoldFile[]
}

export interface GoldFile {
  path: string
  hunks: Hunk[]
}

/** Reads `git log -z --raw --numstat` in the format of `readCommits`. */
export function parseLog (output: string): Commit[] {
  return output.split(/\x01(?=[0-9a-f]{40,64}\0)/).slice(1).map((record) => { // eslint-disable-line no-control-regex
    const [hash = '', parents = '', message = '', ...fields] = record.split('\0')
    const files = new Map<string, ChangedFile>()
    for (let index = 0; index < fields.length; index++) {
      const field = fields[index]!.replace(/^\n+/, '')
      const raw = /^:(\d{6}) \d{6} \S+ \S+ ([A-Z])\d*$/.exec(field)
      const count = /^(\d+|-)\t(\d+|-)\t([^]+)$/.exec(field)
      if (raw !== null) {
        const path = fields[++index]!
        files.set(path, { path, status: raw[2]!, mode: raw[1]!, lines: null })
      } else if (count !== null && count[1] !== '-') {
        const file = files.get(count[3]!)
        if (file !== undefined) file.lines = Number(count[1]) + Number(count[2])
      }
    }
    return { hash, parents: parents === '' ? [] : parents.split(' '), message, files: [...files.values()] }
  })
}

/** The files of a commit that count, or in words why the commit makes no case. */
export function goldOf ({ parents, message, files }: Commit): string[] | { unsuitable: string } {
  if (parents.length !== 1) return { unsuitable: parents.length === 0 ? 'it has no parent' : 'it is a merge' }
  const kind = unsuitableSubject(message)
  if (kind !== undefined) return { unsuitable: `its message says that it is about ${kind}` }
  const gold = files.filter((file) => file.status === 'M' && file.mode.startsWith('100') && file.lines !== null && isSource(file.path))
  if (gold.length < 1 || gold.length > MAX_GOLD_FILES) return { unsuitable: `it modifies ${gold.length} source files and not 1 to ${MAX_GOLD_FILES}` }
  const lines = gold.reduce((sum, file) => sum + file.lines!, 0)
  if (lines > MAX_CHANGED_LINES) return { unsuitable: `it changes ${lines} lines of them and not up to ${MAX_CHANGED_LINES}` }
  const words = contentWords(cleanMessage(message)).length
  if (words < LEAST_WORDS) return { unsuitable: `its message has ${words} words of its own and not ${LEAST_WORDS}` }
  return gold.map((file) => file.path).sort()
}

async function readCommits (repository: string, ...selection: string[]): Promise<Commit[]> {
  const output = await git(repository, [
    'log', '--no-renames', '--no-show-signature', '--no-ext-diff', '--no-textconv', '--raw', '--numstat', '--no-abbrev', '-z', '--format=%x01%H%x00%P%x00%B%x00', ...selection
  ])
  return parseLog(output.toString('utf8'))
}

async function makeCase (repository: string, commit: Commit, gold: readonly string[]): Promise<Case> {
  const parent = commit.parents[0]!
  const files: GoldFile[] = []
  for (const path of gold) {
    const diff = await git(repository, ['diff', '-U0', '--no-renames', '--no-ext-diff', '--no-textconv', '--no-color', parent, commit.hash, '--', path])
    files.push({ path, hunks: parseHunks(diff.toString('utf8')) })
  }
  const { title, description } = cleanMessage(commit.message)
  const [first = '', ...rest] = description.split('\n')
  return { hash: commit.hash, parent, wish: title === '' ? { title: first, description: rest.join('\n').trim() } : { title, description }, gold: files }
}

/** The most recent commits of the history of HEAD that make cases, newest first. */
export async function recentCases (repository: string, count: number): Promise<Case[]> {
  const cases: Case[] = []
  for (let skip = 0; ; skip += PAGE) {
    const commits = await readCommits(repository, '--no-merges', `--max-count=${PAGE}`, `--skip=${skip}`, 'HEAD')
    for (const commit of commits) {
      const gold = goldOf(commit)
      if (!Array.isArray(gold)) continue
      cases.push(await makeCase(repository, commit, gold))
      if (cases.length === count) return cases
    }
    if (commits.length < PAGE) return cases
  }
}

/** The case that one commit makes; rejects in words where it makes none. */
export async function caseOf (repository: string, revision: string): Promise<Case> {
  const [commit] = await readCommits(repository, '--max-count=1', '--end-of-options', revision)
  const gold = commit === undefined ? { unsuitable: 'it is no commit' } : goldOf(commit)
  if (!Array.isArray(gold)) throw new Error(`'${revision}' makes no case: ${gold.unsuitable}.`)
  return await makeCase(repository, commit!, gold)
}
