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

const MAX_DIFF_CHARACTERS = 16_000
const MAX_DIFFS = 100
const RECORD = '\x1e'
const FIELD = '\x1f'

export async function readGitFacts (root: string): Promise<GitFacts> {
  const config = await withoutFilters(root)
  const [status, remotes] = await Promise.all([
    git(root, ['status', '--porcelain=v2', '--branch', '--untracked-files=all', '--ignore-submodules=all', '--no-renames', '-z', '--', '.'], { config }),
    git(root, ['remote', '-v']).catch(() => Buffer.alloc(0))
  ])
  const facts = parseStatus(splitNames(status).names)
  const [remote, url] = remotes.toString('utf8').split('\n')[0]?.split('\t') ?? []
  const tracked = facts.changes.filter((change) => change.status !== 'untracked').slice(0, MAX_DIFFS)
  await Promise.all(inGroups(tracked, 25).map(async (group) => {
    const diffs = await readDiffs(root, facts.head, group.map((change) => change.path), config)
    for (const change of group) change.diff = diffs.get(change.path) ?? null
  }))
  return { ...facts, remote: remote || null, remote_url: url === undefined ? null : withoutCredentials(url.replace(/ \((fetch|push)\)$/, '')) }
}

function parseStatus (records: readonly string[]): Pick<GitFacts, 'branch' | 'head' | 'changes'> {
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
  return { branch, head, changes: changes.filter((change) => !holdsSecrets(change.path)) }
}

function statusOf (code: string): UncommittedChange['status'] {
  if (code.includes('A')) return 'added'
  return code.includes('D') ? 'deleted' : 'modified'
}

async function readDiffs (root: string, head: string | null, paths: string[], config: readonly (readonly [string, string])[]): Promise<Map<string, string>> {
  const diffs = new Map<string, string>()
  if (head === null || paths.length === 0) return diffs
  await Promise.all(paths.map(async (path) => {
    const output = await git(root, ['diff', '--no-ext-diff', '--no-textconv', '--no-color', '--no-renames', '--ignore-submodules=all', 'HEAD', '--', path], { config }).catch(() => undefined)
    // A diff that cannot be had (a file changing under git's hands) is unknown, not empty.
    if (output === undefined) return
    const text = output.toString('utf8')
    diffs.set(path, text.length > MAX_DIFF_CHARACTERS ? `${text.slice(0, MAX_DIFF_CHARACTERS)}\n… ${text.length - MAX_DIFF_CHARACTERS} more characters` : text)
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

export async function readCommits (root: string, limit: number): Promise<Commit[]> {
  const format = `--format=${RECORD}%H${FIELD}%an${FIELD}%aI${FIELD}%B${FIELD}`
  let output: Buffer
  try {
    output = await git(root, ['log', `--max-count=${limit}`, '--no-ext-diff', '--no-textconv', '--name-only', '-z', '--no-renames', '--no-show-signature', format, '--', '.'])
  } catch {
    // No commit yet.
    return []
  }
  return output.toString('utf8').split(RECORD).slice(1).map((record) => {
    const [hash, author, timestamp, message, files] = record.split(FIELD)
    return {
      hash: hash!,
      author: author!,
      timestamp: new Date(timestamp!).toISOString(),
      message: message!.trim(),
      files_changed: (files ?? '').split('\0').map((path) => path.replace(/^\n/, '')).filter((path) => path !== '' && !holdsSecrets(path))
    }
  })
}
