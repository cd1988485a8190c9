import { rmdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf, syncDirectory } from '../../../core/plugin-api.js'
import { createLimit } from './limit.js'
import { promised } from './promised.js'
import type { WriteGuard } from './write-guard.js'

/** The folders below a root: made when needed, synced together, removed when empty and nobody is about to write there. */
export interface Folders {
  /** Makes the folder durable and runs `work` while nobody removes it. */
  within<Result> (folder: string, work: () => Promise<Result>): Promise<Result>
  /** Makes what was linked, renamed or removed in it before the call durable. Calls that overlap share one sync. */
  sync (folder: string): Promise<void>
  /** Removes the folder if it is empty and unused. */
  removeEmpty (folder: string): boolean
}

interface Rounds {
  running: Promise<void>
  next?: Promise<void>
}

const MODE = 0o700
const MOST_SYNCS = 32

export function createFolders (root: string, guard: WriteGuard): Folders {
  const limit = createLimit(MOST_SYNCS)
  const rounds = new Map<string, Rounds>()
  const made = new Map<string, Promise<void>>()
  const users = new Map<string, number>()

  const begin = (folder: string): Promise<void> => {
    const running = limit(() => guard.durably(() => syncDirectory(folder)))
    const round: Rounds = { running }
    rounds.set(folder, round)
    running.catch(() => {}).finally(() => {
      if (rounds.get(folder) === round && round.next === undefined) rounds.delete(folder)
    })
    return running
  }

  // The running sync may have begun before the caller's change: the caller waits for the next one.
  const sync = (folder: string): Promise<void> => {
    const round = rounds.get(folder)
    if (round === undefined) return begin(folder)
    return (round.next ??= round.running.catch(() => {}).then(() => begin(folder)))
  }

  // Synced even when the folder exists: an earlier process may have crashed before it had done so.
  const make = async (folder: string): Promise<void> => {
    const parent = dirname(folder)
    if (parent !== root) await ensure(parent)
    await mkdir(folder, { mode: MODE }).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error
    })
    await sync(parent)
  }

  const ensure = (folder: string): Promise<void> => promised(made, folder, make)

  const use = (folder: string, change: 1 | -1): void => {
    for (let path = folder; path !== root; path = dirname(path)) {
      const count = (users.get(path) ?? 0) + change
      if (count === 0) users.delete(path)
      else users.set(path, count)
    }
  }

  const forget = (folder: string): void => {
    for (let path = folder; path !== root; path = dirname(path)) made.delete(path)
  }

  return {
    async within (folder, work) {
      use(folder, 1)
      try {
        await ensure(folder)
        return await work()
      } catch (error) {
        // Perhaps somebody removed or replaced it by hand: the next attempt makes it again.
        forget(folder)
        throw error
      } finally {
        use(folder, -1)
      }
    },
    sync,
    removeEmpty (folder) {
      if (users.has(folder)) return false
      made.delete(folder)
      try {
        // Synchronous, so that nobody begins to use it in between.
        rmdirSync(folder)
        return true
      } catch {
        return false
      }
    }
  }
}
