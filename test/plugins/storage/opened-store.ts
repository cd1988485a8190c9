import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { ResultRecord, ResultStore } from '../../../core/plugin-api.js'
import { createFileStore } from '../../../plugins/storage/files/store.js'
import { replaceSync } from './broken-sync.js'
import { AGENT_TYPE, createLog, ISSUE, PROJECT, temporaryFolder } from './sample.js'

export interface Opened {
  store: ResultStore
  storage: string
  /** The folder of the issue that `record()` belongs to. */
  folder: string
  latest: string
  history: string
  log: ReturnType<typeof createLog>
  /** Another store over the same folder, as after a crash. */
  reopen (): Promise<Omit<Opened, 'reopen'>>
}

export async function opened (t: Test, at?: string): Promise<Opened> {
  const storage = at ?? await temporaryFolder(t)
  const folder = join(storage, 'results', PROJECT, ISSUE)
  const open = async () => {
    const log = createLog()
    const store = createFileStore({ storage, log, writes: 32 })
    t.teardown(() => store.close?.())
    await store.open?.()
    return { store, log, storage, folder, latest: join(folder, `${AGENT_TYPE}.json`), history: join(folder, `${AGENT_TYPE}.history`) }
  }
  return { ...await open(), reopen: open }
}

export async function readJson (path: string): Promise<ResultRecord> {
  return JSON.parse(await readFile(path, 'utf8')) as ResultRecord
}

/** Every path below a folder, relative to it, in order. */
export async function tree (folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).sort()
}

/** Holds every sync of a folder until `release` is called; `reached` resolves when one waits. */
export async function holdSync (t: Test): Promise<{ reached: Promise<void>, release (): void }> {
  let release = (): void => {}
  const released = new Promise<void>((resolve) => { release = resolve })
  let reach = (): void => {}
  const reached = new Promise<void>((resolve) => { reach = resolve })
  const restore = await replaceSync('sync', async (_handle, real) => {
    reach()
    await released
    await real()
  })
  t.teardown(() => {
    restore()
    // Also when the test failed before it did: the store waits for it when it is closed.
    release()
  })
  return { reached, release }
}

export function isOneFile (t: Test, one: string, other: string): Promise<unknown> {
  return Promise.all([lstat(one), lstat(other)]).then(([a, b]) => t.equal(a.ino, b.ino, 'both names are one file'))
}

/** The call must reject with this code, in words for a person, without a path. */
export async function refuses (t: Test, call: Promise<unknown>, code: string, reason: RegExp): Promise<void> {
  const error = await call.then(() => undefined, (thrown: unknown) => thrown as Error & { code: string })
  t.equal(error?.code, code)
  t.match(error?.message, reason)
  t.notMatch(error?.message, /\//, 'no path in the message')
}
