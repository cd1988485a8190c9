/**
 * Writes a file of text, or a result, and then the next in its place, and is killed with SIGKILL in the middle of that:
 * its arguments say at which call, what, where, and which build writes the next.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { writeFileDurably } from '../../core/durable-file.js'
import { createFileStore } from '../../plugins/storage/files/store.js'
import { PROJECT } from '../../core/testing/event-bus/events.js'
import { record } from '../../core/testing/result-store/records.js'
import { interceptFileHandles } from '../support/file-handle.js'
import { createLogSpy } from '../support/log-spy.js'
import { FILE, NEW, OLD } from './crash.js'

const [call, what, folder, build] = process.argv.slice(2) as [string, string, string, string]

async function load<Module> (path: string): Promise<Module> {
  return await import(pathToFileURL(join(build, path)).href) as Module
}

async function prepareFile (): Promise<() => Promise<void>> {
  await writeFileDurably(join(folder, FILE), OLD)
  const { writeFileDurably: write } = await load<{ writeFileDurably: typeof writeFileDurably }>('core/durable-file.js')
  return async () => await write(join(folder, FILE), NEW)
}

async function prepareResult (): Promise<() => Promise<void>> {
  const options = { storage: folder, log: createLogSpy(), writes: 8 }
  const before = createFileStore(options)
  await before.open!()
  await before.put(PROJECT, record(1))
  await before.close!()
  const { createFileStore: create } = await load<{ createFileStore: typeof createFileStore }>('plugins/storage/files/store.js')
  const store = create(options)
  await store.open!()
  return async () => { await store.put(PROJECT, record(2)) }
}

const writeNext = what === 'file' ? await prepareFile() : await prepareResult()
const nobody = { teardown () {} }
const crash = (): void => { process.kill(process.pid, 'SIGKILL') }
let isWritten = false
interceptFileHandles(nobody, 'writeFile', async (original, handle, args) => {
  if (call !== 'writeFile') return await original()
  const content = Buffer.from(args[0] as string)
  await handle.write(content, 0, content.length >> 1)
  crash()
})
interceptFileHandles(nobody, 'datasync', async (original) => {
  await original()
  isWritten = true
  if (call === 'datasync') crash()
})
interceptFileHandles(nobody, 'sync', async (original) => {
  await original()
  // Folders are synced before, too, when they were made.
  if (call === 'sync' && isWritten) crash()
})
await writeNext()
