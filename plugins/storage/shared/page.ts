import type { ResultPage, ResultQuery, ResultRecord } from '../../../core/plugin-api.js'
import { readCursor, writeCursor } from './cursor.js'
import type { IndexEntry, ResultIndex } from './result-index.js'

/** One page of a list. `read` gives `undefined` for what turns out to be gone; others take its place on the page. */
export async function readPage (
  index: ResultIndex,
  project: string,
  query: ResultQuery,
  read: (entry: IndexEntry) => Promise<ResultRecord | undefined>
): Promise<ResultPage> {
  const results: ResultRecord[] = []
  let before = query.cursor === undefined ? undefined : readCursor(project, query.cursor)
  while (results.length < query.limit) {
    const missing = query.limit - results.length
    // One more than wanted says whether there is another page.
    const found = index.find(query, missing + 1, before)
    const chunk = found.slice(0, missing)
    const records = await Promise.all(chunk.map(read))
    results.push(...records.filter((record) => record !== undefined))
    before = chunk.at(-1)?.id
    if (before === undefined || found.length <= missing) return { results }
  }
  return before === undefined ? { results } : { results, next_cursor: writeCursor(project, before) }
}
