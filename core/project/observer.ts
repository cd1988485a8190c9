import { lstatSync } from 'node:fs'
import type { Logger, ProjectFile } from '../contracts/index.js'
import { messageOf } from '../errors.js'
import { FileTable } from './file-table.js'
import { eventsReceived, FolderWatch, isWatchable, type StartWatch, type Told } from './watch.js'
import type { ProjectWorker } from './worker/client.js'
import type { ListReply } from './worker/listings.js'

/** A project's files as they were at one moment. The same object as long as nothing changes. */
export interface Seen {
  fingerprint: string
  /** Sorted by path. */
  files: readonly ProjectFile[]
  hasGit: boolean
  secret: readonly string[]
  unreadable: number
}

export interface Observer {
  /** The state of the disk at a moment not before the call. The same promise for those who are served by the same look. */
  look (): Promise<Seen>
  /** How many looks went beyond the watch: from one of them to the next, no name came into a listed folder, the root among them. */
  readonly looks: number
  /** A file of the latest look, another object whenever it changed; `undefined` for what is not listed any more. */
  find (path: string): ProjectFile | undefined
  close (): void
}

export interface ObserverOptions {
  root: string
  worker: ProjectWorker
  log?: Logger
  /** `false` looks at everything each time. Otherwise for tests. */
  watch?: false | { start?: StartWatch, maxEvents?: number, checkMs?: number }
}

const CHECK_MS = 30_000
const IDLE_MS = 10 * 60_000

export function createObserver ({ root, worker, log, watch: settings = {} }: ObserverOptions): Observer {
  const table = new FileTable()
  let latest: { seen: Seen, version: number, hasLinked: boolean } | undefined
  let running: Promise<Seen> | undefined
  let waiting: Promise<Seen> | undefined
  let untold: { received: Promise<void>, seen: Promise<Seen> } | undefined
  let looks = 0
  let watch: FolderWatch | undefined
  /** Inode of the root that is watched: when a folder above it is renamed, nothing tells. */
  let inode: number | undefined
  let isDistrusted = settings === false
  let isClosed = false
  let timer: NodeJS.Timeout | undefined
  let usedAt = 0
  let checkedAt = 0

  const inodeOfRoot = (): number | undefined => lstatSync(root, { throwIfNoEntry: false })?.ino

  const isUnchanged = (): boolean => watch?.isClean === true && latest?.hasLinked === false && inodeOfRoot() === inode

  const stopWatch = (): void => {
    watch?.close()
    watch = undefined
  }

  const distrust = (reason: string): void => {
    isDistrusted = true
    stopWatch()
    log?.warn({ root, reason }, 'changes of the project cannot be watched; each request looks at all files instead')
  }

  const take = async (): Promise<Seen> => {
    if (watch !== undefined) {
      await eventsReceived()
      if (latest !== undefined && isUnchanged()) return latest.seen
      if (inodeOfRoot() !== inode) stopWatch()
    }
    const told = watch?.take()
    return (await list(told, told !== undefined)).seen
  }

  const list = async (told: Told | undefined, isTrusted: boolean): Promise<{ seen: Seen, changed: string[] }> => {
    looks++
    try {
      const reply = await worker.list(root, { since: latest?.version, dirty: told, isTrusted })
      const changed = await table.apply(reply)
      const { fingerprint, hasGit, secret, unreadable, version, hasLinked } = reply
      // The same fingerprint is the same disk: facts that were read for it still hold.
      const seen = latest?.seen.fingerprint === fingerprint ? latest.seen : { fingerprint, files: table.files, hasGit, secret, unreadable }
      latest = { seen, version, hasLinked }
      await follow(reply)
      return { seen, changed }
    } catch (error) {
      watch?.forget()
      throw error
    }
  }

  const follow = async (reply: ListReply): Promise<void> => {
    if (!reply.isWatchable) stopWatch()
    if (!reply.isWatchable || isDistrusted || isClosed) return
    if (watch !== undefined && !reply.isWhole) return watch.follow(reply)
    stopWatch()
    const now = inodeOfRoot()
    if (now === undefined || !await isWatchable([root, ...reply.places.map(({ folder }) => folder)])) return
    // A difference does not name the folders that were there before.
    if (!reply.isWhole) reply = await worker.list(root, { since: undefined, dirty: { folders: [], git: false }, isTrusted: false })
    if (isClosed) return
    inode = now
    watch = new FolderWatch({
      root,
      ...(settings === false ? {} : settings),
      // From then on, a look at everything is the last for long.
      onComplete: () => { look().catch(() => {}) },
      onLost: distrust
    })
    watch.follow(reply)
  }

  /** One look at a time. One that is under way may have passed what has just changed, so who comes then waits for the next; all who wait share it. */
  const queue = async (look: () => Promise<Seen>): Promise<Seen> => {
    running = look().finally(() => { running = undefined })
    return await running
  }

  const look = (): Promise<Seen> => {
    if (running === undefined) return queue(take)
    waiting ??= running.then(() => {}, () => {}).then(async () => {
      waiting = undefined
      return await queue(take)
    })
    return waiting
  }

  /** Looks for changes of which the watch did not tell, such as those of files that are mapped into memory. */
  const check = async (): Promise<Seen> => {
    const before = await take()
    const watched = watch
    if (watched?.isClean !== true) return before
    const { seen, changed } = await list(undefined, true)
    await eventsReceived()
    if (seen === before || watched !== watch) return seen
    // What was told in the meantime may have changed what lies below as well, and what git keeps may have changed anything.
    const { folders, git } = watched.told()
    const untold = changed.find((path) => !folders.some(([folder]) => folder === '' || path.startsWith(`${folder}/`)))
    if (!git && (untold !== undefined || folders.length === 0)) distrust(`${untold ?? 'something'} changed and the system did not tell`)
    return seen
  }

  const tick = (): void => {
    timer = undefined
    if (isClosed) return
    if (performance.now() - usedAt > IDLE_MS) return stopWatch()
    if (watch !== undefined && usedAt > checkedAt && running === undefined) {
      checkedAt = performance.now()
      queue(check).catch((error: unknown) => log?.debug({ root, reason: messageOf(error) }, 'a check in the background failed'))
    }
    arm()
  }

  const arm = (): void => {
    if (settings === false || isClosed) return
    timer ??= setTimeout(tick, settings.checkMs ?? CHECK_MS).unref()
  }

  const close = (): void => {
    isClosed = true
    clearTimeout(timer)
    stopWatch()
  }
  worker.onClose(close)

  return {
    look () {
      usedAt = performance.now()
      arm()
      if (watch === undefined || latest === undefined || running !== undefined) return look()
      // Who came before the system's events began to be taken in is served by what they tell.
      const received = eventsReceived()
      if (untold?.received !== received) {
        untold = { received, seen: received.then(async () => (running === undefined && isUnchanged() ? latest!.seen : await look())) }
      }
      return untold.seen
    },
    get looks () { return looks },
    find: (path) => table.find(path),
    close
  }
}
