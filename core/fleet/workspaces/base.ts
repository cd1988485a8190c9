import { apiError } from '../../errors.js'
import type { Git } from './git.js'

/** The commit that a commit, branch or tag stands for. Rejects with git's message. */
export async function commitOf (git: Git, root: string, base: string): Promise<string> {
  return (await git(root, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${base}^{commit}`])).trim()
}

/** Throws `VAL_001` for a base that the repository does not have. A repository that cannot be asked is left for the start to judge. */
export async function checkBase (git: Git, root: string, base: string): Promise<void> {
  try {
    await commitOf(git, root, base)
  } catch (error) {
    const isAsked = await git(root, ['rev-parse', '--git-dir']).then(() => true, () => false)
    if (!isAsked) return
    const message = `is no commit, branch or tag of the project: '${base}'`
    throw apiError('VAL_001', `workspace_base ${message}.`, { details: { issues: [{ path: 'workspace_base', message }] }, cause: error })
  }
}
