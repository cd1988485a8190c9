import { randomUUID } from 'node:crypto'
import { open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { FILE_MODE, syncDirectory } from '../durable-file.js'
import { codeOf } from '../errors.js'
import { ArchiveWriter, type Member } from './archive.js'

/** The last member; says what the others are. */
export const MANIFEST = 'cco-backup.json'

export interface Manifest {
  format: 1
  version: string
  /** RFC 3339, UTC. */
  created_at: string
  with_keys: boolean
  files: Member[]
}

export interface BackupOptions {
  storage: string
  file: string
  withKeys: boolean
  version: string
  /** Called after each file. */
  onFile? (done: { files: number, bytes: number }): void
}

/** Made anew by every start, tied to this machine, belonging to git, or half of a file that is being written. */
const LEFT_OUT = /^(?:cache|worktrees)\/|^sidecar\.(?:lock|json)|^operator\.token$|\.index$|(?:^|\/)\.[^/]+\.tmp$/
const LOG = 'events/event-log.jsonl'
const CLOSED = /^events\/event-log\.\d+\.jsonl$/
/** The log is rotated every few megabytes. */
const MAX_ROTATIONS = 100

/**
 * Writes the storage into one file, also while a sidecar uses it: all that was acknowledged before the call is in it. Files that grow are taken up to the length that they have when
 * they are opened; files that are replaced are whole, before or after. Whoever refers to something is read first: positions before events, records of agents and events before results.
 * What is referred to was there first, so that nothing in a backup points to what is not in it.
 */
export async function backUp ({ storage, file, withKeys, version, onFile }: BackupOptions): Promise<Manifest> {
  const manifest: Manifest = { format: 1, version, created_at: new Date().toISOString(), with_keys: withKeys, files: [] }
  let bytes = 0
  const note = (member: Member): void => {
    manifest.files.push(member)
    bytes += member.size
    onFile?.({ files: manifest.files.length, bytes })
  }
  const temporary = join(dirname(file), `.${basename(file).slice(0, 100)}.${randomUUID()}.tmp`)
  const output = await open(temporary, 'wx', FILE_MODE)
  try {
    const archive = new ArchiveWriter(output)
    const taken = new Set<string>()
    const take = async (isMeant: (path: string) => boolean): Promise<void> => {
      for (const path of await listStorage(storage)) {
        if (taken.has(path) || !isMeant(path) || (!withKeys && path.startsWith('keys/'))) continue
        taken.add(path)
        const member = await addPath(archive, storage, path)
        if (member !== undefined) note(member)
      }
    }
    // Before the log of which it is the head: one that names more than there is would look like a cut.
    await take((path) => path === 'audit/head')
    await take((path) => path.startsWith('agents/'))
    await take((path) => path.startsWith('events/') && path !== LOG && !CLOSED.test(path))
    await takeLog(storage, async (path, handle) => {
      taken.add(path)
      note(await addHandle(archive, path, handle))
    }, async (closed) => await take((path) => closed.has(path)))
    await take((path) => !path.startsWith('events/'))
    const text = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)
    await archive.add(MANIFEST, { size: text.length, read: async (buffer, position) => text.copy(buffer, 0, position) })
    await archive.end()
    await output.sync()
    await output.close()
    await rename(temporary, file)
    await syncDirectory(dirname(file))
    return manifest
  } catch (error) {
    await output.close().catch(() => {})
    await rm(temporary, { force: true })
    throw error
  }
}

/** The current file of the log and the closed ones before it: while it is the current one after they were listed, none is missing between. */
async function takeLog (storage: string, takeCurrent: (path: string, handle: FileHandle) => Promise<void>, takeClosed: (closed: ReadonlySet<string>) => Promise<void>): Promise<void> {
  for (let attempt = 0; attempt < MAX_ROTATIONS; attempt++) {
    const handle = await openFile(join(storage, LOG))
    try {
      const closed = new Set((await listStorage(storage)).filter((path) => CLOSED.test(path)))
      const now = await stat(join(storage, LOG)).catch(() => undefined)
      if (now?.ino !== (await handle?.stat())?.ino) continue
      if (handle !== undefined) await takeCurrent(LOG, handle)
      await takeClosed(closed)
      return
    } finally {
      await handle?.close()
    }
  }
  throw new Error('the log of events was rotated too often while it was read')
}

async function addPath (archive: ArchiveWriter, storage: string, path: string): Promise<Member | undefined> {
  const handle = await openFile(join(storage, path))
  // Retention took it in the meantime.
  if (handle === undefined) return undefined
  try {
    return await addHandle(archive, path, handle)
  } finally {
    await handle.close()
  }
}

async function addHandle (archive: ArchiveWriter, path: string, handle: FileHandle): Promise<Member> {
  const { size } = await handle.stat()
  return await archive.add(path, { size, read: async (buffer, position) => (await handle.read(buffer, 0, buffer.length, position)).bytesRead })
}

async function openFile (path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Paths of the files of a storage that a backup may hold. */
async function listStorage (storage: string): Promise<string[]> {
  const found: string[] = []
  const collect = async (folder: string): Promise<void> => {
    const entries = await readdir(join(storage, folder), { withFileTypes: true }).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT' && folder !== '') return []
      throw error
    })
    for (const entry of entries) {
      const path = folder + entry.name
      if (entry.isDirectory() && !LEFT_OUT.test(`${path}/`)) await collect(`${path}/`)
      else if (entry.isFile() && !LEFT_OUT.test(path)) found.push(path)
    }
  }
  await collect('')
  return found
}
