import { execFile } from 'node:child_process'
import { devNull } from 'node:os'
import { promisify } from 'node:util'
import { messageOf } from '../../core/errors.js'

const run = promisify(execFile)
const MAX_OUTPUT = 512 * 1024 * 1024

/** Neither the machine's configuration nor hooks and helpers that a repository names have a say in what is measured. */
const CONFIG = [`core.hooksPath=${devNull}`, 'core.fsmonitor=false', 'core.quotePath=false', 'core.autocrlf=false', 'diff.algorithm=default', 'safe.directory=*']
const ENVIRONMENT = {
  PATH: process.env.PATH,
  HOME: devNull,
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: devNull,
  GIT_TERMINAL_PROMPT: '0',
  GIT_NO_LAZY_FETCH: '1'
}

/** Runs git in a folder and gives its output; rejects with git's own message. */
export async function git (cwd: string, ...args: string[]): Promise<string> {
  try {
    const { stdout } = await run('git', ['--no-pager', '--literal-pathspecs', ...CONFIG.flatMap((setting) => ['-c', setting]), ...args], {
      cwd, env: ENVIRONMENT, maxBuffer: MAX_OUTPUT
    })
    return stdout
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string }
    throw new Error(`git ${args[0]}: ${stderr.trim().split('\n')[0] || message}`, { cause: error })
  }
}

/** The commit that a repository is at; rejects where there is none. */
export async function headOf (repository: string): Promise<string> {
  try {
    return (await git(repository, 'rev-parse', '--verify', 'HEAD^{commit}')).trim()
  } catch (error) {
    throw new Error(`${repository} is no git repository with a commit: ${messageOf(error)}`, { cause: error })
  }
}
