import type { IssueRecord, ResultQuery, ResultRecord, ResultStore } from '../../../../core/contracts/index.js'
import { apiError } from '../../../../core/errors.js'

export interface StoreStorage {
  /** JSON of each, by project and id. */
  results: Map<string, Map<string, string>>
  issues: Map<string, string>
  changes: number
}

export function createStoreStorage (): StoreStorage {
  return { results: new Map(), issues: new Map(), changes: 0 }
}

export function resultsOf (storage: StoreStorage, project: string): Map<string, string> {
  const results = storage.results.get(project) ?? new Map<string, string>()
  storage.results.set(project, results)
  return results
}

export function fits (record: ResultRecord, query: ResultQuery): boolean {
  const time = Date.parse(record.timestamp)
  return (query.issue_id ?? record.issue_id) === record.issue_id &&
    (query.agent_type ?? record.agent_type) === record.agent_type &&
    (query.status ?? record.status) === record.status &&
    time >= (query.since ?? 0) && time < (query.until ?? Infinity)
}

/** A correct result store whose storage outlives it. A cursor is the id behind which the next page begins. */
export function createFakeStore (storage: StoreStorage = createStoreStorage()): ResultStore {
  const all = (project: string): ResultRecord[] => [...resultsOf(storage, project).values()].map((text) => JSON.parse(text) as ResultRecord)
  const sizeOf = (project: string) => {
    const texts = [...resultsOf(storage, project).values()]
    return { count: texts.length, bytes: texts.reduce((sum, text) => sum + text.length, 0) }
  }
  return {
    supports: { durable: true },
    async put (project, record) {
      const results = resultsOf(storage, project)
      const earlier = all(project).find(({ id, idempotency_key: key }) => id === record.id || (key !== undefined && key === record.idempotency_key))
      if (earlier !== undefined) return earlier
      results.set(record.id, JSON.stringify(record))
      storage.changes++
      return JSON.parse(JSON.stringify(record)) as ResultRecord
    },
    async get (project, id) {
      const text = resultsOf(storage, project).get(id)
      return text === undefined ? undefined : JSON.parse(text) as ResultRecord
    },
    async list (project, query) {
      if (query.cursor !== undefined && !/^res_[0-9A-Z]{26}$/.test(query.cursor)) throw apiError('VAL_001', 'This is no cursor of the store.')
      const behind = all(project).sort((a, b) => (a.id < b.id ? 1 : -1))
        .filter((record) => fits(record, query) && (query.cursor === undefined || record.id < query.cursor))
      const results = behind.slice(0, query.limit)
      return behind.length > results.length ? { results, next_cursor: results.at(-1)!.id } : { results }
    },
    async putIssue (project, issue) {
      storage.issues.set(`${project}/${issue.issue_id}`, JSON.stringify(issue))
      storage.changes++
    },
    async getIssue (project, id) {
      const text = storage.issues.get(`${project}/${id}`)
      return text === undefined ? undefined : JSON.parse(text) as IssueRecord
    },
    // Of all issues of all projects that this one store holds, which is allowed.
    version: async (project) => `${project} ${storage.changes}`,
    async usage (project) {
      const sizes = (project === undefined ? [...storage.results.keys()] : [project]).map(sizeOf)
      return { count: sizes.reduce((sum, { count }) => sum + count, 0), bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0) }
    },
    async prune (project, { before, dryRun }) {
      const sizeBefore = sizeOf(project).bytes
      const old = all(project).filter(({ timestamp }) => Date.parse(timestamp) < before)
      const texts = old.map(({ id }) => [id, resultsOf(storage, project).get(id)!] as const)
      for (const { id } of old) resultsOf(storage, project).delete(id)
      const bytes = sizeBefore - sizeOf(project).bytes
      if (dryRun !== true && old.length > 0) storage.changes++
      if (dryRun === true) for (const [id, text] of texts) resultsOf(storage, project).set(id, text)
      return { removed: old.length, bytes }
    }
  }
}
