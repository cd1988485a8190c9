import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DIRECTORY_MODE, FILE_MODE, syncDirectory } from '../durable-file.js'
import { codeOf } from '../errors.js'
import { takeStorage } from '../storage.js'
import { contentOf, listArchive, type Found } from './archive.js'
import { MANIFEST, type Manifest } from './back-up.js'

export interface RestoreOptions {
  file: string
  storage: string
  /** Puts what is there aside instead of refusing. */
  force: boolean
}

export interface Restored {
  manifest: Manifest
  /** Where the storage that was there is now. */
  aside: string | null
}

/** Brings a backup back, whole and verified or not at all. Rejects for a storage that holds anything, unless forced, and for one that a sidecar uses. */
export async function restore ({ file, storage, force }: RestoreOptions): Promise<Restored> {
  const input = await open(file, 'r')
  const fresh = `${storage}.restoring-${randomUUID()}`
  try {
    const { manifest, members } = await verify(input)
    const isUsed = !await isEmpty(storage)
    if (isUsed && !force) throw new Error(`the storage ${storage} is not empty; --force puts it aside`)
    await mkdir(fresh, { recursive: true, mode: DIRECTORY_MODE })
    for (const member of members) await extract(input, member, fresh)
    const lock = await takeStorage(storage)
    const aside = isUsed ? `${storage}.before-restore-${new Date().toISOString().replace(/[:.]/g, '-')}` : null
    if (aside === null) {
      await lock.release()
      await rm(storage, { recursive: true, force: true })
    } else {
      await lock.release()
      await rename(storage, aside)
    }
    await rename(fresh, storage)
    await syncDirectory(dirname(storage))
    return { manifest, aside }
  } catch (error) {
    await rm(fresh, { recursive: true, force: true })
    throw error
  } finally {
    await input.close()
  }
}

/** Every member against the manifest, before anything is written. */
async function verify (input: FileHandle): Promise<{ manifest: Manifest, members: Found[] }> {
  const all = await listArchive(input)
  const last = all.pop()
  if (last?.path !== MANIFEST) throw new Error('it is no whole backup: what it holds is not told at its end')
  const chunks: Buffer[] = []
  for await (const chunk of contentOf(input, last)) chunks.push(chunk)
  const manifest = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Manifest
  if (manifest.format !== 1) throw new Error('it is a backup of a later version')
  if (manifest.files.length !== all.length) throw new Error('the backup is damaged: files are missing')
  for (const [index, member] of all.entries()) {
    const said = manifest.files[index]!
    const hash = createHash('sha256')
    for await (const chunk of contentOf(input, member)) hash.update(chunk)
    if (said.path !== member.path || said.sha256 !== hash.digest('hex')) throw new Error(`the backup is damaged at '${member.path}'`)
    if (member.path.split('/').some((part) => part === '' || part === '.' || part === '..') || member.path.includes('\0')) throw new Error(`the backup names a file outside of the storage: '${member.path}'`)
  }
  return { manifest, members: all }
}

async function extract (input: FileHandle, member: Found, folder: string): Promise<void> {
  const path = join(folder, member.path)
  await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE })
  const output = await open(path, 'wx', FILE_MODE)
  try {
    for await (const chunk of contentOf(input, member)) await output.writeFile(chunk)
    await output.sync()
  } finally {
    await output.close()
  }
}

async function isEmpty (folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length === 0
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return true
    throw error
  }
}
