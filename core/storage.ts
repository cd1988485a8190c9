import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { chmod, link, mkdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DIRECTORY_MODE, FILE_MODE } from './durable-file.js'
import { codeOf, messageOf, startError } from './errors.js'

export interface StorageLock {
  /** Gives the folder back; one that this start has made and that is to leave no trace is removed. */
  release (options?: { discard?: boolean }): Promise<void>
}

interface Holder { pid: number, started: string | null, id: string }

const ATTEMPTS = 5
/** Clearing takes milliseconds; a guard that is older was left by a crash. */
const GUARD_MS = 10_000

/** Makes the storage folder, for its owner alone, and takes it; one sidecar holds it at a time. */
export async function takeStorage (directory: string): Promise<StorageLock> {
  let made: string | undefined
  try {
    made = await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE })
  } catch (error) {
    throw startError('SIDECAR_ERR_STORAGE_INVALID', `The storage folder ${directory} cannot be made: ${messageOf(error)}.`, { cause: error })
  }
  await checkOwner(directory)
  const file = join(directory, 'sidecar.lock')
  const holder: Holder = { pid: process.pid, started: startOf(process.pid), id: randomUUID() }
  // More than once: the first try may find the lock of a sidecar that was killed, which is then taken away.
  for (let attempt = 0; !(await placeLock(file, holder)); attempt++) {
    const other = await readHolder(file)
    if (other === 'gone') continue
    if (attempt >= ATTEMPTS || (other !== undefined && isAlive(other))) {
      throw startError('SIDECAR_ERR_STORAGE_LOCKED', `The storage folder ${directory} is in use by another sidecar (process ${other?.pid ?? 'unknown'}). Stop it, or choose another folder with --storage.`)
    }
    await clearLock(file)
  }
  return {
    async release ({ discard = false } = {}) {
      if (discard && made !== undefined) {
        await rm(directory, { recursive: true, force: true })
        await removeEmpty(dirname(directory), made)
        return
      }
      const present = await readHolder(file)
      if (present !== 'gone' && present?.id === holder.id) await rm(file, { force: true })
    }
  }
}

/** Puts the lock in its place whole, so that nobody ever reads half of one; `false` when there is one already. */
async function placeLock (file: string, holder: Holder): Promise<boolean> {
  const draft = `${file}.${holder.id}`
  try {
    await writeFile(draft, JSON.stringify(holder), { mode: FILE_MODE })
    await link(draft, file)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw startError('SIDECAR_ERR_STORAGE_INVALID', `The storage folder ${dirname(file)} cannot be written: ${messageOf(error)}.`, { cause: error })
  } finally {
    await rm(draft, { force: true })
  }
}

/**
 * Takes a dead sidecar's lock away. One at a time does so, behind a guard: whoever looked before another had taken the
 * folder would else take that one's lock away. A guard that a crash left is taken away when it is old.
 */
async function clearLock (file: string): Promise<void> {
  const guard = `${file}.clearing`
  try {
    await mkdir(guard, { mode: DIRECTORY_MODE })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    const facts = await stat(guard).catch(() => undefined)
    if (facts !== undefined && Date.now() - facts.mtimeMs > GUARD_MS) await rmdir(guard).catch(() => {})
    return
  }
  try {
    const holder = await readHolder(file)
    if (holder === undefined || (holder !== 'gone' && !isAlive(holder))) await rm(file, { force: true })
  } finally {
    await rmdir(guard)
  }
}

/** Removes folders upwards until `last`, as long as nobody has put anything in them. */
async function removeEmpty (folder: string, last: string): Promise<void> {
  for (let here = folder; here.length >= last.length; here = dirname(here)) {
    try {
      await rmdir(here)
    } catch {
      return
    }
  }
}

async function checkOwner (directory: string): Promise<void> {
  const facts = await stat(directory)
  if (!facts.isDirectory()) throw startError('SIDECAR_ERR_STORAGE_INVALID', `The storage ${directory} is no folder.`)
  const user = process.getuid?.()
  if (user === undefined) return
  if (facts.uid !== user) throw startError('SIDECAR_ERR_STORAGE_INVALID', `The storage folder ${directory} belongs to another user; choose another with --storage.`)
  if ((facts.mode & 0o022) !== 0) {
    throw startError('SIDECAR_ERR_STORAGE_INVALID', `The storage folder ${directory} can be written by other users, so what is in it may be theirs; look at it, then close it with: chmod 700 ${directory}`)
  }
  if ((facts.mode & 0o077) === 0) return
  try {
    await chmod(directory, DIRECTORY_MODE)
  } catch (error) {
    throw startError('SIDECAR_ERR_STORAGE_INVALID', `The storage folder ${directory} cannot be closed to other users: ${messageOf(error)}.`, { cause: error })
  }
}

/** `undefined` when what the file says is no holder, as after a crash. */
async function readHolder (file: string): Promise<Holder | 'gone' | undefined> {
  try {
    const holder = JSON.parse(await readFile(file, 'utf8')) as Partial<Holder> | null
    return Number.isInteger(holder?.pid) && holder!.pid! > 0 ? holder as Holder : undefined
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? 'gone' : undefined
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

/** Whether somebody holds the folder; `stale` when whoever did is gone, with the number of that process where it can be read. */
export async function inspectLock (directory: string): Promise<{ state: 'none' | 'held' | 'stale', pid: number | null }> {
  const holder = await readHolder(join(directory, 'sidecar.lock'))
  if (holder === 'gone') return { state: 'none', pid: null }
  return { state: holder !== undefined && isAlive(holder) ? 'held' : 'stale', pid: holder?.pid ?? null }
}

/** Takes the lock of a sidecar that is gone away, and no other. */
export async function clearStaleLock (directory: string): Promise<void> {
  await clearLock(join(directory, 'sidecar.lock'))
}
