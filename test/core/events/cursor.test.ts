import fc from 'fast-check'
import t from 'tap'
import type { EventBus, EventDraft, PlacedEvent } from '../../../core/contracts/event-bus.js'
import { resolveSince, toCursor } from '../../../core/events/cursor.js'
import { createMemoryBus } from '../../../plugins/events/memory.js'
import { anyCharacter } from '../../support/any-character.js'

const DRAFT: EventDraft = { event_type: 'note', publisher: 'ada', publisher_type: 'ai-engineer', topic: 'error', data: {}, ttl_seconds: 3600 }
const START = Date.parse('2026-01-01T00:00:00.000Z')
const log = { debug () {}, info () {}, warn () {}, error () {} }

function createBus (clock = () => START): EventBus {
  return createMemoryBus({ retention: { age: 86_400_000, count: 10_000 }, clock, log })
}

async function idsAfter (bus: EventBus, since: string): Promise<string[]> {
  const page = await bus.read('sample', { after: await resolveSince(bus, 'sample', since), limit: 1000 })
  return page.items.map(({ event }) => event.event_id)
}

t.test('whatever since is, reading goes on right there', async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.record({ pause: fc.integer({ min: 0, max: 3 }), ttl: fc.constantFrom(1, 3600) }), { minLength: 1, maxLength: 12 }), fc.nat(), fc.integer({ min: 0, max: 4 }),
    async (drafts, pick, later) => {
      let now = START
      const bus = createBus(() => now)
      const placed: PlacedEvent[] = []
      for (const { pause, ttl } of drafts) {
        now += pause * 1000
        placed.push(await bus.append('sample', { ...DRAFT, ttl_seconds: ttl }))
      }
      now += later * 1000
      const shown = (from: number): string[] => placed.slice(from).filter(({ event }) => Date.parse(event.timestamp) + event.ttl_seconds * 1000 > now).map(({ event }) => event.event_id)
      const index = pick % placed.length
      const { event, position } = placed[index]!
      const firstOfTime = placed.findIndex((other) => other.event.timestamp === event.timestamp)
      const expected: [string, string[]][] = [
        ['earliest', shown(0)], ['latest', []], [event.event_id, shown(index + 1)], [toCursor(position), shown(index + 1)], [event.timestamp, shown(firstOfTime)]
      ]
      for (const [since, ids] of expected) {
        const found = await idsAfter(bus, since)
        if (JSON.stringify(found) !== JSON.stringify(ids)) throw new Error(`since=${since}: ${JSON.stringify(found)} and not ${JSON.stringify(ids)}`)
      }
    }
  ))
})

t.test('FAULT 12: what was not made here is refused', async (t) => {
  const bus = createBus()
  const { position } = await bus.append('sample', DRAFT)
  const cursor = toCursor(position)
  t.equal(await resolveSince(bus, 'sample', cursor), position)
  const foreign = createBus()
  await foreign.append('sample', DRAFT)
  await bus.append('other', DRAFT)
  await t.rejects(resolveSince(foreign, 'sample', cursor), { code: 'VAL_001' }, 'of another log')
  await t.rejects(resolveSince(bus, 'other', cursor), { code: 'VAL_001' }, 'of another project')
  await fc.assert(fc.asyncProperty(
    fc.oneof(fc.string({ unit: anyCharacter, maxLength: 40 }), fc.string({ maxLength: 40 }).map((text) => `cur_${text}`), fc.string({ minLength: 1, maxLength: 3 }).map((text) => cursor + text), fc.nat(cursor.length - 1).map((end) => cursor.slice(0, end))),
    async (since) => {
      try {
        const found = await resolveSince(bus, 'sample', since)
        return toCursor(found) === since
      } catch (error) {
        return (error as { code?: string }).code === 'VAL_001'
      }
    }
  ), { numRuns: 1000 })
})
