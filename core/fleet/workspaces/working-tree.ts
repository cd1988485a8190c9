import { relative, sep } from 'node:path'
import type { FileChange } from '../../contracts/index.js'
import { discover } from '../../project/worker/git-directory.js'
import type { Git } from './git.js'
import { namesOf } from './git.js'

/** What git says of a working tree now. */
export interface WorkingTree extends WorkingStatus {
  /** The folder of the working tree, absolute and real. */
  top: string
  /** The repository's folder that all of its working trees share. */
  common: string
  /** The asked folder below the top: empty, or ends in `/`. */
  prefix: string
}

/** What may change from one moment to the next. */
export interface WorkingStatus {
  branch: string | null
  head: string | null
  upstream: string | null
  ahead: number | null
  /** What is in no commit, relative to the asked folder. */
  uncommitted: FileChange[]
}

/** Rejects where git can say nothing, as where there is no repository. */
export async function readWorkingTree (git: Git, root: string): Promise<WorkingTree> {
  const [places, status] = await Promise.all([git(root, ['rev-parse', '--path-format=absolute', '--show-toplevel', '--git-common-dir', '--show-prefix']), askStatus(git, root)])
  const [top, common, prefix] = places.split('\n') as [string, string, string]
  return { top, common, prefix, ...statusOf(status, prefix) }
}

/** One process of git less where the place of the folder in its repository can be told without. Rejects as `readWorkingTree` does. */
export async function readWorkingStatus (git: Git, root: string): Promise<WorkingStatus> {
  const known = prefixOf(root)
  const [prefix, status] = await Promise.all([known ?? git(root, ['rev-parse', '--show-prefix']), askStatus(git, root)])
  return statusOf(status, prefix.replace(/\n$/, ''))
}

/**
 * Looks at working trees, one look at a time for each: all that ask before a look begins share it, so that many agents that start
 * or end at once in one large project cost a few looks.
 */
export function createLooks (git: Git): (root: string) => Promise<WorkingStatus> {
  const turns = new Map<string, { current: Promise<WorkingStatus>, next: Promise<WorkingStatus> | undefined }>()
  const begin = (root: string): Promise<WorkingStatus> => {
    const current = readWorkingStatus(git, root)
    const turn = { current, next: undefined }
    turns.set(root, turn)
    const over = (): void => { if (turns.get(root) === turn && turn.next === undefined) turns.delete(root) }
    current.then(over, over)
    return current
  }
  return async (root) => {
    const turn = turns.get(root)
    if (turn === undefined) return await begin(root)
    turn.next ??= turn.current.then(() => {}, () => {}).then(async () => await begin(root))
    return await turn.next
  }
}

async function askStatus (git: Git, root: string): Promise<string> {
  return await git(root, ['status', '--porcelain=v2', '--branch', '--untracked-files=all', '--ignore-submodules=dirty', '--no-renames', '-z', '--', '.'])
}

/** `undefined` where only git can say. */
function prefixOf (root: string): string | undefined {
  const found = discover(root)
  if (typeof found === 'string') return undefined
  const path = relative(found.top, root).split(sep).join('/')
  return path === '' ? '' : `${path}/`
}

function statusOf (output: string, prefix: string): WorkingStatus {
  const tree: WorkingStatus = { branch: null, head: null, upstream: null, ahead: null, uncommitted: [] }
  for (const record of namesOf(output)) {
    const words = record.split(' ')
    if (record.startsWith('# ')) readHeader(tree, words)
    else tree.uncommitted.push(changeOf(words, prefix))
  }
  return tree
}

function readHeader (tree: WorkingStatus, [, name, value = '']: string[]): void {
  switch (name) {
    case 'branch.oid': tree.head = value === '(initial)' ? null : value; break
    case 'branch.head': tree.branch = value === '(detached)' ? null : value; break
    case 'branch.upstream': tree.upstream = value; break
    // `+2 -1`; left out when the upstream is gone.
    case 'branch.ab': tree.ahead = Number(value); break
    default:
  }
}

/** Number of fields before the path, by the kind of the record; see git-status, "Porcelain Format Version 2". */
const FIELDS: Record<string, number> = { 1: 8, u: 10, '?': 1 }

function changeOf (words: string[], prefix: string): FileChange {
  const [kind, code = ''] = words as [string, string | undefined]
  const path = words.slice(FIELDS[kind] ?? 1).join(' ').slice(prefix.length)
  if (kind === '?' || code.includes('A')) return { path, status: 'added' }
  return { path, status: code.includes('D') && kind !== 'u' ? 'deleted' : 'modified' }
}

const STATUS: Record<string, FileChange['status']> = { A: 'added', D: 'deleted' }

/** Files that differ between two commits, relative to the folder; all of `after` where there was no commit before. */
export async function changesBetween (git: Git, root: string, before: string | null, after: string): Promise<FileChange[]> {
  if (before === null) return namesOf(await git(root, ['ls-tree', '-r', '-z', '--name-only', after, '--', '.'])).map((path) => ({ path, status: 'added' }))
  if (before === after) return []
  const fields = namesOf(await git(root, ['diff-tree', '-r', '-z', '--no-renames', '--name-status', '--relative', before, after, '--', '.']))
  return Array.from({ length: fields.length / 2 }, (_, index) => ({ status: STATUS[fields[2 * index]!] ?? 'modified', path: fields[2 * index + 1]! }))
}

/** Commits that `after` has and `before` has not. */
export async function countCommits (git: Git, root: string, before: string | null, after: string): Promise<number> {
  if (before === after) return 0
  return Number(await git(root, ['rev-list', '--count', after, ...(before === null ? [] : [`^${before}`]), '--']))
}
