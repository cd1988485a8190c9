import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, messageOf } from '../core/errors.js'
import { Failure } from './failure.js'

/** Where a running sidecar is reached: written into its storage, so that commands find it whatever it was started with. */
export interface Announcement {
  /** Process number of the sidecar. */
  pid: number
  url: string
  /** Path of its unix socket. */
  socket: string | null
  /** File of the authority that signed its certificate, where that is not one that everybody trusts. */
  ca: string | null
}

const FILE = 'sidecar.json'

export async function announceSidecar (storage: string, announcement: Announcement): Promise<void> {
  await writeFile(join(storage, FILE), `${JSON.stringify(announcement)}\n`, { mode: 0o600 })
}

export async function withdrawAnnouncement (storage: string): Promise<void> {
  await rm(join(storage, FILE), { force: true })
}

/** Of the sidecar that uses a storage; `undefined` where none does, also where a killed one has left its announcement. */
export async function readAnnouncement (storage: string): Promise<Announcement | undefined> {
  const file = join(storage, FILE)
  try {
    const announcement = JSON.parse(await readFile(file, 'utf8')) as Announcement
    return isAlive(announcement.pid) ? announcement : undefined
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
    throw new Failure(`What the sidecar says of itself in ${file} cannot be read: ${messageOf(error)}.`, { cause: error })
  }
}

function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // It is there, and belongs to somebody else.
    return codeOf(error) === 'EPERM'
  }
}
