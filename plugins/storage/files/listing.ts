import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, timeOfId } from '../../../core/plugin-api.js'
import { isIdentifier } from '../shared/identifiers.js'
import { createResultIndex, type IndexEntry, type ResultIndex } from '../shared/result-index.js'
import { DAMAGED, historyFile, isTemporary, readHistoryFolder, readHistoryName, slotOf, type Slot } from './layout.js'
import type { Limit } from './limit.js'

/** What the folders of a project hold; no file is opened. */
export interface Listing {
  index: ResultIndex
  /** Where a crash came between the history and `<agent_type>.json`. */
  stale: Slot[]
  /** How many results were set aside earlier. */
  damaged: number
  /** Temporary files that a crash left. */
  leftovers: string[]
}

interface Found extends IndexEntry {
  inode: number
}

/** Lists the results of a project. Changes nothing. */
export async function listProject (folder: string, limit: Limit): Promise<Listing> {
  const listing: Listing = { index: createResultIndex(), stale: [], damaged: 0, leftovers: [] }
  const found: Found[] = []

  const listHistory = async (slot: Slot): Promise<void> => {
    const names = await limit(() => entriesOf(slot.history))
    const files = names.flatMap((entry) => {
      if (entry.isFile() && entry.name.endsWith(DAMAGED)) listing.damaged++
      const named = entry.isFile() ? readHistoryName(entry.name) : undefined
      return named === undefined ? [] : [named]
    })
    const results = await Promise.all(files.map(async (named): Promise<Found> => {
      const { size, ino } = await limit(() => lstat(historyFile(slot, named)))
      return { ...named, issue: slot.issue, agentType: slot.agentType, time: timeOfId(named.id), bytes: size, inode: ino }
    }))
    const newest = results.reduce<Found | undefined>((best, result) => (best === undefined || result.id > best.id ? result : best), undefined)
    if (newest !== undefined && await limit(() => inodeOf(slot.latest)) !== newest.inode) listing.stale.push(slot)
    for (const result of results) found.push(result)
  }

  const listIssue = async (issue: string): Promise<void> => {
    const path = join(folder, issue)
    await Promise.all((await limit(() => entriesOf(path))).map(async (entry) => {
      const agentType = entry.isDirectory() ? readHistoryFolder(entry.name) : undefined
      if (agentType !== undefined) await listHistory(slotOf(folder, issue, agentType))
      else if (entry.isFile() && isTemporary(entry.name)) listing.leftovers.push(join(path, entry.name))
    }))
  }

  const issues = (await entriesOf(folder)).filter((entry) => entry.isDirectory() && isIdentifier(entry.name))
  await Promise.all(issues.map((entry) => listIssue(entry.name)))
  // In order of time each is added at the end.
  found.sort((one, other) => (one.id < other.id ? -1 : 1))
  for (const { inode, ...entry } of found) listing.index.add(entry)
  return listing
}

async function entriesOf (folder: string): Promise<Dirent[]> {
  return await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  })
}

async function inodeOf (path: string): Promise<number | undefined> {
  return await lstat(path).then(({ ino }) => ino, (error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
}
