import { existsSync } from 'node:fs'
import { realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../errors.js'
import { namesOf, type Git } from './git.js'
import type { Place, Places } from './place.js'
import { readWorkingTree } from './working-tree.js'

/** What git leaves in its folder while something is half done. */
const UNDER_WAY = ['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'BISECT_LOG', 'rebase-merge', 'rebase-apply']

/** Why a place must stay, in words; empty when nothing that is only there would be lost. What cannot be found out is a reason. */
export async function reasonsToKeep (git: Git, place: Place): Promise<string[]> {
  try {
    return await findReasons(git, place)
  } catch (error) {
    return [`git cannot say what is in it: ${messageOf(error).split('\n')[0]!}`]
  }
}

async function findReasons (git: Git, place: Place): Promise<string[]> {
  const folder = await realpath(place.folder)
  const tree = await readWorkingTree(git, folder)
  // A folder without a repository of its own would be taken for a part of one above it.
  if (tree.top !== folder) return ['it is no working tree any more']
  if (place.kind === 'worktree' && tree.common !== (await readWorkingTree(git, place.project_root)).common) return ['it belongs to another repository now']
  const own = (await git(folder, ['rev-parse', '--absolute-git-dir'])).trim()
  const reasons: string[] = []
  if (tree.uncommitted.length > 0) reasons.push(tree.uncommitted.length === 1 ? '1 file is not committed' : `${tree.uncommitted.length} files are not committed`)
  if (UNDER_WAY.some((name) => existsSync(join(own, name)))) reasons.push('a merge, rebase or the like is under way')
  if (existsSync(join(own, 'modules'))) reasons.push('it has submodules of its own')
  const alone = place.kind === 'worktree' ? await countInWorktree(git, place) : await countInClone(git, place)
  if (alone === undefined) reasons.push('it has commits that the project does not have')
  else if (alone > 0) reasons.push(`${alone === 1 ? '1 commit is' : `${alone} commits are`} in no other branch and pushed nowhere`)
  return reasons
}

/** Commits of its head and its branch that no other branch, tag or remote branch leads to. */
async function countInWorktree (git: Git, { folder, branch }: Place): Promise<number> {
  const isThere = (await git(folder, ['for-each-ref', '--format=%(refname)', `refs/heads/${branch}`])).trim() !== ''
  return Number(await git(folder, ['rev-list', '--count', 'HEAD', ...(isThere ? [`refs/heads/${branch}`] : []), '--not', `--exclude=${branch}`, '--branches', '--remotes', '--tags']))
}

/** Commits that a clone alone has; `undefined` when the project has never seen them. */
async function countInClone (git: Git, { folder, project_root: root }: Place): Promise<number | undefined> {
  const tips = (await git(folder, ['for-each-ref', '--format=%(objectname)', 'refs/heads', 'refs/tags', 'refs/stash'])).split('\n').filter((line) => line !== '')
  tips.push((await git(folder, ['rev-parse', 'HEAD'])).trim())
  try {
    return Number(await git(root, ['rev-list', '--count', ...new Set(tips), '--not', '--branches', '--remotes', '--tags']))
  } catch {
    return undefined
  }
}

/** Removes a place that there is no reason to keep, and its branch. git itself refuses where something is uncommitted after all. */
export async function removePlace (git: Git, places: Places, place: Place): Promise<void> {
  if (place.kind === 'worktree') {
    await git(place.project_root, ['worktree', 'remove', place.folder])
    await removeBranch(git, place)
  } else {
    await rm(place.folder, { recursive: true, force: true })
    for (const ref of namesOf((await git(place.project_root, ['for-each-ref', '--format=%(refname)%00', fetchedRef(place)])).replaceAll('\n', ''))) await git(place.project_root, ['update-ref', '-d', ref])
  }
  await places.forget(place)
}

/** Removes what was made of a place that never became whole: no agent was ever in it. */
export async function removeUnready (git: Git, places: Places, place: Place): Promise<void> {
  if (place.kind === 'worktree') {
    // Twice, because git locks what it has not finished. It fails where git knows of none.
    await git(place.project_root, ['worktree', 'remove', '--force', '--force', place.folder]).catch(() => {})
    await rm(place.folder, { recursive: true, force: true })
    const [tip] = (await git(place.project_root, ['for-each-ref', '--format=%(objectname)', `refs/heads/${place.branch}`])).split('\n')
    if (tip === place.base) await removeBranch(git, place)
  } else await rm(place.folder, { recursive: true, force: true })
  await places.forget(place)
}

/** Not one that somebody has checked out elsewhere: git refuses that. */
async function removeBranch (git: Git, { project_root: root, branch }: Place): Promise<void> {
  if ((await git(root, ['for-each-ref', '--format=%(refname)', `refs/heads/${branch}`])).trim() !== '') await git(root, ['branch', '--quiet', '-D', '--', branch])
}

/** Where the project keeps what was fetched from a clone. */
export function fetchedRef ({ agent_id: id }: Place): string {
  return `refs/cco/agents/${id.replace(/\.{2,}/g, '.')}`
}
