import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { apiError } from '../../errors.js'
import { commitOf } from './base.js'
import { isNoRepository, namesOf, type Git } from './git.js'
import type { Place, Places } from './place.js'
import { readWorkingTree, type WorkingTree } from './working-tree.js'

/** Checking out a large repository takes its time. */
const CHECKOUT_MS = 10 * 60_000

export interface PlaceRequest {
  agent_id: string
  agent_type: string
  project_id: string
  project_root: string
  kind: Place['kind']
  /** Commit, branch or tag to begin from. */
  base: string
  created_at: string
}

/** Makes a working tree on a branch of its own. Throws `AGT_001` where there is nothing to make it from; what was made of it by then is left to `removeUnready`. */
export async function createPlace (git: Git, places: Places, { base, ...request }: PlaceRequest): Promise<Place> {
  const tree = await readProject(git, request.project_root)
  const place: Place = {
    ...request,
    folder: places.folderOf(request.project_id, request.agent_id),
    prefix: tree.prefix,
    branch: branchOf(request.agent_id),
    base: await commitToBeginFrom(git, request.project_root, base),
    notes: [],
    ready: false
  }
  await places.save(place)
  if (place.kind === 'worktree') {
    await git(tree.top, ['worktree', 'add', '--quiet', '--no-track', '-b', place.branch, place.folder, place.base], { timeoutMs: CHECKOUT_MS })
  } else {
    await git(dirname(place.folder), ['clone', '--quiet', '--local', '--no-checkout', '--template=', '--', tree.top, place.folder], { timeoutMs: CHECKOUT_MS, protocols: 'file' })
    await git(place.folder, ['checkout', '--quiet', '--no-track', '-b', place.branch, place.base], { timeoutMs: CHECKOUT_MS })
  }
  place.notes = await notesOf(git, place, tree)
  place.ready = true
  await places.save(place)
  return place
}

async function readProject (git: Git, root: string): Promise<WorkingTree> {
  try {
    return await readWorkingTree(git, root)
  } catch (error) {
    if (isNoRepository(error)) throw apiError('AGT_001', 'The agent was not started: a workspace of its own needs a project under git.', { cause: error })
    throw error
  }
}

async function commitToBeginFrom (git: Git, root: string, base: string): Promise<string> {
  try {
    return await commitOf(git, root, base)
  } catch (error) {
    throw apiError('AGT_001', `The agent was not started: the project has no commit '${base}' to begin from.`, { cause: error })
  }
}

/** A type of agents may have a name that a branch may not. */
function branchOf (agentId: string): string {
  return `cco/${agentId.replace(/\.{2,}/g, '.')}`
}

async function notesOf (git: Git, place: Place, { head, uncommitted }: WorkingTree): Promise<string[]> {
  const notes: string[] = []
  if (uncommitted.length > 0) notes.push(`${uncommitted.length === 1 ? '1 uncommitted change of the project is' : `${uncommitted.length} uncommitted changes of the project are`} not in it, and may be in the agent's context`)
  if (head !== place.base) notes.push('it begins from another commit than the project is at, and the agent\'s context is of the latter')
  const text = async (name: string): Promise<string> => await readFile(join(place.folder, name), 'utf8').catch(() => '')
  if (await text('.gitmodules') !== '') {
    const modules = namesOf(await git(place.folder, ['ls-tree', '-r', '-z', place.base])).filter((entry) => entry.startsWith('160000 ')).map((entry) => entry.slice(entry.indexOf('\t') + 1))
    if (modules.length > 0) notes.push(`submodules are empty folders: ${modules.slice(0, 20).join(', ')}`)
  }
  if ((await text('.gitattributes')).includes('filter=')) notes.push('files with a filter, as of Git LFS, are as git keeps them')
  return notes
}
