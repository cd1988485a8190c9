import assert from 'node:assert/strict'
import type { ClaimQuery, Delivery, EventBus, GroupClaim } from '../../contracts/event-bus.js'
import type { ContractTest } from '../contract-test.js'
import type { SmallEventBus } from '../event-bus-contract.js'
import { rejectsWith } from '../expectations.js'
import { appendRange, draft, earliest, latest, NEIGHBOUR, numbersOf, PROJECT, range, readAll, type BusTest } from './events.js'

const GROUP = 'workers'
/** Begins like the other group, so that a match by prefix shows. */
const OTHER = 'workers-2'
const HOLD_MS = 30_000
const MAX_ATTEMPTS = 3

export async function open (bus: EventBus, project = PROJECT, group = GROUP): Promise<void> {
  await bus.openGroup(project, group, { after: await earliest(bus, project), purpose: 'work' })
}

export async function take (bus: EventBus, member: string, changes: Partial<ClaimQuery> & { project?: string, group?: string } = {}): Promise<GroupClaim> {
  const { project = PROJECT, group = GROUP, ...query } = changes
  return await bus.claim(project, group, { member, limit: 100, holdMs: () => HOLD_MS, maxAttempts: MAX_ATTEMPTS, wanted: () => true, ...query })
}

function idsOf (deliveries: readonly Delivery[]): string[] {
  return deliveries.map(({ event }) => event.event_id)
}

