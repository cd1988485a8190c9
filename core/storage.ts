import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DIRECTORY_MODE, FILE_MODE } from './durable-file.js'
import { codeOf, messageOf, startError } from './errors.js'

export interface StorageLock {
  /** Gives the folder back; one that this start has made and that is to leave no trace is removed. */
  release (options?: { discard?: boolean }): Promise<void>
}

interface Holder { pid: number, started: string | null, id: string }

/** Makes the storage folder, for its owner alone, and takes it; one sidecar holds it at a time. */
export async function takeStorage (directory: string): Promise<StorageLock> {
  const isNew = !existsSync(directory)
  try {
    await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE })
  } catch (error) {
    throw startError('SIDECAR_ERR_STORAGE_INVALID', `The storage folder ${directory} cannot be made: ${messageOf(error)}.`, { cause: error })
  }
  await checkOwner(directory)
  const file = join(directory, 'sidecar.lock')
  const holder: Holder = { pid: process.pid, started: startOf(process.pid), id: randomUUID() }
  // Twice: the first try may find the lock of a sidecar that was killed, which is then taken away.
  for (let attempt = 0; ; attempt++) {
    try {
      const handle = await open(file, 'wx', FILE_MODE)
      await handle.writeFile(JSON.stringify(holder))
      await handle.close()
      break
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') {
        throw startError('SIDECAR_ERR_STORAGE_INVALID', `The storage folder ${directory} cannot be written: ${messageOf(error)}.`, { cause: error })
      }
    }
    const other = await readHolder(file)
    if (attempt > 0 || (other !== undefined && isAlive(other))) {
      throw startError('SIDECAR_ERR_STORAGE_LOCKED', `The storage folder ${directory} is in use by another sidecar (process ${other?.pid ?? 'unknown'}). Stop it, or choose another folder with --storage.`)
    }
    await rm(file, { force: true })
  }
  return {
    async release ({ discard = false } = {}) {
      if (discard && isNew) {
        await rm(directory, { recursive: true, force: true })
        return
      }
      if ((await readHolder(file))?.id === holder.id) await rm(file, { force: true })
    }
  }
}

async function checkOwner (directory: string): Promise<void> {
  const facts = await stat(directory)
  if (!facts.isDirectory()) throw startError('SIDECAR_ERR_STORAGE_INVALID', `The storage ${directory} is no folder.`)
  const user = process.getuid?.()
  if (user === undefined) return
  if (facts.uid !== user) throw startError('SIDECAR_ERR_STORAGE_INVALID', `The storage folder ${directory} belongs to another user; choose another with --storage.`)
  if ((facts.mode & 0o077) !== 0) await chmod(directory, DIRECTORY_MODE)
}

async function readHolder (file: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Holder
  } catch {
    // Gone in the meantime, or cut off by a crash: nobody holds it.
    return undefined
  }
}

function isAlive ({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
  // The number may have gone to another process since; where the system tells, the start time says so.
  return started === null || startOf(pid) === started
}

function startOf (pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
