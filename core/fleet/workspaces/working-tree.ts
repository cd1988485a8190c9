import type { FileChange } from '../../contracts/index.js'
import type { Git } from './git.js'
import { namesOf } from './git.js'

/** What git says of a working tree now. */
export interface WorkingTree {
  /** The folder of the working tree, absolute and real. */
  top: string
  /** The repository's folder that all of its working trees share. */
  common: string
  /** The asked folder below the top: empty, or ends in `/`. */
  prefix: string
  branch: string | null
  head: string | null
  upstream: string | null
  ahead: number | null
  /** What is in no commit, relative to the asked folder. */
  uncommitted: FileChange[]
}

/** Rejects where git can say nothing, as where there is no repository. */
export async function readWorkingTree (git: Git, root: string): Promise<WorkingTree> {
  const [top, common, prefix] = (await git(root, ['rev-parse', '--path-format=absolute', '--show-toplevel', '--git-common-dir', '--show-prefix'])).split('\n') as [string, string, string]
  const tree: WorkingTree = { top, common, prefix, branch: null, head: null, upstream: null, ahead: null, uncommitted: [] }
  const status = await git(root, ['status', '--porcelain=v2', '--branch', '--untracked-files=all', '--ignore-submodules=dirty', '--no-renames', '-z', '--', '.'])
  for (const record of namesOf(status)) {
    const words = record.split(' ')
    if (record.startsWith('# ')) readHeader(tree, words)
    else tree.uncommitted.push(changeOf(record, words, prefix))
  }
  return tree
}

function readHeader (tree: WorkingTree, [, name, value = '']: string[]): void {
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

function changeOf (record: string, words: string[], prefix: string): FileChange {
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
  return Number(await git(root, ['rev-list', '--count', after, ...(before === null ? [] : [`^${before}`]), '--']))
}
