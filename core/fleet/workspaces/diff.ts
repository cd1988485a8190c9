import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileChange } from '../../contracts/index.js'
import { holdsSecrets } from '../../project/secret-files.js'
import type { Git } from './git.js'
import { changesBetween, readWorkingTree } from './working-tree.js'

const MAX_BYTES = 4 * 1024 * 1024
/** Files that git does not know and that are shown whole. */
const MAX_NEW = 200
const MAX_NEW_BYTES = 256 * 1024
const MAX_FILES = 2000

export interface WorkDiff {
  base: string | null
  head: string | null
  committed: FileChange[]
  uncommitted: FileChange[]
  /** All of it against the base, without files that hold secrets; `null` when there is too much of it. */
  diff: string | null
  /** Whether anything was left out of the lists or of the diff. */
  truncated: boolean
}

const FORM = ['--no-ext-diff', '--no-textconv', '--no-renames', '--no-color', '--ignore-submodules=dirty']

/** What a working tree holds beyond a commit, committed and not; with `head`, what lies between two commits. Paths are relative to the folder. */
export async function diffSince (git: Git, root: string, base: string | null, head?: string): Promise<WorkDiff> {
  const tree = head === undefined ? await readWorkingTree(git, root) : { head, uncommitted: [] }
  const committed = tree.head === null ? [] : await changesBetween(git, root, base, tree.head)
  const { uncommitted } = tree
  const isSecret = [...committed, ...uncommitted].some(({ path }) => holdsSecrets(path))
  const shown = [...new Set([...committed, ...uncommitted].map(({ path }) => path))].filter((path) => !holdsSecrets(path))
  const isMuch = shown.length > MAX_FILES || base === null
  const text = isMuch ? null : await readDiff(git, root, [base, ...(head === undefined ? [] : [head])], isSecret ? shown : ['.'])
  const fresh = text === null || head !== undefined ? { text: '', cut: false } : await readNew(git, root, uncommitted)
  return {
    base,
    head: tree.head,
    committed: committed.slice(0, MAX_FILES),
    uncommitted: uncommitted.slice(0, MAX_FILES),
    diff: text === null ? null : text + fresh.text,
    truncated: text === null || fresh.cut || isSecret
  }
}

async function readDiff (git: Git, root: string, commits: readonly string[], paths: readonly string[]): Promise<string | null> {
  if (paths.length === 0) return ''
  try {
    return await git(root, ['diff', '--relative', ...FORM, ...commits, '--', ...paths], { maxBytes: MAX_BYTES })
  } catch (error) {
    if (/maxBuffer/.test((error as Error).message)) return null
    throw error
  }
}

/** Files that git does not know are in no diff of its own. */
async function readNew (git: Git, root: string, uncommitted: readonly FileChange[]): Promise<{ text: string, cut: boolean }> {
  const known = new Set((await git(root, ['ls-files', '-z', '--', '.'])).split('\0'))
  const fresh = uncommitted.filter(({ path, status }) => status === 'added' && !known.has(path) && !holdsSecrets(path))
  let [text, cut] = ['', fresh.length > MAX_NEW]
  for (const { path } of fresh.slice(0, MAX_NEW)) {
    const facts = await stat(join(root, path)).catch(() => undefined)
    if (facts?.isFile() !== true || facts.size > MAX_NEW_BYTES || text.length > MAX_BYTES) cut = true
    else text += await git(root, ['diff', '--no-index', ...FORM, '--', '/dev/null', path], { accept: [1] })
  }
  return { text, cut }
}
