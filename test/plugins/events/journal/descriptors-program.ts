import { closeSync, openSync } from 'node:fs'
import { codeOf } from '../../../../core/errors.js'
import { createTestClock } from '../../../../core/testing/clock.js'
import { draft, earliest, numbersOf, PROJECT, readAll } from '../../../../core/testing/event-bus/events.js'
import { createJournal } from '../../../../plugins/events/journal/journal.js'
import { retentionOf } from './open-journal.js'

/** Appends and reads while the process has no file descriptor left, and says as JSON what came of it. Run with a low limit. */
const quiet = { debug () {}, info () {}, warn () {}, error () {} }
const options = { directory: process.argv[2]!, retention: retentionOf(), segmentBytes: 2000, clock: createTestClock(), log: quiet }

const first = createJournal(options)
await first.open!()
const acknowledged: unknown[] = []
const append = async (bus: typeof first, number: number): Promise<void> => {
  const { event } = await bus.append(PROJECT, draft(number))
  acknowledged.push(event.data.number)
}
for (let number = 1; number <= 30; number++) await append(first, number)
await first.close!()

const bus = createJournal(options)
await bus.open!()
const start = await earliest(bus, PROJECT)
const taken: number[] = []
try {
  for (;;) taken.push(openSync('/dev/null', 'r'))
} catch (error) {
  if (codeOf(error) !== 'EMFILE') throw error
}
const refused: unknown[] = []
for (let number = 31; refused.length < 3 && number < 200; number++) await append(bus, number).catch((error: unknown) => refused.push(codeOf(error)))
const readWhileShort = await bus.read(PROJECT, { after: start, limit: 10 }).then(({ items }) => numbersOf(items), (error: unknown) => [codeOf(error)])
for (const file of taken) closeSync(file)
for (let number = 201; number <= 230; number++) await append(bus, number)
const readLater = numbersOf(await readAll(bus, PROJECT))
await bus.close!()

const last = createJournal(options)
await last.open!()
const afterStart = numbersOf(await readAll(last, PROJECT))
await last.close!()
process.stdout.write(JSON.stringify({ acknowledged, refused, readWhileShort, readLater, afterStart }))
