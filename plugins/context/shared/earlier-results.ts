import type { GatherInput, ResultQuery, ResultRecord } from '../../../core/plugin-api.js'

const PAGE = 100
const MOST_PAGES = 10

/** The newest results of the task's issue that are `wanted`, at most `limit`; looks through a bounded number of pages. */
export async function earlierResults (
  { results, task, signal }: GatherInput,
  limit: number,
  query: Pick<ResultQuery, 'agent_type' | 'status'> = {},
  wanted?: (record: ResultRecord) => boolean
): Promise<ResultRecord[]> {
  const found: ResultRecord[] = []
  // Whole records come: no more of them than can be used.
  const page = wanted === undefined ? Math.min(PAGE, limit) : PAGE
  let cursor: string | undefined
  for (let turn = 0; turn < MOST_PAGES; turn++) {
    signal.throwIfAborted()
    const answer = await results({ ...query, issue_id: task.issue_id, limit: page, ...(cursor !== undefined && { cursor }) })
    found.push(...(wanted === undefined ? answer.results : answer.results.filter(wanted)))
    cursor = answer.next_cursor
    if (found.length >= limit || cursor === undefined) break
  }
  return found.slice(0, limit)
}

/** Newest first; ids sort by time, so equal timestamps keep their order. */
export function newestFirst (one: ResultRecord, other: ResultRecord): number {
  if (one.timestamp !== other.timestamp) return one.timestamp < other.timestamp ? 1 : -1
  return one.id < other.id ? 1 : -1
}
