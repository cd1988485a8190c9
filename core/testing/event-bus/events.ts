import assert from 'node:assert/strict'
import type { EventBus, EventDraft, PlacedEvent, Position } from '../../contracts/event-bus.js'
import type { ContractSubject, ContractTest } from '../contract-test.js'

export type BusTest = ContractTest<ContractSubject<EventBus>>

export const PROJECT = 'shop'
/** Begins like the other project, so that a match by prefix shows. */
export const NEIGHBOUR = 'shop-2'

const MAX_PAGES = 10_000

export function draft (number: number, changes: Partial<EventDraft> = {}): EventDraft {
  return {
    event_type: 'agent_completed',
    publisher: 'backend-architect-1',
    publisher_type: 'backend-architect',
    topic: 'implementation',
    data: { number },
    ttl_seconds: 3_600,
    ...changes
  }
}

/** Appends a draft and gives the event as it is read. */
export async function append (bus: EventBus, project: string, given: EventDraft): Promise<PlacedEvent> {
  const { event, position } = await bus.append(project, given)
  return { event, position }
}

/** Appends drafts `first` to `last`, one after the other. */
export async function appendRange (bus: EventBus, project: string, first: number, last: number): Promise<PlacedEvent[]> {
  const placed: PlacedEvent[] = []
  for (let number = first; number <= last; number++) placed.push(await append(bus, project, draft(number)))
  return placed
}

export async function earliest (bus: EventBus, project: string): Promise<Position> {
  return located(await bus.locate(project, { at: 'earliest' }), 'earliest')
}

export async function latest (bus: EventBus, project: string): Promise<Position> {
  return located(await bus.locate(project, { at: 'latest' }), 'latest')
}

function located (position: Position | undefined, anchor: string): Position {
  assert.equal(typeof position, 'string', `'${anchor}' can always be located, also in a project without events`)
  return position!
}

/** Everything behind `after`, page by page. */
export async function readAll (bus: EventBus, project: string, after?: Position, limit = 1_000): Promise<PlacedEvent[]> {
  const items: PlacedEvent[] = []
  let position = after ?? await earliest(bus, project)
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = await bus.read(project, { after: position, limit })
    assert.ok(page.items.length <= limit, `a page holds at most ${limit} items, and held ${page.items.length}`)
    items.push(...page.items)
    if (page.end) return items
    assert.notEqual(page.next, position, 'a page that is not the last moves on')
    position = page.next
  }
  return assert.fail(`reading did not come to an end within ${MAX_PAGES} pages`)
}

export function numbersOf (items: readonly PlacedEvent[]): unknown[] {
  return items.map(({ event }) => event.data.number)
}

export function range (first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}
