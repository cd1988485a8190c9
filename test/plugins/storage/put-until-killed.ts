import { writeSync } from 'node:fs'
import { createFileStore } from '../../../plugins/storage/files/store.js'
import { createLog, record } from './sample.js'

/** Run as a child: puts 2,000 results by 119 writers and prints each id when it is acknowledged. */
const PUTS = 2_000
const WRITERS = 119

const storage = process.argv[2]!
const store = createFileStore({ storage, log: createLog(), writes: 32 })
await store.open?.()

let next = 0
await Promise.all(Array.from({ length: WRITERS }, async (_, writer) => {
  while (next < PUTS) {
    const each = record(next++, { agent_type: `agent-${writer}`, issue_id: `issue-${writer % 7}`, result: { text: 'x'.repeat(2_000) } })
    await store.put(each.project_id, each)
    writeSync(1, `${each.id}\n`)
  }
}))