export function groupTests (check: BusTest): void {
  check('group: each event goes to one member, oldest first, as it is read', async ({ instance: bus, clock }) => {
    const placed = await appendRange(bus, PROJECT, 1, 5)
    await open(bus)
    const first = await take(bus, 'a', { limit: 2 })
    assert.deepEqual(first.deliveries.map(({ event, position }) => ({ event, position })), placed.slice(0, 2).map(({ event, position }) => ({ event, position })))
    for (const { attempt, deadline } of first.deliveries) assert.deepEqual({ attempt, deadline }, { attempt: 1, deadline: clock() + HOLD_MS })
    const second = await take(bus, 'b')
    assert.deepEqual(numbersOf(second.deliveries), [3, 4, 5])
    assert.deepEqual((await take(bus, 'a')).deliveries, [])
    await appendRange(bus, PROJECT, 6, 6)
    assert.deepEqual(numbersOf((await take(bus, 'a')).deliveries), [6])
  })

  check('group: many claims at once share no event and lose none', async ({ instance: bus }) => {
    await appendRange(bus, PROJECT, 1, 100)
    await open(bus)
    const claims = await Promise.all(range(1, 12).map((number) => take(bus, `member-${number}`, { limit: 10 })))
    const numbers = claims.flatMap(({ deliveries }) => numbersOf(deliveries)).map(Number)
    assert.deepEqual(numbers.sort((a, b) => a - b), range(1, 100))
  })

  check('group: what is not wanted is passed over for good', async ({ instance: bus }) => {
    await appendRange(bus, PROJECT, 1, 6)
    await open(bus)
    const odd = await take(bus, 'a', { wanted: ({ data }) => Number(data.number) % 2 === 1 })
    assert.deepEqual(numbersOf(odd.deliveries), [1, 3, 5])
    assert.deepEqual((await take(bus, 'a')).deliveries, [])
    assert.equal((await bus.groups(PROJECT))[0]?.lag, 0)
  })

  check('group: what is settled never comes again, and settling says what was held', async ({ instance: bus, clock }) => {
    await appendRange(bus, PROJECT, 1, 3)
    await open(bus)
    const ids = idsOf((await take(bus, 'a')).deliveries)
    assert.deepEqual(await bus.settle(PROJECT, GROUP, [ids[0]!, ids[2]!, 'evt_unheard-of', ids[0]!]), [ids[0], ids[2]])
    assert.deepEqual(await bus.settle(PROJECT, GROUP, [ids[0]!]), [], 'it is settled already')
    clock.advance(HOLD_MS + 1)
    assert.deepEqual(numbersOf((await take(bus, 'b')).deliveries), [2])
  })

  check('group: an event that is not settled in time goes to the next member, and counts the attempts', async ({ instance: bus, clock }) => {
    await appendRange(bus, PROJECT, 1, 2)
    await open(bus)
    const first = await take(bus, 'a', { limit: 1 })
    assert.equal(first.next_free_at, clock() + HOLD_MS)
    clock.advance(HOLD_MS - 1)
    assert.deepEqual(numbersOf((await take(bus, 'b', { limit: 1 })).deliveries), [2], 'it is still held')
    clock.advance(1)
    const again = await take(bus, 'b', { limit: 1, holdMs: (attempt) => attempt * HOLD_MS })
    assert.deepEqual(numbersOf(again.deliveries), [1])
    assert.deepEqual({ attempt: again.deliveries[0]?.attempt, deadline: again.deliveries[0]?.deadline }, { attempt: 2, deadline: clock() + 2 * HOLD_MS })
    assert.deepEqual(await bus.settle(PROJECT, GROUP, idsOf(again.deliveries)), idsOf(again.deliveries))
  })

  check('group: free events come before new ones, and never more than asked for', async ({ instance: bus, clock }) => {
    await appendRange(bus, PROJECT, 1, 3)
    await open(bus)
    await take(bus, 'a', { limit: 2 })
    clock.advance(HOLD_MS)
    assert.deepEqual(numbersOf((await take(bus, 'b', { limit: 1 })).deliveries), [1])
    assert.deepEqual(numbersOf((await take(bus, 'b', { limit: 2 })).deliveries), [2, 3])
  })

  check('group: an event whose attempts are used up is spent, and only looked for with limit 0', async ({ instance: bus, clock }) => {
    await appendRange(bus, PROJECT, 1, 2)
    await open(bus)
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const { deliveries, spent } = await take(bus, 'a', { limit: 1 })
      assert.deepEqual(deliveries.map((delivery) => [delivery.event.data.number, delivery.attempt]), [[1, attempt]])
      assert.deepEqual(spent, [])
      clock.advance(HOLD_MS)
    }
    const over = await take(bus, 'sweeper', { limit: 0 })
    assert.deepEqual(over.deliveries, [])
    assert.deepEqual(over.spent.map((delivery) => [delivery.event.data.number, delivery.attempt]), [[1, MAX_ATTEMPTS]])
    assert.deepEqual((await take(bus, 'sweeper-2', { limit: 0 })).spent, [], 'the first holds it')
    clock.advance(HOLD_MS)
    assert.deepEqual(numbersOf((await take(bus, 'sweeper-2', { limit: 0 })).spent), [1], 'the first never settled it')
    await bus.settle(PROJECT, GROUP, idsOf(over.spent))
    clock.advance(HOLD_MS)
    const rest = await take(bus, 'a')
    assert.deepEqual([numbersOf(rest.deliveries), numbersOf(rest.spent)], [[2], []])
  })

  check('group: a member gives back or goes on holding what it holds, and nobody else can', async ({ instance: bus, clock }) => {
    await appendRange(bus, PROJECT, 1, 3)
    await open(bus)
    const [failed, unseen, longer] = idsOf((await take(bus, 'a')).deliveries)
    const now = clock()
    assert.deepEqual(await bus.hold(PROJECT, GROUP, { member: 'b', event_ids: [failed!], until: () => now, release: 'failed' }), [])
    assert.deepEqual(await bus.hold(PROJECT, GROUP, { member: 'a', event_ids: [failed!, 'evt_unheard-of'], until: (attempt) => now + attempt * 5_000, release: 'failed', error: 'no compiler' }), [failed])
    assert.deepEqual(await bus.hold(PROJECT, GROUP, { member: 'a', event_ids: [unseen!], until: () => now, release: 'unseen' }), [unseen])
    assert.deepEqual(await bus.hold(PROJECT, GROUP, { member: 'a', event_ids: [longer!], until: () => now + 3 * HOLD_MS }), [longer])
    assert.deepEqual(await bus.hold(PROJECT, GROUP, { member: 'a', event_ids: [failed!], until: () => now + 9 * HOLD_MS }), [], 'what was given back is not held any more')
    const at = await take(bus, 'b')
    assert.deepEqual(at.deliveries.map(({ event, attempt }) => [event.event_id, attempt]), [[unseen, 1]])
    assert.equal('last_error' in at.deliveries[0]!, false)
    clock.advance(5_000)
    const [second] = (await take(bus, 'b')).deliveries
    assert.deepEqual([second?.event.event_id, second?.attempt, second?.last_error], [failed, 2, 'no compiler'])
    await bus.settle(PROJECT, GROUP, [failed!, unseen!])
    clock.advance(2 * HOLD_MS)
    assert.deepEqual((await take(bus, 'c')).deliveries, [], 'the third is still held')
    clock.advance(HOLD_MS)
    const [third] = (await take(bus, 'c', { limit: 1 })).deliveries
    assert.deepEqual([third?.event.event_id, third?.attempt], [longer, 2])
  })

  check('group: an error is told of the attempt before, and not of those before that', async ({ instance: bus, clock }) => {
    await appendRange(bus, PROJECT, 1, 1)
    await open(bus)
    const [id] = idsOf((await take(bus, 'a')).deliveries)
    await bus.hold(PROJECT, GROUP, { member: 'a', event_ids: [id!], until: () => clock(), release: 'failed', error: 'first' })
    assert.equal((await take(bus, 'a')).deliveries[0]?.last_error, 'first')
    clock.advance(HOLD_MS)
    const [last] = (await take(bus, 'a')).deliveries
    assert.deepEqual([last?.attempt, last?.last_error], [3, undefined], 'the second attempt ran out of time')
    await bus.hold(PROJECT, GROUP, { member: 'a', event_ids: [id!], until: () => clock(), release: 'failed', error: 'third' })
    assert.equal((await take(bus, 'a')).spent[0]?.last_error, 'third')
  })

  check('group: a clock that is set back keeps no event for longer than was meant', async ({ instance: bus, clock }) => {
    await appendRange(bus, PROJECT, 1, 1)
    await open(bus)
    await take(bus, 'a')
    clock.advance(-3_600_000)
    await take(bus, 'b')
    clock.advance(HOLD_MS)
    assert.deepEqual(numbersOf((await take(bus, 'b')).deliveries), [1])
  })

  check('group: it begins where it is told to, is made once, and keeps its purpose', async ({ instance: bus }) => {
    await appendRange(bus, PROJECT, 1, 2)
    const after = await latest(bus, PROJECT)
    await appendRange(bus, PROJECT, 3, 3)
    const purpose = JSON.stringify({ text: 'Größe "1"\n', list: [1] })
    const opened = await Promise.all(range(1, 5).map((number) => bus.openGroup(PROJECT, GROUP, { after, purpose: number === 1 ? purpose : 'later' })))
    assert.deepEqual(opened.map(({ created }) => created).filter(Boolean), [true], 'one of them made it')
    assert.equal(new Set(opened.map((group) => group.purpose)).size, 1)
    assert.deepEqual(numbersOf((await take(bus, 'a')).deliveries), [3])
    const again = await bus.openGroup(PROJECT, GROUP, { after: await earliest(bus, PROJECT), purpose: 'other' })
    assert.deepEqual(again, { created: false, purpose: opened[0]!.purpose })
    assert.deepEqual((await take(bus, 'a')).deliveries, [], 'it did not begin again')
    await bus.openGroup(PROJECT, OTHER, { after, purpose })
    assert.deepEqual((await bus.groups(PROJECT)).find(({ group }) => group === OTHER)?.purpose, purpose)
  })

  check('group: it can be given another purpose, and goes on where it is', async ({ instance: bus }) => {
    await appendRange(bus, PROJECT, 1, 3)
    await open(bus)
    await open(bus, PROJECT, OTHER)
    await open(bus, NEIGHBOUR)
    await take(bus, 'a', { limit: 1 })
    await bus.repurposeGroup(PROJECT, GROUP, 'other "work"')
    assert.deepEqual((await bus.groups(PROJECT)).map(({ group, purpose, held }) => [group, purpose, held.length]), [[GROUP, 'other "work"', 1], [OTHER, 'work', 0]])
    assert.equal((await bus.groups(NEIGHBOUR))[0]?.purpose, 'work')
    assert.deepEqual(numbersOf((await take(bus, 'b')).deliveries), [2, 3])
    await rejectsWith('NOT_001', () => bus.repurposeGroup(PROJECT, 'unheard-of', 'work'), 'a purpose for no group')
  })

  check('group: with a bound on what is not settled, one event comes after the other', async ({ instance: bus, clock }) => {
    await appendRange(bus, PROJECT, 1, 4)
    await open(bus)
    const [first] = idsOf((await take(bus, 'a', { maxHeld: 1 })).deliveries)
    assert.deepEqual((await take(bus, 'b', { maxHeld: 1 })).deliveries, [], 'another member is bound too')
    await bus.hold(PROJECT, GROUP, { member: 'a', event_ids: [first!], until: () => clock() + HOLD_MS, release: 'failed' })
    const none = await take(bus, 'a', { maxHeld: 1 })
    assert.deepEqual([none.deliveries, none.next_free_at], [[], clock() + HOLD_MS], 'what was given back is not settled')
    clock.advance(HOLD_MS)
    assert.deepEqual(numbersOf((await take(bus, 'a', { maxHeld: 1 })).deliveries), [1], 'and comes again before all others')
    await bus.settle(PROJECT, GROUP, [first!])
    assert.deepEqual(numbersOf((await take(bus, 'a', { maxHeld: 2 })).deliveries), [2, 3])
    assert.deepEqual(numbersOf((await take(bus, 'a')).deliveries), [4], 'without a bound nothing was passed over')
  })

  check('group: what was given back can be asked for before its time, and what is held cannot', async ({ instance: bus, clock }) => {
    await appendRange(bus, PROJECT, 1, 3)
    await open(bus)
    const [failed] = idsOf((await take(bus, 'a', { limit: 2 })).deliveries)
    await bus.hold(PROJECT, GROUP, { member: 'a', event_ids: [failed!], until: () => clock() + HOLD_MS, release: 'failed', error: 'no' })
    const { deliveries } = await take(bus, 'b', { limit: 1, early: true })
    assert.deepEqual(deliveries.map(({ event, attempt, last_error: error }) => [event.event_id, attempt, error]), [[failed, 2, 'no']])
    assert.deepEqual(numbersOf((await take(bus, 'b', { early: true })).deliveries), [3])
  })

  check('group: a group that is not there is refused with NOT_001', async ({ instance: bus, clock }) => {
    const [placed] = await appendRange(bus, PROJECT, 1, 1)
    await open(bus)
    await open(bus, NEIGHBOUR, OTHER)
    await rejectsWith('NOT_001', () => take(bus, 'a', { group: OTHER }), 'a claim for another project\'s group')
    await rejectsWith('NOT_001', () => bus.settle(PROJECT, OTHER, [placed!.event.event_id]), 'settling')
    await rejectsWith('NOT_001', () => bus.hold(PROJECT, OTHER, { member: 'a', event_ids: [], until: () => clock() }), 'holding')
    await rejectsWith('NOT_001', () => bus.offer(PROJECT, OTHER, placed!.event), 'an offer')
    assert.equal(await bus.closeGroup(PROJECT, OTHER), false)
    assert.equal(await bus.closeGroup(PROJECT, GROUP), true)
    assert.equal(await bus.closeGroup(PROJECT, GROUP), false)
    await rejectsWith('NOT_001', () => take(bus, 'a'), 'a claim for a closed group')
  })

  check('group: groups and projects do not touch each other', async ({ instance: bus, clock }) => {
    await appendRange(bus, PROJECT, 1, 2)
    await appendRange(bus, NEIGHBOUR, 3, 3)
    await open(bus)
    await open(bus, PROJECT, OTHER)
    await open(bus, NEIGHBOUR)
    const mine = await take(bus, 'a')
    assert.deepEqual(numbersOf(mine.deliveries), [1, 2])
    assert.deepEqual(numbersOf((await take(bus, 'a', { group: OTHER })).deliveries), [1, 2])
    assert.deepEqual(numbersOf((await take(bus, 'a', { project: NEIGHBOUR })).deliveries), [3])
    assert.deepEqual(await bus.settle(NEIGHBOUR, GROUP, idsOf(mine.deliveries)), [])
    assert.equal(await bus.closeGroup(PROJECT, GROUP), true)
    clock.advance(HOLD_MS)
    assert.deepEqual(numbersOf((await take(bus, 'b', { group: OTHER })).deliveries), [1, 2])
    assert.deepEqual(numbersOf((await take(bus, 'b', { project: NEIGHBOUR })).deliveries), [3])
    assert.deepEqual(await bus.groups('unheard-of'), [])
    assert.deepEqual(numbersOf(await readAll(bus, PROJECT)), [1, 2], 'the stream keeps its events')
  })

  check('group: an event that is put before it once more comes, also one that is not retained, and only to it', async ({ instance: bus, clock }) => {
    const [placed] = await appendRange(bus, PROJECT, 1, 1)
    await open(bus)
    await open(bus, PROJECT, OTHER)
    for (const group of [GROUP, OTHER]) await bus.settle(PROJECT, group, idsOf((await take(bus, 'a', { group })).deliveries))
    const foreign = { ...placed!.event, event_id: 'evt_00000000000000000000000000', data: { number: 7 } }
    await bus.offer(PROJECT, GROUP, placed!.event)
    await bus.offer(PROJECT, GROUP, foreign)
    const { deliveries } = await take(bus, 'a')
    assert.deepEqual(deliveries.map(({ event, attempt }) => [event, attempt]), [[placed!.event, 1], [foreign, 1]])
    clock.advance(HOLD_MS)
    assert.deepEqual((await take(bus, 'b')).deliveries.map(({ event, attempt }) => [event, attempt]), [[placed!.event, 2], [foreign, 2]])
    await bus.settle(PROJECT, GROUP, [foreign.event_id])
    clock.advance(HOLD_MS)
    assert.deepEqual(numbersOf((await take(bus, 'b')).deliveries), [1])
    assert.deepEqual((await take(bus, 'a', { group: OTHER })).deliveries, [])
    assert.equal((await readAll(bus, PROJECT)).length, 1, 'nobody else sees it again')
  })

  check('group: facts tell lag and who holds what', async ({ instance: bus, clock }) => {
    await appendRange(bus, PROJECT, 1, 4)
    await open(bus, PROJECT, OTHER)
    await open(bus)
    const [first, second] = idsOf((await take(bus, 'a', { limit: 2 })).deliveries)
    await bus.hold(PROJECT, GROUP, { member: 'a', event_ids: [second!], until: () => clock() + 1_000, release: 'failed' })
    assert.deepEqual(await bus.groups(PROJECT), [
      {
        group: GROUP,
        purpose: 'work',
        lag: 2,
        held: [
          { event_id: first, member: 'a', attempt: 1, deadline: new Date(clock() + HOLD_MS).toISOString() },
          { event_id: second, member: null, attempt: 1, deadline: new Date(clock() + 1_000).toISOString() }
        ]
      },
      { group: OTHER, purpose: 'work', lag: 4, held: [] }
    ])
    const [{ held } = { held: [] }] = await bus.groups(PROJECT)
    assert.deepEqual(await bus.findGroup(PROJECT, GROUP), { purpose: 'work', held })
    assert.deepEqual([await bus.groupNames(PROJECT), await bus.groupNames(NEIGHBOUR)], [[GROUP, OTHER], []])
    assert.equal(await bus.findGroup(NEIGHBOUR, GROUP), undefined)
    assert.equal(await bus.findGroup(PROJECT, 'unheard-of'), undefined)
  })

  check('group: an event whose ttl has passed is handed out to nobody, also when it was before', async ({ instance: bus, clock }) => {
    await bus.append(PROJECT, draft(1, { ttl_seconds: 20 }))
    await bus.append(PROJECT, draft(2, { ttl_seconds: 20 }))
    await open(bus)
    assert.deepEqual(numbersOf((await take(bus, 'a', { limit: 1 })).deliveries), [1])
    clock.advance(HOLD_MS)
    const { deliveries, missed } = await take(bus, 'b')
    assert.deepEqual({ deliveries, missed }, { deliveries: [], missed: 0 })
    assert.deepEqual((await bus.groups(PROJECT))[0]?.held, [])
  })

  check('durable: groups, what is held and what is settled are there after reopening without close', async ({ instance: bus, clock, reopen }) => {
    if (!bus.supports.durable) return
    await appendRange(bus, PROJECT, 1, 5)
    await open(bus)
    await open(bus, PROJECT, OTHER)
    await bus.closeGroup(PROJECT, OTHER)
    const ids = idsOf((await take(bus, 'a', { limit: 4 })).deliveries)
    await bus.settle(PROJECT, GROUP, [ids[0]!])
    await bus.hold(PROJECT, GROUP, { member: 'a', event_ids: [ids[1]!], until: () => clock(), release: 'failed', error: 'no' })
    const foreign = { ...draft(7), event_id: 'evt_00000000000000000000000000', timestamp: new Date(clock()).toISOString() }
    await bus.offer(PROJECT, GROUP, foreign)
    await bus.repurposeGroup(PROJECT, GROUP, 'more work')
    const reopened = await reopen()
    assert.deepEqual((await reopened.groups(PROJECT)).map(({ group, purpose, held }) => [group, purpose, held.length]), [[GROUP, 'more work', 4]])
    const now = await take(reopened, 'b')
    assert.deepEqual(now.deliveries.map(({ event, attempt, last_error: error }) => [event.data.number, attempt, error]), [[2, 2, 'no'], [7, 1, undefined], [5, 1, undefined]])
    clock.advance(HOLD_MS)
    const later = (await take(reopened, 'c')).deliveries.map(({ event, attempt }) => [Number(event.data.number), attempt] as const)
    assert.deepEqual(later.sort(([a], [b]) => a - b), [[2, 3], [3, 2], [4, 2], [5, 2], [7, 2]])
  })
}

export function groupRetentionTests (check: ContractTest<SmallEventBus>): void {
  check('retention: a group is told how many events it has missed', async ({ instance: bus, subject }) => {
    await appendRange(bus, PROJECT, 1, 2)
    await open(bus)
    await take(bus, 'a', { limit: 1 })
    const total = 2 + 4 * subject.retained
    await appendRange(bus, PROJECT, 3, total)
    const { deliveries, missed } = await take(bus, 'b', { limit: total })
    assert.ok(missed > 0, 'some were missed')
    assert.equal(deliveries.length + missed, total - 1, 'each of the others was handed out or missed')
    assert.equal((await take(bus, 'b')).missed, 0, 'it is said once')
  })
}
