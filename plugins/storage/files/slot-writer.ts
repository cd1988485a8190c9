import { link, open, rename, rm } from 'node:fs/promises'
import { codeOf } from '../../../core/plugin-api.js'
import type { IndexEntry, ResultIndex } from '../shared/result-index.js'
import type { Folders } from './folders.js'
import { DAMAGED, historyFile, temporaryFile, type Slot } from './layout.js'
import type { Limit } from './limit.js'
import { createQueues } from './queues.js'
import type { WriteGuard } from './write-guard.js'

/** Changes the files of a slot, and its index with them. `<agent_type>.json` is the newest result at any time. */
export interface SlotWriter {
  /** Resolves when the result is durable and in the index. When it rejects, nothing of the result is left. */
  write (index: ResultIndex, slot: Slot, entry: IndexEntry, text: string): Promise<void>
  /** Removes results from the disk; the removal is not synced yet. */
  erase (index: ResultIndex, slot: Slot, entries: readonly IndexEntry[]): Promise<void>
  /** Renames a result that cannot be read; `false` when somebody else did already. */
  setAside (index: ResultIndex, slot: Slot, entry: IndexEntry): Promise<boolean>
  /** Makes `<agent_type>.json` the newest result again, or removes it when there is none. */
  settle (index: ResultIndex, slot: Slot): Promise<void>
}

const MODE = 0o600

export function createSlotWriter ({ folders, guard, limit }: { folders: Folders, guard: WriteGuard, limit: Limit }): SlotWriter {
  const inOrder = createQueues()
  // Linked, but not durable and therefore not in the index yet; by the path of `<agent_type>.json`.
  const arriving = new Map<string, Set<IndexEntry>>()

  const newestOf = (index: ResultIndex, slot: Slot): IndexEntry | undefined => {
    let newest = index.newest(slot.issue, slot.agentType)
    for (const entry of arriving.get(slot.latest) ?? []) {
      if (newest === undefined || entry.id > newest.id) newest = entry
    }
    return newest
  }

  const arrive = (slot: Slot, entry: IndexEntry): void => {
    const entries = arriving.get(slot.latest)
    if (entries === undefined) arriving.set(slot.latest, new Set([entry]))
    else entries.add(entry)
  }

  const leave = (slot: Slot, entry: IndexEntry): boolean => {
    const entries = arriving.get(slot.latest)
    const wasThere = entries?.delete(entry) === true
    if (entries?.size === 0) arriving.delete(slot.latest)
    return wasThere
  }

  const place = async (index: ResultIndex, slot: Slot, entry: IndexEntry, temporary: string): Promise<void> => {
    await linkOver(temporary, historyFile(slot, entry))
    arrive(slot, entry)
    if (newestOf(index, slot) === entry) await rename(temporary, slot.latest)
    else await rm(temporary)
  }

  const takeBack = async (index: ResultIndex, slot: Slot, entry: IndexEntry, temporary: string): Promise<void> => {
    await rm(temporary, { force: true })
    if (!leave(slot, entry)) return
    await rm(historyFile(slot, entry), { force: true })
    await settleNow(index, slot)
  }

  const settleNow = async (index: ResultIndex, slot: Slot): Promise<void> => {
    const newest = newestOf(index, slot)
    if (newest === undefined) {
      await rm(slot.latest, { force: true })
      return
    }
    const temporary = temporaryFile(slot)
    try {
      await link(historyFile(slot, newest), temporary)
      await rename(temporary, slot.latest)
    } finally {
      // A rename between two names of one file does nothing and leaves both.
      await rm(temporary, { force: true })
    }
  }

  return {
    write: (index, slot, entry, text) => folders.within(slot.history, async () => {
      const temporary = temporaryFile(slot)
      try {
        await limit(async () => {
          await guard.durably(() => writeSynced(temporary, text))
          await inOrder(slot.latest, () => place(index, slot, entry, temporary))
        })
        await Promise.all([folders.sync(slot.history), folders.sync(slot.folder)])
        index.add(entry)
        leave(slot, entry)
      } catch (error) {
        // What cannot be taken back now is found when the folders are listed at the next start.
        await inOrder(slot.latest, () => takeBack(index, slot, entry, temporary)).catch(() => {})
        throw error
      }
    }),
    erase: (index, slot, entries) => limit(() => inOrder(slot.latest, async () => {
      const gone: IndexEntry[] = []
      const newest = newestOf(index, slot)
      const goesToo = newest !== undefined && entries.includes(newest)
      try {
        // First, because without its history nobody would know after a crash what it is.
        if (goesToo) await rm(slot.latest, { force: true })
        for (const entry of entries) {
          await rm(historyFile(slot, entry), { force: true })
          gone.push(entry)
        }
      } finally {
        index.remove(gone)
        if (goesToo) await settleNow(index, slot)
      }
    })),
    setAside: (index, slot, entry) => inOrder(slot.latest, async () => {
      if (index.get(entry.id) !== entry) return false
      index.remove([entry])
      const file = historyFile(slot, entry)
      await rename(file, file + DAMAGED)
      await settleNow(index, slot)
      return true
    }),
    settle: (index, slot) => inOrder(slot.latest, () => settleNow(index, slot))
  }
}

async function writeSynced (path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx', MODE)
  try {
    await handle.writeFile(text)
    await handle.datasync()
  } finally {
    await handle.close()
  }
}

/** A file that is there already is of a write that was never acknowledged, or the index would know it. */
async function linkOver (existing: string, path: string): Promise<void> {
  try {
    await link(existing, path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    await rm(path)
    await link(existing, path)
  }
}
