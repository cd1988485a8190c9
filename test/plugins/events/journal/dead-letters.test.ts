import { statSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { appendRange, NEIGHBOUR, PROJECT } from '../../../../core/testing/event-bus/events.js'
import { letter } from '../../../../core/testing/event-bus/dead-letters.js'
import { quickFolder } from '../../../support/temporary.js'
import { openJournal } from './open-journal.js'

t.test('dead letters', async (t) => {
  t.test('survive a kill and a close; one that was removed stays away, and a torn line is told', async (t) => {
    const directory = await quickFolder(t)
    const { bus, clock } = await openJournal(t, directory)
    const letters = (await appendRange(bus, PROJECT, 1, 4)).map((placed) => letter(placed, clock()))
    await Promise.all(letters.map(async (each) => await bus.addDeadLetter(PROJECT, each)))
    t.equal(await bus.removeDeadLetter(PROJECT, letters[1]!.event.event_id), true)
    t.equal(await bus.removeDeadLetter(NEIGHBOUR, letters[0]!.event.event_id), false)
    const kept = letters.filter((_letter, index) => index !== 1)
    const killed = (await openJournal(t, directory)).bus
    t.strictSame(await killed.listDeadLetters(PROJECT), kept)
    await killed.close!()
    await appendFile(join(directory, 'dead-letters.jsonl'), '{"add":{"event":{"event_i')
    const { bus: last, log } = await openJournal(t, directory)
    t.strictSame(await last.listDeadLetters(PROJECT), kept)
    t.ok(log.said.warn.some((message) => message.includes('dead letters')))
    t.equal((await last.stats(PROJECT)).dead_letters, 3)
  })

  t.test('the file does not grow with letters that are gone', async (t) => {
    const directory = await quickFolder(t)
    const { bus, clock } = await openJournal(t, directory)
    const [kept, ...others] = await appendRange(bus, PROJECT, 1, 40)
    await bus.addDeadLetter(PROJECT, letter(kept!, clock()))
    for (const placed of others) {
      await bus.addDeadLetter(PROJECT, { ...letter(placed, clock()), last_error: 'x'.repeat(1 << 20) })
      await bus.removeDeadLetter(PROJECT, placed.event.event_id)
    }
    t.ok(statSync(join(directory, 'dead-letters.jsonl')).size < 20 * (1 << 20))
    t.strictSame(await (await openJournal(t, directory)).bus.listDeadLetters(PROJECT), [letter(kept!, clock())])
  })
})
