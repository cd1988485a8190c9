import type { ResultQuery, ResultStatus } from '../../../core/plugin-api.js'
import { createSortedEntries, type SortedEntries } from './sorted-entries.js'

/** What is known of a stored result without reading it. */
export interface IndexEntry {
  id: string
  issue: string
  agentType: string
  status: ResultStatus
  /** As `keyOf` makes it; absent where the result was given none. */
  key?: string
  /** Milliseconds since the epoch, as the id carries them. */
  time: number
  bytes: number
}

export type Filter = Pick<ResultQuery, 'issue_id' | 'agent_type' | 'status' | 'since' | 'until'>

/** The results of one project, in memory. */
export interface ResultIndex {
  readonly count: number
  readonly bytes: number
  get (id: string): IndexEntry | undefined
  withKey (key: string): IndexEntry | undefined
  /** Nothing happens when the id is there already. */
  add (entry: IndexEntry): void
  /** What is not there is passed over. */
  remove (entries: readonly IndexEntry[]): void
  oldest (): IndexEntry | undefined
  newest (issue: string, agentType: string): IndexEntry | undefined
  storedBefore (time: number): IndexEntry[]
  /** Another number whenever the results of an issue have changed; 0 where there are none. */
  version (issue: string): number
  /** Newest first, at most `most`, all below the id `before` if it is given. */
  find (filter: Filter, most: number, before?: string): IndexEntry[]
}

interface Issue {
  version: number
  all: SortedEntries<IndexEntry>
  byAgentType: Map<string, SortedEntries<IndexEntry>>
}

// Counted for all indexes together: one that is made anew for a project must not give numbers that the one before it gave.
let changes = 0

export function createResultIndex (): ResultIndex {
  const entries = new Map<string, IndexEntry>()
  const keys = new Map<string, IndexEntry>()
  const all = createSortedEntries<IndexEntry>()
  const issues = new Map<string, Issue>()
  let bytes = 0

  const narrowest = ({ issue_id: issueId, agent_type: agentType }: Filter): SortedEntries<IndexEntry> | undefined => {
    if (issueId === undefined) return all
    const issue = issues.get(issueId)
    return agentType === undefined ? issue?.all : issue?.byAgentType.get(agentType)
  }

  const forget = (issueId: string, gone: ReadonlySet<IndexEntry>): void => {
    const issue = issues.get(issueId)!
    issue.version = ++changes
    issue.all.remove(gone)
    for (const agentType of new Set([...gone].map((entry) => entry.agentType))) {
      const sorted = issue.byAgentType.get(agentType)!
      sorted.remove(new Set([...gone].filter((entry) => entry.agentType === agentType)))
      if (sorted.length === 0) issue.byAgentType.delete(agentType)
    }
    if (issue.all.length === 0) issues.delete(issueId)
  }

  return {
    get count () { return entries.size },
    get bytes () { return bytes },
    get: (id) => entries.get(id),
    withKey: (key) => keys.get(key),
    add (entry) {
      if (entries.has(entry.id)) return
      entries.set(entry.id, entry)
      if (entry.key !== undefined) keys.set(entry.key, entry)
      bytes += entry.bytes
      all.add(entry)
      const issue = getOrSet(issues, entry.issue, () => ({ version: 0, all: createSortedEntries<IndexEntry>(), byAgentType: new Map() }))
      issue.version = ++changes
      issue.all.add(entry)
      getOrSet(issue.byAgentType, entry.agentType, () => createSortedEntries<IndexEntry>()).add(entry)
    },
    remove (removed) {
      const gone = new Set(removed.filter((entry) => entries.get(entry.id) === entry))
      if (gone.size === 0) return
      const byIssue = new Map<string, Set<IndexEntry>>()
      for (const entry of gone) {
        entries.delete(entry.id)
        if (entry.key !== undefined && keys.get(entry.key) === entry) keys.delete(entry.key)
        bytes -= entry.bytes
        getOrSet(byIssue, entry.issue, () => new Set()).add(entry)
      }
      all.remove(gone)
      for (const [issueId, ofIssue] of byIssue) forget(issueId, ofIssue)
    },
    oldest: () => all.at(0),
    newest: (issue, agentType) => issues.get(issue)?.byAgentType.get(agentType)?.at(-1),
    version: (issue) => issues.get(issue)?.version ?? 0,
    storedBefore: (time) => [...entries.values()].filter((entry) => entry.time < time),
    find (filter, most, before) {
      const found: IndexEntry[] = []
      const sorted = narrowest(filter)
      if (sorted === undefined) return found
      for (let index = (before === undefined ? sorted.length : sorted.position(before)) - 1; index >= 0 && found.length < most; index--) {
        const entry = sorted.at(index)!
        if (matches(entry, filter)) found.push(entry)
      }
      return found
    }
  }
}

function matches (entry: IndexEntry, { agent_type: agentType, status, since, until }: Filter): boolean {
  return (agentType === undefined || entry.agentType === agentType) &&
    (status === undefined || entry.status === status) &&
    (since === undefined || entry.time >= since) &&
    (until === undefined || entry.time < until)
}

function getOrSet<Key, Value> (map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key)
  if (value === undefined) map.set(key, value = make())
  return value
}
