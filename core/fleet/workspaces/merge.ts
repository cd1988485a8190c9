import { apiError, messageOf } from '../../errors.js'
import { namesOf, type Git } from './git.js'
import type { Place } from './place.js'
import { fetchedRef } from './remove-place.js'
import { changesBetween, countCommits, readWorkingTree } from './working-tree.js'
import type { FileChange } from '../../contracts/index.js'

/** Checking out a large merge takes its time, and is not to be cut in the middle. */
const MERGE_MS = 10 * 60_000

export type MergeOutcome = 'merged' | 'mergeable' | 'nothing_to_merge' | 'conflicts' | 'target_not_clean' | 'no_target' | 'refused'

export interface MergeReport {
  outcome: MergeOutcome
  /** Branch that the project is on; `null` when its head is detached. */
  target: string | null
  branch: string
  /** That the target does not have. */
  commits: number
  files: FileChange[]
  /** Files that both have changed in ways that do not go together. */
  conflicts: string[]
  /** What is in no commit of the agent, and therefore in no merge. */
  uncommitted: string[]
  /** Head of the target after the merge. */
  head: string | null
  /** Command that takes the merge back. */
  undo: string | null
  /** Why git refused, in its own words. */
  reason: string | null
}

/** Merges the branch of an agent into the branch that the project is on, or tells what would happen. Whole or not at all. */
export async function mergePlace (git: Git, place: Place, dryRun: boolean): Promise<MergeReport> {
  const project = await readWorkingTree(git, place.project_root)
  const own = await readWorkingTree(git, place.folder)
  const { top, branch: target, head } = project
  if (own.head === null || head === null) throw apiError('VAL_001', 'There is no commit to merge.', { details: { issues: [{ path: 'agent_id', message: 'has no commit' }] } })
  if (place.kind === 'clone') await fetchClone(git, top, place)
  const report: MergeReport = {
    outcome: 'mergeable',
    target,
    branch: own.branch ?? own.head,
    commits: await countCommits(git, top, head, own.head),
    files: await changesSinceFork(git, top, head, own.head),
    conflicts: [],
    uncommitted: own.uncommitted.map(({ path }) => path),
    head: null,
    undo: null,
    reason: null
  }
  if (report.commits === 0) return { ...report, outcome: 'nothing_to_merge' }
  const [tree, ...conflicts] = await tryMerge(git, top, head, own.head)
  if (conflicts.length > 0) return { ...report, outcome: 'conflicts', conflicts }
  if (target === null) return { ...report, outcome: 'no_target' }
  if (!await isClean(git, top)) return { ...report, outcome: 'target_not_clean' }
  if (dryRun) return report
  const isAhead = (await git(top, ['merge-base', head, own.head])).trim() === head
  const merged = isAhead ? own.head : await commitMerge(git, top, tree!, [head, own.head], `Merge ${place.branch}`)
  try {
    // Moves head, index and files together, and only when no file of anybody's is in the way.
    await git(top, ['merge', '--ff-only', '--no-overwrite-ignore', '--quiet', merged], { timeoutMs: MERGE_MS })
  } catch (error) {
    return { ...report, outcome: 'refused', reason: messageOf(error) }
  }
  return { ...report, outcome: 'merged', head: merged, undo: `git reset --keep ${head}` }
}

/** Brings the commits of a clone into the project, under a name that no branch has. */
export async function fetchClone (git: Git, top: string, place: Place): Promise<void> {
  await git(top, ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--upload-pack=git-upload-pack', '--', place.folder, `+HEAD:${fetchedRef(place)}`], { protocols: 'file', timeoutMs: MERGE_MS })
}

async function changesSinceFork (git: Git, top: string, ours: string, theirs: string): Promise<FileChange[]> {
  const [fork] = (await git(top, ['merge-base', ours, theirs], { accept: [1] })).split('\n')
  return await changesBetween(git, top, fork === undefined || fork === '' ? null : fork, theirs)
}

/** The tree of the merge, and the files in conflict; touches no file and no reference. */
export async function tryMerge (git: Git, top: string, ours: string, theirs: string): Promise<string[]> {
  return namesOf(await git(top, ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', ours, theirs], { accept: [1], literal: false }))
}

/** Files that git does not know are no obstacle: git refuses where one is in the way. */
async function isClean (git: Git, top: string): Promise<boolean> {
  return (await git(top, ['status', '--porcelain', '--untracked-files=no', '--ignore-submodules=dirty', '-z'])) === ''
}

/** By whom the repository says that it is worked in; a person's own configuration is not read. */
async function commitMerge (git: Git, top: string, tree: string, parents: readonly string[], message: string): Promise<string> {
  const said = async (key: string): Promise<string> => (await git(top, ['config', '--get', key], { accept: [1] })).trim()
  const [name, email] = [await said('user.name') || 'cco', await said('user.email') || 'cco@localhost']
  return (await git(top, ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-m', message], { config: [['user.name', name], ['user.email', email]] })).trim()
}
