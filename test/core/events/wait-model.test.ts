import fc from 'fast-check'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import type { Claims, EventBus, SidecarEvent } from '../../../core/contracts/index.js'
import { Events, type Waited } from '../../../core/events/events.js'
import { parseSubscription, type SubscriptionQuery } from '../../../core/events/subscription.js'
import { within } from '../../../core/testing/expectations.js'
import { silentLog } from '../../../core/testing/log.js'
import { createJournal } from '../../../plugins/events/journal/journal.js'
import { createMemoryBus } from '../../../plugins/events/memory.js'
import { temporaryFolder } from '../../support/temporary.js'

/** What a wait is, said as simply as it can be: a list of events for each project, and a number for each reader. */
interface Model {
  events: Record<string, { type: string, topic: string, lane: number }[]>
  positions: Map<string, number>
  /** Cursors that were given out, with the number of events that lie before. */
  cursors: { project: string, cursor: string, index: number }[]
  parked: { ask: Ask, start: number | undefined, index: number }[]
}

interface Real {
  bus: EventBus
  events: Events
  restart (): Promise<void>
  ids: Record<string, string[]>
  parked: { gone: AbortController, answer: Promise<Waited> }[]
}

interface Ask {
  project: string
  reader: string
  what: number
  limit: number
  /** Whether the client lives to be given the whole answer. */
  arrives: boolean
}

type Command = fc.AsyncCommand<Model, Real>

const PROJECTS = ['shop', 'shop-2']
const TYPES = ['code_ready', 'note']
const TOPICS = ['testing', 'own']
const SUBSCRIPTIONS: readonly { query: SubscriptionQuery, wants: (event: { type: string, topic: string, lane: number }) => boolean }[] = [
  { query: {}, wants: () => true },
  { query: { type: 'note' }, wants: ({ type }) => type === 'note' },
  { query: { type: 'code_ready,other', topic: 'own' }, wants: ({ type, topic }) => type === 'code_ready' && topic === 'own' },
  { query: { filter: 'lane:1|2' }, wants: ({ lane }) => lane === 1 || lane === 2 },
  { query: { filter: '!lane:0,lane:<3' }, wants: ({ lane }) => lane !== 0 && lane < 3 },
  { query: { topic: 'testing', filter: 'lane:0' }, wants: ({ topic, lane }) => topic === 'testing' && lane === 0 }
]
const HANGS_MS = 60_000
const ENDS_MS = 20_000

function equal (found: unknown, wanted: unknown, what: string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)]
  if (a !== b) throw new Error(`${what}: ${a} instead of ${b}`)
}

const keyOf = ({ project, reader, what }: Ask): string => `${project}/${reader}/${what}`

/** What lies behind an index for a subscription, as numbers of events. */
function expected (model: Model, { project, what, limit }: Pick<Ask, 'project' | 'what' | 'limit'>, index: number): { found: number[], more: boolean, next: number } {
  const events = model.events[project]!
  const matching = events.flatMap((event, number) => (number >= index && SUBSCRIPTIONS[what]!.wants(event) ? number : []))
  const found = matching.slice(0, limit)
  const more = matching.length > limit
  return { found, more, next: more ? found.at(-1)! + 1 : events.length }
}

function ask (real: Real, { project, reader, what, limit }: Ask, since: string | undefined, timeoutMs: number, gone = new AbortController()): Promise<Waited> {
  const claims = { agent_id: reader, agent_type: 'tester', project_id: project } as Claims
  return real.events.wait({ project, reader: claims, subscription: parseSubscription(SUBSCRIPTIONS[what]!.query), since, limit, timeoutMs, signal: gone.signal })
}

/** Holds an answer against the model, and moves the reader on in both. */
async function settle (model: Model, real: Real, wanted: Ask, start: number | undefined, index: number, { page, timedOut, delivered }: Waited): Promise<void> {
  const { found, more, next } = expected(model, wanted, index)
  equal(page.events.map(({ event_id: id }) => real.ids[wanted.project]!.indexOf(id)), found, 'the events of an answer')
  equal([page.more_available, timedOut, page.gap], [more, found.length === 0, undefined], 'more_available, timedOut and gap')
  model.cursors.push({ project: wanted.project, cursor: page.next_cursor, index: next })
  if (!wanted.arrives) return
  await delivered()
  const key = keyOf(wanted)
  const current = model.positions.get(key)
  if (current === start || current === undefined || current < next) model.positions.set(key, next)
}

