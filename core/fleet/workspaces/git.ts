import type { GitOptions } from '../../project/worker/git.js'
import type { ProjectWorker } from '../../project/worker/client.js'
import { messageOf } from '../../errors.js'

/** Runs git in a folder, off the event loop and with every command of the repository's configuration switched off. Rejects with git's own message. */
export type Git = (cwd: string, args: readonly string[], options?: GitOptions) => Promise<string>

export function createGit (worker: Pick<ProjectWorker, 'git'>): Git {
  return async (cwd, args, options) => {
    try {
      return Buffer.from(await worker.git(cwd, args, options)).toString('utf8')
    } catch (error) {
      throw new Error(messageOf((error as Error).cause ?? error), { cause: error })
    }
  }
}

/** The parts of a NUL-separated listing. */
export function namesOf (output: string): string[] {
  return output.split('\0').filter((name) => name !== '')
}

/** Whether git said that there is no repository. */
export function isNoRepository (error: unknown): boolean {
  return /not a git repository/i.test(messageOf(error))
}
