import { dirname } from 'node:path'
import { codeOf } from '../../../core/plugin-api.js'
import type { IndexEntry, ResultIndex } from '../shared/result-index.js'
import type { Folders } from './folders.js'
import { slotOf, type Slot } from './layout.js'
import type { SlotWriter } from './slot-writer.js'

/** Removes results and the folders that are empty then. */
export async function pruneResults (
  { folder, index, entries, writer, folders }: { folder: string, index: ResultIndex, entries: readonly IndexEntry[], writer: SlotWriter, folders: Folders }
): Promise<void> {
  const slots = new Map<string, { slot: Slot, entries: IndexEntry[] }>()
  for (const entry of entries) {
    const slot = slotOf(folder, entry.issue, entry.agentType)
    const same = slots.get(slot.latest)
    if (same === undefined) slots.set(slot.latest, { slot, entries: [entry] })
    else same.entries.push(entry)
  }
  const left = new Set<string>()
  await Promise.all([...slots.values()].map(async ({ slot, entries: ofSlot }) => {
    await writer.erase(index, slot, ofSlot)
    if (!folders.removeEmpty(slot.history)) left.add(slot.history)
    left.add(folders.removeEmpty(slot.folder) ? folder : slot.folder)
  }))
  if (folders.removeEmpty(folder)) left.add(dirname(folder))
  await Promise.all([...left].map((path) => folders.sync(path).catch((error: unknown) => {
    // Removed after it was noted: another slot was the last of its issue.
    if (codeOf(error) !== 'ENOENT') throw error
  })))
}