/** Those that are woken by what was published answer with it. */
async function settleParked (model: Model, real: Real): Promise<void> {
  for (let at = model.parked.length - 1; at >= 0; at--) {
    const { ask: wanted, start, index } = model.parked[at]!
    if (expected(model, wanted, index).found.length === 0) continue
    const { answer } = real.parked[at]!
    model.parked.splice(at, 1)
    real.parked.splice(at, 1)
    await settle(model, real, wanted, start, index, await within(ENDS_MS, answer, 'a parked wait is woken by what it waits for'))
  }
}

const publish = (project: string, type: string, topic: string, lane: number): Command => ({
  check: () => true,
  async run (model, real) {
    const { event } = await real.events.publish(project, { agent_id: 'ada', agent_type: 'tester' }, { event_type: type, topic, data: { lane } })
    model.events[project]!.push({ type, topic, lane })
    real.ids[project]!.push(event.event_id)
    await settleParked(model, real)
  },
  toString: () => `publish(${project}, ${type}, ${topic}, ${lane})`
})

type Since = 'position' | 'earliest' | 'latest' | 'cursor' | 'event'

/** Where a wait begins in both, or `undefined` where there is no such cursor or event yet. */
function beginning (model: Model, real: Real, wanted: Ask, since: Since, pick: number): { since: string | undefined, index: number } | undefined {
  const events = real.ids[wanted.project]!
  const cursors = model.cursors.filter(({ project }) => project === wanted.project)
  switch (since) {
    case 'position': return { since: undefined, index: model.positions.get(keyOf(wanted)) ?? 0 }
    case 'earliest': return { since, index: 0 }
    case 'latest': return { since, index: events.length }
    case 'cursor': return cursors.length === 0 ? undefined : { since: cursors[pick % cursors.length]!.cursor, index: cursors[pick % cursors.length]!.index }
    case 'event': return events.length === 0 ? undefined : { since: events[pick % events.length]!, index: pick % events.length + 1 }
  }
}

const wait = (wanted: Ask, since: Since, pick: number, timeoutMs: number): Command => ({
  check: () => true,
  async run (model, real) {
    const begin = beginning(model, real, wanted, since, pick)
    if (begin === undefined) return
    const start = model.positions.get(keyOf(wanted))
    // Without events it ends by its time.
    await settle(model, real, wanted, start, begin.index, await within(ENDS_MS, ask(real, wanted, begin.since, timeoutMs), 'a wait ends by its time'))
  },
  toString: () => `wait(${JSON.stringify(wanted)}, ${since} ${pick}, ${timeoutMs} ms)`
})

const park = (wanted: Ask): Command => ({
  check: (model) => expected(model, wanted, model.positions.get(keyOf(wanted)) ?? 0).found.length === 0,
  async run (model, real) {
    const start = model.positions.get(keyOf(wanted))
    const gone = new AbortController()
    const answer = ask(real, wanted, undefined, HANGS_MS, gone)
    real.parked.push({ gone, answer })
    model.parked.push({ ask: wanted, start, index: start ?? 0 })
    await turn()
  },
  toString: () => `park(${JSON.stringify(wanted)})`
})

const leave = (pick: number): Command => ({
  check: (model) => model.parked.length > 0,
  async run (model, real) {
    const at = pick % model.parked.length
    const [{ ask: wanted, start, index }] = model.parked.splice(at, 1) as [Model['parked'][number]]
    const [{ gone, answer }] = real.parked.splice(at, 1) as [Real['parked'][number]]
    gone.abort()
    await settle(model, real, { ...wanted, arrives: false }, start, index, await within(ENDS_MS, answer, 'a wait ends with its client'))
  },
  toString: () => `leave(${pick})`
})

const list = (wanted: Ask, since: Since, pick: number): Command => ({
  check: () => true,
  async run (model, real) {
    const begin = beginning(model, real, wanted, since, pick)
    if (begin === undefined) return
    const page = await real.events.list(wanted.project, parseSubscription(SUBSCRIPTIONS[wanted.what]!.query), { since: begin.since ?? 'earliest', until: undefined, correlation: undefined, limit: wanted.limit })
    const { found, more } = expected(model, wanted, begin.since === undefined ? 0 : begin.index)
    equal([page.events.map(({ event_id: id }: SidecarEvent) => real.ids[wanted.project]!.indexOf(id)), page.more_available], [found, more], 'history')
  },
  toString: () => `list(${JSON.stringify(wanted)}, ${since} ${pick})`
})

