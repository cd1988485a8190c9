import { randomUUID } from 'node:crypto'
import type { Commit, UncommittedChange } from '../../contracts/context-strategy.js'
import { holdsSecrets } from '../secret-files.js'
import { git, splitNames, withoutFilters } from './git.js'

export interface GitFacts {
  /** `null` when the head is detached. */
  branch: string | null
  /** `null` before the first commit. */
  head: string | null
  remote: string | null
  /** Without credentials. */
  remote_url: string | null
  changes: UncommittedChange[]
}

// Cut before secrets are looked for, for the sake of memory, and far behind what is shown.
const MAX_READ_CHARACTERS = 1_000_000
const MAX_DIFF_CHARACTERS = 16_000
const MAX_DIFFS = 100

type Cleaner = (text: string, path: string) => Promise<string>

/** Branch, head, remote and changes; texts pass through `clean`, which takes secrets out. */
export async function readGitFacts (root: string, clean: Cleaner): Promise<GitFacts> {
  const config = await withoutFilters(root)
  const [prefix, status, remotes] = await Promise.all([
    git(root, ['rev-parse', '--show-prefix']),
    git(root, ['status', '--porcelain=v2', '--branch', '--untracked-files=all', '--ignore-submodules=all', '--no-renames', '-z', '--', '.'], { config }),
    git(root, ['remote', '-v']).catch(() => Buffer.alloc(0))
  ])
  const facts = parseStatus(splitNames(status).names, prefix.toString('utf8').replace(/\n$/, ''))
  const [remote, url] = remotes.toString('utf8').split('\n')[0]?.split('\t') ?? []
  const tracked = facts.changes.filter((change) => change.status !== 'untracked').slice(0, MAX_DIFFS)
  await Promise.all(inGroups(tracked, 25).map(async (group) => {
    const diffs = await readDiffs(root, facts.head, group.map((change) => change.path), config)
    for (const change of group) {
      const diff = diffs.get(change.path)
      // Cut only when clean: half a secret is not found any more.
      change.diff = diff === undefined ? null : shorten(await clean(diff, change.path))
    }
  }))
  return {
    ...facts,
    remote: remote || null,
    remote_url: url === undefined ? null : await clean(withoutCredentials(url.replace(/ \((fetch|push)\)$/, '')), 'url.txt')
  }
}

function shorten (diff: string): string {
  return diff.length > MAX_DIFF_CHARACTERS ? `${diff.slice(0, MAX_DIFF_CHARACTERS)}\n… ${diff.length - MAX_DIFF_CHARACTERS} more characters` : diff
}

/** `prefix` is the project's folder within its repository, which git puts before every path of a status. */
function parseStatus (records: readonly string[], prefix: string): Pick<GitFacts, 'branch' | 'head' | 'changes'> {
  let branch: string | null = null
  let head: string | null = null
  const changes: UncommittedChange[] = []
  for (const record of records) {
    if (record.startsWith('# branch.oid ')) head = record.endsWith('(initial)') ? null : record.slice('# branch.oid '.length)
    else if (record.startsWith('# branch.head ')) branch = record.endsWith('(detached)') ? null : record.slice('# branch.head '.length)
    else if (record.startsWith('? ')) changes.push({ path: record.slice(2), status: 'untracked', diff: null })
    else if (record.startsWith('1 ')) {
      const [, code] = record.split(' ', 2)
      changes.push({ path: record.split(' ').slice(8).join(' '), status: statusOf(code!), diff: null })
    } else if (record.startsWith('u ')) changes.push({ path: record.split(' ').slice(10).join(' '), status: 'conflicted', diff: null })
  }
  const own = changes.filter(({ path }) => path.startsWith(prefix) && !holdsSecrets(path))
  return { branch, head, changes: own.map((change) => ({ ...change, path: change.path.slice(prefix.length) })) }
}

function statusOf (code: string): UncommittedChange['status'] {
  if (code.includes('A')) return 'added'
  return code.includes('D') ? 'deleted' : 'modified'
}

async function readDiffs (root: string, head: string | null, paths: string[], config: readonly (readonly [string, string])[]): Promise<Map<string, string>> {
  const diffs = new Map<string, string>()
  if (head === null || paths.length === 0) return diffs
  await Promise.all(paths.map(async (path) => {
    const output = await git(root, ['diff', '--no-ext-diff', '--no-textconv', '--no-color', '--no-renames', '--ignore-submodules=all', '--relative', 'HEAD', '--', path], { config }).catch(() => undefined)
    // A diff that cannot be had (a file changing under git's hands) is unknown, not empty.
    if (output === undefined) return
    diffs.set(path, output.toString('utf8').slice(0, MAX_READ_CHARACTERS))
  }))
  return diffs
}

function inGroups<T> (items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size))
}

/** Takes user and password out of a remote's address. */
export function withoutCredentials (url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1')
}

export async function readCommits (root: string, limit: number, clean: Cleaner): Promise<Commit[]> {
  // Marks that no message can hold, as it would have to know them.
  const nonce = randomUUID()
  const [record, field] = [`\x1e${nonce}`, `\x1f${nonce}`]
  const format = `--format=${record}%H${field}%an${field}%at${field}%B${field}`
  let output: Buffer
  try {
    output = await git(root, ['log', `--max-count=${limit}`, '--no-ext-diff', '--no-textconv', '--name-only', '-z', '--no-renames', '--no-show-signature', '--relative', '--encoding=UTF-8', format, '--', '.'])
  } catch {
    // No commit yet.
    return []
  }
  return await Promise.all(output.toString('utf8').split(record).slice(1).map(async (text) => {
    const [hash, author, seconds, message, files] = text.split(field)
    return {
      hash: hash!,
      author: author!,
      timestamp: timeOf(Number(seconds)),
      message: await clean(message!.trim(), 'commit.txt'),
      files_changed: (files ?? '').split('\0').map((path) => path.replace(/^\n/, '')).filter((path) => path !== '' && !holdsSecrets(path))
    }
  }))
}

const LATEST_SECONDS = Date.UTC(9999, 11, 31) / 1000

/** Anybody may write any number into a commit. */
function timeOf (seconds: number): string {
  return new Date(Math.max(0, Math.min(seconds, LATEST_SECONDS)) * 1000).toISOString()
}
