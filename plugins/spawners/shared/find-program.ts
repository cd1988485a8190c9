import { constants } from 'node:fs'
import { access, open, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, resolve } from 'node:path'
import { codeOf } from '../../../core/plugin-api.js'

/** More of a first line no system reads. */
const SHEBANG_BYTES = 256

export type Found = { path: string } | { missing: string }

/** The file that a command names, as `execvp` would find it, or why it cannot be run, in words that go on from the name of the command. */
export async function findProgram (command: string, searchPath: string | undefined, directory: string): Promise<Found> {
  if (command.includes('/')) return await examine(isAbsolute(command) ? command : resolve(directory, command))
  let refusal: Found = { missing: 'was not found on PATH' }
  for (const folder of (searchPath ?? '').split(delimiter)) {
    const found = await examine(resolve(directory, folder, command))
    if ('path' in found) return found
    // One that is there and cannot be run says more than all the places where there is none.
    if (found.missing !== NOT_FOUND) refusal = found
  }
  return refusal
}

const NOT_FOUND = 'was not found'

async function examine (path: string): Promise<Found> {
  try {
    if (!(await stat(path)).isFile()) return { missing: 'is not executable: it is no file' }
    await access(path, constants.X_OK)
  } catch (error) {
    return { missing: codeOf(error) === 'EACCES' ? 'is not executable' : NOT_FOUND }
  }
  const interpreter = await interpreterOf(path)
  if (interpreter !== undefined && !await isThere(interpreter)) return { missing: `was not found: its interpreter '${interpreter}' is missing` }
  return { path }
}

/** The program that runs a script, as its first line says. */
async function interpreterOf (path: string): Promise<string | undefined> {
  const file = await open(path, 'r').catch(() => undefined)
  // A program may be run by who may not read it.
  if (file === undefined) return undefined
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SHEBANG_BYTES), 0, SHEBANG_BYTES, 0)
    return /^#![ \t]*([^\s]+)/.exec(buffer.subarray(0, bytesRead).toString('utf8'))?.[1]
  } finally {
    await file.close()
  }
}

async function isThere (path: string): Promise<boolean> {
  return await access(path).then(() => true, () => false)
}