const foreign = (project: string, pick: number): Command => ({
  check: (model) => model.cursors.some((cursor) => cursor.project !== project),
  async run (model, real) {
    const theirs = model.cursors.filter((cursor) => cursor.project !== project)
    const since = theirs[pick % theirs.length]!.cursor
    const code = await ask(real, { project, reader: 'ada', what: 0, limit: 10, arrives: true }, since, 0).then(() => 'none', (error: { code?: string }) => error.code)
    equal(code, 'VAL_001', 'the fault of a cursor of another project')
  },
  toString: () => `foreign(${project}, ${pick})`
})

const restart = (): Command => ({
  check: () => true,
  async run (model, real) {
    real.events.drain()
    for (const [at, { ask: wanted, start, index }] of model.parked.entries()) {
      await settle(model, real, wanted, start, index, await within(ENDS_MS, real.parked[at]!.answer, 'a wait ends with the server'))
    }
    model.parked = []
    real.parked = []
    await real.restart()
  },
  toString: () => 'restart'
})

// Mostly the same, so that waits meet.
const project = fc.constantFrom(PROJECTS[0]!, ...PROJECTS)
const since = fc.constantFrom<Since[]>('position', 'position', 'earliest', 'latest', 'cursor', 'event')
const wanted: fc.Arbitrary<Ask> = fc.record({ project, reader: fc.constantFrom('ada', 'ada', 'bob'), what: fc.oneof(fc.constant(0), fc.nat(SUBSCRIPTIONS.length - 1)), limit: fc.constantFrom(1, 2, 100), arrives: fc.boolean() })
const pick = fc.nat(50)

const commands = (restarts: boolean): fc.Arbitrary<Iterable<Command>> => {
  const published = fc.tuple(project, fc.constantFrom(...TYPES), fc.constantFrom(...TOPICS), fc.nat(3)).map((args) => publish(...args))
  return fc.commands([
    published,
    published,
    fc.tuple(wanted, since, pick, fc.constantFrom(0, 1)).map((args) => wait(...args)),
    wanted.map((ask) => park(ask)),
    pick.map(leave),
    fc.tuple(wanted, since, pick).map((args) => list(...args)),
    fc.tuple(project, pick).map((args) => foreign(...args)),
    ...(restarts ? [fc.constant(restart())] : [])
  ], { maxCommands: 60, size: 'max' })
}

function createEvents (bus: EventBus): Events {
  return new Events({
    bus, clock: Date.now, maxWaits: 1000, maxRounds: 50, log: silentLog, groups: { rules: { ackWaitSeconds: 30, maxDeliveries: 5 }, maxGroups: 10 }, subscribedAgents: () => []
  })
}

async function check (runs: number, restarts: boolean, openBus: () => Promise<{ bus: EventBus, reopen: () => Promise<EventBus> }>): Promise<void> {
  await fc.assert(fc.asyncProperty(commands(restarts), async (chosen) => {
    const opened = await openBus()
    const real: Real = {
      bus: opened.bus,
      events: createEvents(opened.bus),
      async restart () {
        await real.events.close()
        await real.bus.close?.()
        real.bus = await opened.reopen()
        real.events = createEvents(real.bus)
      },
      ids: Object.fromEntries(PROJECTS.map((name) => [name, []])),
      parked: []
    }
    const model: Model = { events: Object.fromEntries(PROJECTS.map((name) => [name, []])), positions: new Map(), cursors: [], parked: [] }
    try {
      await fc.asyncModelRun(() => ({ model, real }), chosen)
    } finally {
      await real.events.close()
      await Promise.all(real.parked.map(async ({ answer }) => await answer))
      await real.bus.close?.()
    }
  }), { numRuns: runs })
}

t.test('waits on a bus in memory do what a list and a number would', async () => {
  await check(150, false, async () => {
    const bus = createMemoryBus({ clock: Date.now, retention: { age: 86_400_000, count: 10_000 }, log: silentLog })
    return { bus, reopen: async () => bus }
  })
})

t.test('and so they do on the journal, over restarts', async (t) => {
  const folder = await temporaryFolder(t)
  let number = 0
  await check(25, true, async () => {
    const directory = `${folder}/${++number}`
    const reopen = async (): Promise<EventBus> => {
      const bus = createJournal({ directory, retention: { age: 86_400_000, count: 10_000 }, segmentBytes: 2000, clock: Date.now, log: silentLog })
      await bus.open?.()
      return bus
    }
    return { bus: await reopen(), reopen }
  })
})
