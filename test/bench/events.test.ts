import t from 'tap'
import { readOptions } from '../../bench/events/options.js'
import { measureFilter } from '../../bench/events/filter.js'
import { measureAllToAll } from '../../bench/events/fan-out.js'
import type { Subject } from '../../bench/shared/parts.js'
import { Ledger, type Reader, type SoakEvent } from '../../bench/events/soak/ledger.js'
import { readOptions as readSoakOptions } from '../../bench/events/soak/options.js'
import { createRandom } from '../../bench/events/soak/random.js'
import { killChildren } from '../../bench/speed/child.js'
import { temporaryFolder } from '../support/temporary.js'

const READER: Reader = { name: 'ada', project: 'alpha', wants: ({ topic }) => topic !== 'other' }

function eventOf (n: number, changes: Partial<SoakEvent & SoakEvent['data']> = {}): SoakEvent {
  const { event_id = `evt_${n}`, event_type = 'note', topic = 'testing', project = 'alpha', publisher = 1 } = changes
  return { event_id, event_type, topic, data: { project, publisher, n: changes.n ?? n, lane: 0 } }
}

t.test('the ledger of the soak finds what it looks for', async (t) => {
  const cases: [string, (ledger: Ledger) => void, object][] = [
    ['nothing', (ledger) => { for (const n of [1, 2]) ledger.receive(READER, eventOf(n), 1) }, { delivered: 2, lost: 0 }],
    ['an event again after a crash', (ledger) => { for (const life of [1, 2]) for (const n of [1, 2]) ledger.receive(READER, eventOf(n), life) }, { repeated: 2, duplicated: 0, outOfOrder: 0, lost: 0 }],
    ['an event again without a crash', (ledger) => { for (const n of [1, 2, 2]) ledger.receive(READER, eventOf(n), 1) }, { duplicated: 1 }],
    ['an event that is lost', (ledger) => { ledger.receive(READER, eventOf(1), 1) }, { lost: 1 }],
    ['events in another order', (ledger) => { for (const n of [2, 1]) ledger.receive(READER, eventOf(n), 1) }, { outOfOrder: 1, lost: 0 }],
    ['an event of another project', (ledger) => { for (const n of [1, 2]) ledger.receive(READER, eventOf(n), 1); ledger.receive(READER, eventOf(3, { project: 'beta' }), 1) }, { strayed: 1 }],
    ['an event that was not asked for', (ledger) => { for (const n of [1, 2]) ledger.receive(READER, eventOf(n), 1); ledger.receive(READER, eventOf(3, { topic: 'other' }), 1) }, { strayed: 1 }],
    ['a publish that made two events', (ledger) => { for (const n of [1, 2]) ledger.receive(READER, eventOf(n), 1); ledger.receive(READER, eventOf(3, { n: 2 }), 1) }, { publishedTwice: 1 }]
  ]
  for (const [what, run, counts] of cases) {
    const ledger = new Ledger()
    ledger.acknowledge(eventOf(1))
    ledger.acknowledge(eventOf(2))
    ledger.acknowledge(eventOf(9, { topic: 'other' }))
    run(ledger)
    ledger.settle([READER])
    t.match(ledger.counts, { acknowledged: 3, ...counts }, what)
  }
})

t.test('the same seed gives the same numbers', async (t) => {
  const [one, same, other] = [createRandom(7), createRandom(7), createRandom(8)].map((random) => Array.from({ length: 100 }, random))
  t.strictSame(one, same)
  t.notSame(one, other)
  t.ok(one!.every((value) => value >= 0 && value < 1))
})

t.test('command lines are checked', async (t) => {
  t.strictSame(readOptions(['--only', 'filter,idle', '--quick']), { only: ['filter', 'idle'], quick: true, format: 'text' })
  t.match(readSoakOptions(['--kills', '3']), { kills: 3, seed: Number })
})

t.test('what is measured is right: who waits is found, and 119 are given what 119 publish', async (t) => {
  t.teardown(killChildren)
  const subject: Subject = { folder: await temporaryFolder(t), quick: true, figures: [], faults: [], notMeasured: [], say () {} }
  await measureFilter(subject)
  await measureAllToAll(subject)
  t.strictSame(subject.faults, [])
  t.equal(subject.figures.at(-1)!.value, 100)
})
