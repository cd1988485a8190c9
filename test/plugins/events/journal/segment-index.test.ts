import { createHash } from 'node:crypto'
import t from 'tap'
import { PROJECT, range } from '../../../../core/testing/event-bus/events.js'
import { ClosedPart } from '../../../../plugins/events/journal/closed-part.js'
import { RecordReader } from '../../../../plugins/events/journal/record-reader.js'
import { buildIndex, rowsNamed } from '../../../../plugins/events/journal/segment-index.js'
import type { Row } from '../../../../plugins/events/part.js'

/** So many that some of their hashes of 32 bits are the same. */
const MANY = 250_000

function idOf (number: number): string {
  return `evt_${createHash('sha256').update(String(number)).digest('hex').slice(0, 26)}`
}

function rowOf (number: number): Row {
  const event = {
    event_id: idOf(number), event_type: 'note', publisher: 'a', publisher_type: 'a', topic: 'error', data: {}, timestamp: new Date(number).toISOString(), ttl_seconds: 60
  }
  return { sequence: number, time: number, bytes: 300, offset: number * 300, key: undefined, event }
}

t.test('events whose names have one hash are told apart, and an index takes some 30 bytes for each', async (t) => {
  const rows = range(1, MANY).map(rowOf)
  const index = buildIndex(new Map([[PROJECT, rows]]), { seed: 7, size: MANY * 300, heads: {} })
  const reader = new RecordReader({ pathOf: () => '/nowhere', damaged: () => t.fail('nothing is read') })
  const part = new ClosedPart({ segment: 1, project: PROJECT, index, place: index.parts.get(PROJECT)! }, reader, rows)
  const twins = rows.filter(({ event }) => rowsNamed(index, PROJECT, { by: 'id', value: event.event_id }).length > 1)
  t.ok(twins.length >= 2, `${twins.length} of ${MANY} names share a hash`)
  for (const row of twins) t.equal(await part.find({ by: 'id', value: row.event.event_id }, 0), row.sequence - 1)
  t.equal(await part.find({ by: 'id', value: twins[0]!.event.event_id }, twins[0]!.sequence), undefined, 'retention has taken it')
  let candidates = 0
  for (const number of range(MANY + 1, 2 * MANY)) {
    const name = { by: 'id', value: idOf(number) } as const
    if (rowsNamed(index, PROJECT, name).length === 0) continue
    candidates++
    t.equal(await part.find(name, 0), undefined, `${name.value} is not there`)
  }
  t.ok(candidates > 0, `${candidates} strangers share a hash with one`)
  t.equal(rowsNamed(index, 'other', { by: 'id', value: idOf(1) }).length, 0)
  const bytes = Object.values(index.columns).reduce((sum, column) => sum + column.byteLength, 0)
  t.ok(bytes / MANY < 40, `${bytes / MANY} bytes`)
})
