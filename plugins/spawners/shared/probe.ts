import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { apiError, messageOf, type SpawnerProgram } from '../../../core/plugin-api.js'
import { findProgram } from './find-program.js'

/** The first start of a large program from a cold disk. */
const VERSION_MS = 30_000
const MAX_OUTPUT_BYTES = 64 * 1024

/** Where agents with this environment find a command. Throws `AGT_001`. */
export async function pathOf (command: string, environment: Record<string, string>): Promise<string> {
  const found = await findProgram(command, environment.PATH, process.cwd())
  if ('path' in found) return found.path
  throw apiError('AGT_001', `'${command}' ${found.missing}. Install it, or name its place in the option 'command' of the spawner.`)
}

/** Finds the program of a CLI and asks it for its version. Throws `AGT_001`. */
export async function probeProgram ([command, ...args]: readonly string[], environment: Record<string, string>): Promise<SpawnerProgram> {
  const program = await pathOf(command!, environment)
  try {
    const { stdout } = await promisify(execFile)(program, [...args, '--version'], { env: environment, timeout: VERSION_MS, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT_BYTES })
    return { program, version: stdout.trim().split('\n')[0] || null }
  } catch (error) {
    throw apiError('AGT_001', `'${program}' does not tell its version: ${messageOf(error)}`, { cause: error })
  }
}
