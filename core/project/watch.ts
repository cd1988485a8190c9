import { readFileSync, watch as watchFolder, type FSWatcher } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { basename } from 'node:path'
import { setImmediate as rest } from 'node:timers/promises'
import { codeOf, messageOf } from '../errors.js'
import type { ListReply, ListRequest } from './worker/listings.js'
import type { WatchedPlace } from './worker/repository.js'
import { unpackStrings, type PackedStrings } from './worker/transfer.js'

export type StartWatch = (path: string, options: { persistent: false }, onEvent: (event: string, name: string | null) => void) => Pick<FSWatcher, 'close' | 'on'>

export interface WatchOptions {
  root: string
  start?: StartWatch
  /** Events after which some may have been lost. */
  maxEvents?: number
  /** All is watched that was to be. */
  onComplete (): void
  /** No watch will be kept. */
  onLost (reason: string): void
}

export type Told = NonNullable<ListRequest['dirty']>

const BATCH_MS = 3
// File systems whose changes the system tells all of; on others somebody elsewhere can make them.
const LOCAL = new Set([0xEF53, 0x58465342, 0x9123683E, 0x01021994, 0x858458F6, 0xF2F52010, 0x2FC12FC1, 0x794C7630, 0xCA451A4E, 0x3153464A, 0x52654973])

/** Whether changes on the file systems of these folders can be watched. */
export async function isWatchable (folders: readonly string[]): Promise<boolean> {
  if (process.platform !== 'linux') return false
  try {
    const types = await Promise.all(folders.map(async (folder) => (await statfs(folder)).type))
    return types.every((type) => LOCAL.has(type >>> 0))
  } catch {
    return false
  }
}

