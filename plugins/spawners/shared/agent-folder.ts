import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { LaunchRequest } from '../../../core/plugin-api.js'

const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700

/** Writes a file that nobody else may read into the agent's folder; gives its path. A value that is no text becomes JSON. */
export async function writeForAgent ({ directory }: LaunchRequest, name: string, content: string | object): Promise<string> {
  const path = join(directory, name)
  await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE })
  await writeFile(path, typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`, { mode: FILE_MODE })
  // An earlier one keeps its mode.
  await chmod(path, FILE_MODE)
  return path
}
