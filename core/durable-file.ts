import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { codeOf } from './errors.js'

export const DIRECTORY_MODE = 0o700
export const FILE_MODE = 0o600
const TEMPORARY = /^\..+\.[0-9a-f-]{36}\.tmp$/

/** Makes what was created, renamed or removed in a directory survive a power cut. */
export async function syncDirectory (directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

export async function makeDirectory (directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE })
  if (first === undefined) return
  // Every folder that was made is an entry of the one above it.
  for (let made = resolve(directory); made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made))
}

/**
 * Writes a whole file beside its place, syncs it, calls `beforeRename` if given, and renames it into place:
 * after a crash the old or the new content is there, never a mixture. Resolves when it is durable.
 */
export async function writeFileDurably (
  path: string,
  content: string | Buffer,
  beforeRename?: (temporary: string) => Promise<void>
): Promise<void> {
  const directory = dirname(path)
  const temporary = join(directory, `.${basename(path).slice(0, 100)}.${randomUUID()}.tmp`)
  try {
    const handle = await open(temporary, 'wx', FILE_MODE)
    try {
      await handle.writeFile(content)
      await handle.datasync()
    } finally {
      await handle.close()
    }
    await beforeRename?.(temporary)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncDirectory(directory)
}

/** Removes what a crash between write and rename left in a directory. */
export async function removeLeftovers (directory: string): Promise<void> {
  let names: string[]
  try {
    names = await readdir(directory)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  await Promise.all(names.filter((name) => TEMPORARY.test(name)).map((name) => rm(join(directory, name), { force: true })))
}
