import { chmod, lstat, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DIRECTORY_MODE, FILE_MODE } from '../../durable-file.js'
import { codeOf } from '../../errors.js'
import { clearStaleLock, inspectLock } from '../../storage.js'
import { check } from '../check.js'
import type { Check } from '../finding.js'

const MEBIBYTE = 1024 * 1024
/** Below it `GET /health` is 503. */
const LEAST_FREE = 64 * MEBIBYTE
const LITTLE_FREE = 1024 * MEBIBYTE
/** What others may not even list; beside the folder itself, which keeps them out of all of it. */
const SECRET = ['operator.token', 'keys', 'audit']
/** Clocks of file servers and of this machine differ by less. */
const TOLERANCE_MS = 5 * 60_000

/** Whose the folder is, and who may look into it. */
export const storageRights: Check = check('storage', async ({ settings: { storage } }) => {
  const facts = await lstat(storage).catch((error: unknown) => (codeOf(error) === 'ENOENT' ? undefined : Promise.reject(error)))
  if (facts === undefined) return [{ state: 'ok', text: `${storage} is not there yet; the first start makes it.` }]
  if (!facts.isDirectory()) return [{ state: 'problem', text: `${storage} is no folder.`, advice: 'Move it away, or choose another folder with --storage.' }]
  const user = process.getuid?.()
  if (user === undefined) return [{ state: 'ok', text: `${storage} is there; rights are not looked at on this system.` }]
  if (facts.uid !== user) return [{ state: 'problem', text: `${storage} belongs to another user (${facts.uid}).`, advice: 'Choose another folder with --storage, or start as that user.' }]
  if ((facts.mode & 0o022) !== 0) {
    // Taking the rights away would make it look as if all in it were the owner's.
    return [{ state: 'problem', text: `Other users can write to ${storage}, so what is in it may be theirs.`, advice: `Look at what is in it, then close it with chmod 700 ${storage}, or choose another folder with --storage.` }]
  }
  const open: string[] = []
  const closed = async (path: string): Promise<void> => {
    const entry = path === storage ? facts : await lstat(path)
    if (!entry.isSymbolicLink() && (entry.mode & 0o077) !== 0) open.push(path)
    if (path !== storage && entry.isDirectory()) for (const name of await readdir(path)) await closed(join(path, name))
  }
  await closed(storage)
  for (const name of SECRET) await closed(join(storage, name)).catch((error: unknown) => { if (codeOf(error) !== 'ENOENT') throw error })
  if (open.length === 0) return [{ state: 'ok', text: `${storage} is for its owner alone.` }]
  return [{
    state: 'problem',
    text: `Other users may look into ${open.length === 1 ? open[0]! : `${open.length} places of ${storage}`}.`,
    advice: 'Take the rights away: cco doctor --fix.',
    async fix () {
      for (const path of open) await chmod(path, (await lstat(path)).isDirectory() ? DIRECTORY_MODE : FILE_MODE)
    }
  }]
})

export const diskSpace: Check = check('disk', async ({ settings: { storage }, freeBytes }) => {
  const free = await freeBytes(await nearestFolder(storage))
  const text = `${Math.floor(free / MEBIBYTE)} MiB are free for ${storage}.`
  if (free < LEAST_FREE) return [{ state: 'problem', text, advice: 'Make room: cco results prune, or move the storage with --storage.' }]
  return [free < LITTLE_FREE ? { state: 'note', text, advice: 'Make room before it is full.' } : { state: 'ok', text }]
})

async function nearestFolder (path: string): Promise<string> {
  for (let here = path; ; here = dirname(here)) {
    const facts = await lstat(here).catch(() => undefined)
    if (facts?.isDirectory() === true || dirname(here) === here) return here
  }
}

/** The lock of a sidecar that was killed is taken away by the next start; until then it says that one runs. */
export const lock: Check = check('lock', async ({ settings: { storage } }) => {
  const { state, pid } = await inspectLock(storage)
  if (state === 'none') return [{ state: 'ok', text: 'No sidecar uses the storage.' }]
  if (state === 'held') return [{ state: 'ok', text: `The storage is used by the sidecar of process ${pid}.` }]
  return [{
    state: 'problem',
    text: `${join(storage, 'sidecar.lock')} is of a sidecar that is gone${pid === null ? '' : ` (process ${pid})`}.`,
    advice: 'The next start takes it away, and so does cco doctor --fix.',
    fix: async () => await clearStaleLock(storage)
  }]
})

/** A clock that was set back leaves files of the future: tokens are refused, and what is old seems new. */
export const clock: Check = check('clock', async ({ settings: { storage }, now }) => {
  const names = await readdir(storage).catch((error: unknown) => (codeOf(error) === 'ENOENT' ? [] : Promise.reject(error)))
  const ahead: string[] = []
  for (const name of names) {
    const { mtimeMs } = await lstat(join(storage, name))
    if (mtimeMs - now() > TOLERANCE_MS) ahead.push(name)
  }
  if (ahead.length === 0) return [{ state: 'ok', text: 'No file of the storage is of the future.' }]
  return [{ state: 'problem', text: `The clock was set back: ${ahead.join(', ')} in ${storage} ${ahead.length === 1 ? 'is' : 'are'} of the future.`, advice: 'Set the clock right, or wait for it; tokens that were issued meanwhile are refused until then.' }]
})
