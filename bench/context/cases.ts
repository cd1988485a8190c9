import { isSource } from './files.js'
import { git } from './git.js'
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

/** Reads `git log -z --raw` in the format of `readCommits`. */
export function parseLog (output: string): Commit[] {
  return output.split(/\x01(?=[0-9a-f]{40,64}\0)/).slice(1).map((record) => { // eslint-disable-line no-control-regex
    const [hash = '', parents = '', message = '', ...fields] = record.split('\0')
    const files: ChangedFile[] = []
    for (let index = 0; index < fields.length; index++) {
      const raw = /^\n*:(\d{6}) \d{6} \S+ \S+ ([A-Z])$/.exec(fields[index]!)
      if (raw !== null) files.push({ path: fields[++index]!, status: raw[2]!, mode: raw[1]! })
    }
    return { hash, parents: parents === '' ? [] : parents.split(' '), message, files }
  })
}

/** In words why something makes no case. */
interface Unsuitable { unsuitable: string }

/** The files of a commit that count, or why there is no case in it. */
export function goldOf ({ parents, message, files }: Commit): string[] | Unsuitable {
  if (parents.length !== 1) return { unsuitable: parents.length === 0 ? 'it has no parent' : 'it is a merge' }
  const kind = unsuitableSubject(message)
  if (kind !== undefined) return { unsuitable: `its message says that it is about ${kind}` }
  const gold = files.filter((file) => file.status === 'M' && file.mode.startsWith('100') && isSource(file.path))
  if (gold.length < 1 || gold.length > MAX_GOLD_FILES) return { unsuitable: `it modifies ${gold.length} source files and not 1 to ${MAX_GOLD_FILES}` }
  const words = contentWords(cleanMessage(message)).length
  if (words < LEAST_WORDS) return { unsuitable: `its message has ${words} words of its own and not ${LEAST_WORDS}` }
  return gold.map((file) => file.path).sort()
}

async function readCommits (repository: string, ...selection: string[]): Promise<Commit[]> {
  return parseLog(await git(repository, 'log', '--no-renames', '--no-show-signature', '--raw', '--no-abbrev', '-z', '--format=%x01%H%x00%P%x00%B%x00', ...selection))
}

async function makeCase (repository: string, commit: Commit): Promise<Case | Unsuitable> {
  const gold = goldOf(commit)
  if (!Array.isArray(gold)) return gold
  const parent = commit.parents[0]!
  const files: GoldFile[] = []
  for (const path of gold) {
    const hunks = parseHunks(await git(repository, 'diff', '-U0', '--no-renames', '--no-ext-diff', '--no-textconv', '--no-color', parent, commit.hash, '--', path))
    // Another mode, or bytes that are no text.
    if (hunks.length > 0) files.push({ path, hunks })
  }
  if (files.length === 0) return { unsuitable: 'it changes no line of a source file' }
  const lines = files.flatMap(({ hunks }) => hunks).reduce((sum, { count, added }) => sum + count + added, 0)
  if (lines > MAX_CHANGED_LINES) return { unsuitable: `it changes ${lines} lines of source and not up to ${MAX_CHANGED_LINES}` }
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
      const made = await makeCase(repository, commit)
      if ('unsuitable' in made) continue
      cases.push(made)
      if (cases.length === count) return cases
    }
    if (commits.length < PAGE) return cases
  }
}

/** The case that one commit makes; rejects in words where it makes none, and answers `undefined` where there is no such commit. */
export async function caseOf (repository: string, revision: string): Promise<Case | undefined> {
  const hash = await git(repository, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`).catch(() => undefined)
  if (hash === undefined) return undefined
  const [commit] = await readCommits(repository, '--max-count=1', hash.trimEnd())
  const made = await makeCase(repository, commit!)
  if ('unsuitable' in made) throw new Error(`${revision} makes no case: ${made.unsuitable}.`)
  return made
}