/** A queue that overflows loses events without a word, so half of it is as far as one goes. */
function queueLimit (): number {
  try {
    return Math.floor(Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8')) / 2) || 4096
  } catch {
    return 4096
  }
}

let barrier: Promise<void> | undefined

/**
 * Resolves when everything that the system told before the call has been received: the first turn of the event loop may have passed
 * the watches already, the second has not. The same promise for all who call in the same turn.
 */
export function eventsReceived (): Promise<void> {
  barrier ??= new Promise((resolve) => {
    setImmediate(() => {
      barrier = undefined
      setImmediate(resolve)
    })
  })
  return barrier
}

/** Watches the folders of one project, and remembers where something happened. */
export class FolderWatch {
  readonly #root: string
  readonly #start: StartWatch
  readonly #maxEvents: number
  readonly #onComplete: () => void
  readonly #onLost: (reason: string) => void
  readonly #watchers = new Map<string, Pick<FSWatcher, 'close' | 'on'>>()
  readonly #places = new Map<string, { key: string, watcher: Pick<FSWatcher, 'close' | 'on'> }>()
  readonly #pending = new Set<string>()
  #dirty = new Map<string, Set<string> | null>()
  #git = false
  #events = 0
  /** Whether something may have happened that was not told. */
  #mustCheck = true
  #isClosed = false
  #isWorking = false

  constructor ({ root, start = watchFolder, maxEvents = queueLimit(), onComplete, onLost }: WatchOptions) {
    this.#root = root
    this.#start = start
    this.#maxEvents = maxEvents
    this.#onComplete = onComplete
    this.#onLost = onLost
  }

  /** How many folders are watched. */
  get size (): number {
    return this.#watchers.size + this.#places.size
  }

  /** Whether nothing happened since what was told was last taken. */
  get isClean (): boolean {
    return this.#isTrusted && this.#dirty.size === 0 && !this.#git
  }

  get #isTrusted (): boolean {
    return !this.#isClosed && !this.#mustCheck && !this.#isWorking && this.#events <= this.#maxEvents
  }

  /** What happened since the last call; `undefined` where only a look at everything can tell. */
  take (): Told | undefined {
    const told = this.#isTrusted ? this.told() : undefined
    this.#dirty = new Map()
    this.#git = false
    // What is told from now on is told after the look that follows.
    if (told === undefined) this.#events = 0
    this.#mustCheck = false
    return told
  }

  told (): Told {
    return { folders: [...this.#dirty].map(([folder, names]) => [folder, names === null ? null : [...names]] as const), git: this.#git }
  }

  /** What was told has been lost: the next look is at everything. */
  forget (): void {
    this.#mustCheck = true
  }

  /** Watches what a listing says. */
  follow ({ isWhole, folders, places }: Pick<ListReply, 'isWhole' | 'folders' | 'places'>): void {
    if (this.#isClosed) return
    this.#followPlaces(places)
    if (!isWhole) {
      for (const folder of namesIn(folders.removed)) {
        this.#unwatch(folder)
        this.#pending.delete(folder)
      }
      for (const folder of namesIn(folders.added)) this.#pending.add(folder)
    }
    if (this.#isWorking || (!isWhole && this.#pending.size === 0)) return
    this.#isWorking = true
    this.#work(isWhole ? folders.added : undefined).catch((error: unknown) => this.#lose(messageOf(error)))
  }

  close (): void {
    this.#isClosed = true
    this.#pending.clear()
    for (const { watcher } of this.#places.values()) watcher.close()
    this.#places.clear()
    this.#closeAll().catch(() => {})
  }

  async #closeAll (): Promise<void> {
    let ends = performance.now() + BATCH_MS
    for (const folder of [...this.#watchers.keys()]) {
      this.#unwatch(folder)
      if (performance.now() < ends) continue
      await rest()
      ends = performance.now() + BATCH_MS
    }
  }

  /** Sets watches, in steps that leave the event loop to others. The first step is taken at once, and mostly is the last. */
  async #work (all: PackedStrings | undefined): Promise<void> {
    let ends = performance.now() + BATCH_MS
    const pause = async (): Promise<void> => {
      if (performance.now() < ends) return
      await rest()
      ends = performance.now() + BATCH_MS
    }
    if (all !== undefined) {
      for (const group of unpackStrings(all)) {
        for (const folder of group) this.#pending.add(folder)
        await pause()
      }
    }
    for (const folder of this.#pending) {
      if (this.#isClosed) return
      this.#pending.delete(folder)
      this.#unwatch(folder)
      const watcher = this.#watch(folder === '' ? this.#root : `${this.#root}/${folder}`, (name) => this.#note(folder, name))
      if (watcher !== undefined) this.#watchers.set(folder, watcher)
      // What happened between the listing and now was told to nobody.
      this.#note(folder, null)
      await pause()
    }
    this.#isWorking = false
    if (!this.#isClosed) this.#onComplete()
  }

  #watch (path: string, onName: (name: string | null) => void): Pick<FSWatcher, 'close' | 'on'> | undefined {
    const own = basename(path)
    try {
      const watcher = this.#start(path, { persistent: false }, (_event, name) => {
        this.#events++
        onName(name)
        // What happens to the folder itself comes under its own name.
        if (name === own) onName(null)
      })
      watcher.on('error', (error: Error) => this.#lose(messageOf(error)))
      return watcher
    } catch (error) {
      // A folder that has gone, or may not be read, is told of by the one above.
      if (!['ENOENT', 'ENOTDIR', 'EACCES'].includes(codeOf(error) ?? '')) this.#lose(codeOf(error) ?? messageOf(error))
      return undefined
    }
  }

  #note (folder: string, name: string | null): void {
    if (name === null || name.includes('\uFFFD')) {
      this.#dirty.set(folder, null)
      return
    }
    const names = this.#dirty.get(folder)
    if (names === undefined) this.#dirty.set(folder, new Set([name]))
    else names?.add(name)
  }

  #followPlaces (places: readonly WatchedPlace[]): void {
    const wanted = new Map<string, WatchedPlace[]>()
    for (const place of places) wanted.set(place.folder, [...wanted.get(place.folder) ?? [], place])
    for (const [folder, { key, watcher }] of this.#places) {
      if (key === JSON.stringify(wanted.get(folder))) continue
      watcher.close()
      this.#places.delete(folder)
    }
    for (const [folder, all] of wanted) {
      if (this.#places.has(folder) || this.#isClosed) continue
      const note = (): void => {
        for (const { about } of all) {
          if (about === undefined) this.#git = true
          else this.#note(about, '.git')
        }
      }
      const watcher = this.#watch(folder, (name) => {
        if (name === null || all.some(({ names }) => names.includes(name))) note()
      })
      if (watcher === undefined) continue
      this.#places.set(folder, { key: JSON.stringify(all), watcher })
      note()
    }
  }

  #unwatch (folder: string): void {
    this.#watchers.get(folder)?.close()
    this.#watchers.delete(folder)
  }

  #lose (reason: string): void {
    if (this.#isClosed) return
    this.close()
    this.#onLost(reason)
  }
}

function * namesIn (packed: PackedStrings): Generator<string> {
  for (const group of unpackStrings(packed)) yield * group
}
