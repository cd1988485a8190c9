import t from 'tap'
import type { Clock, EventBus, PlacedEvent } from '../../../core/contracts/index.js'
import { eventBusContract, type TestFunction } from '../../../core/testing/index.js'
import { createFakeBus, streamOf, type BusStorage } from './fakes/event-bus.js'
import { failureIn, failuresOf } from './suite-run.js'

interface Fault {
  name: string
  fails: string
  breaks (bus: EventBus, storage: BusStorage, clock: Clock): Partial<EventBus>
}

const RETAINED = 10

function suiteOver (fault?: Fault): (test: TestFunction) => void {
  const make = (clock: Clock, storage: BusStorage, retained?: number): EventBus => {
    const bus = createFakeBus(clock, storage, retained)
    return { ...bus, ...fault?.breaks(bus, storage, clock) }
  }
  const subject = (clock: Clock, retained?: number) => {
    const storage: BusStorage = new Map()
    return { instance: make(clock, storage, retained), reopen: async () => make(clock, storage, retained), dispose: async () => {} }
  }
  return (test) => eventBusContract({
    test,
    create: async ({ clock }) => subject(clock),
    createSmall: async ({ clock }) => ({ ...subject(clock, RETAINED), retained: RETAINED })
  })
}

/** Listeners that the fault calls itself. */
function ownListeners (deliver: (listeners: Map<symbol, { project: string, listener: (placed: PlacedEvent) => void }>, project: string, placed: PlacedEvent) => void) {
  return (bus: EventBus): Partial<EventBus> => {
    const listeners = new Map<symbol, { project: string, listener: (placed: PlacedEvent) => void }>()
    return {
      async append (project, draft) {
        const placed = await bus.append(project, draft)
        deliver(listeners, project, placed)
        return placed
      },
      async subscribe (project, listener) {
        const key = Symbol('subscription')
        listeners.set(key, { project, listener })
        return () => { listeners.delete(key) }
      }
    }
  }
}

const faults: Fault[] = [
  {
    name: 'drops a write',
    fails: 'read returns what append returned, oldest first',
    breaks: (bus, storage) => ({
      async append (project, draft) {
        const placed = await bus.append(project, draft)
        if (draft.data.number === 13) streamOf(storage, project).events.pop()
        return placed
      }
    })
  },
  {
    name: 'forgets the project',
    fails: 'a project sees nothing of another',
    breaks: (bus) => ({ append: (_, draft) => bus.append('all', draft), read: (_, query) => bus.read('all', query), locate: (_, anchor) => bus.locate('all', anchor) })
  },
  {
    name: 'keeps projects in a plain object',
    fails: 'any valid project name is a project of its own',
    breaks: (bus) => {
      const known: Record<string, string> = {}
      return { append: (project, draft) => bus.append((known[project] ??= project).toString(), draft) }
    }
  },
  {
    name: 'loses order',
    fails: 'read returns what append returned, oldest first',
    breaks: (bus) => ({ read: async (project, query) => { const page = await bus.read(project, query); return { ...page, items: page.items.reverse() } } })
  },
  {
    name: 'ignores the limit',
    fails: 'a page holds at most limit items, and pages follow without loss or repetition',
    breaks: (bus) => ({ read: (project, { after }) => bus.read(project, { after, limit: 1_000 }) })
  },
  {
    name: 'is off by one behind a position',
    fails: 'reading after a position continues exactly behind its event',
    breaks: (bus) => ({
      async read (project, query) {
        const [, number] = query.after.split('@')
        return bus.read(project, { ...query, after: /^\d+$/.test(number ?? '') ? `${project}@${Math.max(0, Number(number) - 1)}` : query.after })
      }
    })
  },
  {
    name: 'never says end',
    fails: 'end is said when, and only when, nothing is left',
    breaks: (bus) => ({ read: async (project, query) => ({ ...await bus.read(project, query), end: false }) })
  },
  {
    name: 'takes garbage for the beginning',
    fails: 'a garbage position is refused with VAL_001',
    breaks: (bus) => ({ read: (project, query) => bus.read(project, query).catch(() => bus.read(project, { ...query, after: `${project}@0` })) })
  },
  {
    name: 'reads only the number of a position',
    fails: 'a position of another project is refused with VAL_001',
    breaks: (bus) => ({ read: (project, query) => bus.read(project, { ...query, after: query.after.replace(/^[^@]*@/, `${project}@`) }) })
  },
  {
    name: 'takes a position from the future for the end',
    fails: 'a position from the future is refused with VAL_001',
    breaks: (bus, storage) => ({
      read: (project, query) => bus.read(project, { ...query, after: query.after.replace(/\d+$/, (number) => String(Math.min(Number(number), streamOf(storage, project).last))) })
    })
  },
  {
    name: 'locates an event behind itself',
    fails: 'an event is located just before itself',
    breaks: (bus) => ({
      async locate (project, anchor) {
        const position = await bus.locate(project, anchor)
        return anchor.at === 'event' && position !== undefined ? `${project}@${Number(position.split('@')[1]) + 1}` : position
      }
    })
  },
  { name: 'throws on a missing event', fails: 'locating an event that is not there gives undefined', breaks: (bus) => ({ async locate (project, anchor) { const found = await bus.locate(project, anchor); if (found === undefined) throw new Error('no such event'); return found } }) },
  { name: 'gives a known id a second event', fails: 'an event_id that is there already returns that event and adds none', breaks: (bus) => ({ append: (project, { event_id: id, ...draft }) => bus.append(project, draft) }) },
  { name: 'takes no notice of idempotency keys', fails: 'an idempotency_key seen before returns the first event, also with other content, and adds none', breaks: (bus) => ({ append: (project, { idempotency_key: key, ...draft }) => bus.append(project, draft) }) },
  { name: 'never says that an event was there', fails: 'an idempotency_key seen before returns the first event, also with other content, and adds none', breaks: (bus) => ({ append: async (project, draft) => ({ ...await bus.append(project, draft), duplicate: false }) }) },
  { name: 'shows the idempotency key to readers', fails: 'an idempotency_key is no part of the event', breaks: (bus, storage) => ({ async append (project, draft) { const placed = await bus.append(project, draft); Object.assign(streamOf(storage, project).events.at(-1)!.event, { idempotency_key: draft.idempotency_key }); return placed } }) },
  { name: 'takes an idempotency key for an event_id', fails: 'an idempotency_key may be any text, and is not an event_id', breaks: (bus) => ({ append: (project, { idempotency_key: key, ...draft }) => { const id = draft.event_id ?? key; return bus.append(project, id === undefined ? draft : { ...draft, event_id: id }) } }) },
  {
    name: 'remembers an idempotency key only when the event is there',
    fails: 'an idempotency_key appended many times at once is one event',
    breaks: (bus) => {
      const keys = new Map<string, string>()
      return {
        async append (project, { idempotency_key: key, ...draft }) {
          const id = draft.event_id ?? keys.get(`${project}/${key}`)
          await new Promise(setImmediate)
          const placed = await bus.append(project, id === undefined ? draft : { ...draft, event_id: id })
          if (key !== undefined) keys.set(`${project}/${key}`, placed.event.event_id)
          return placed
        }
      }
    }
  },
  {
    name: 'keeps idempotency keys of all projects together',
    fails: 'an idempotency_key of another project is not taken',
    breaks: (bus) => {
      const places = new Map<string, string>()
      return { append: (project, draft) => { const key = draft.idempotency_key ?? Symbol('none').toString(); places.set(key, places.get(key) ?? project); return bus.append(draft.idempotency_key === undefined ? project : places.get(key)!, draft) } }
    }
  },
  { name: 'forgets idempotency keys on reopening', fails: 'durable: an idempotency_key is still known after reopening', breaks: (_, storage) => { for (const stream of storage.values()) stream.keys.clear(); return {} } },
  {
    name: 'holds an idempotency key longer than its event',
    fails: 'retention: the idempotency_key of an event that was taken is free again',
    breaks: (bus) => {
      const seen = new Map<string, ReturnType<EventBus['append']>>()
      return { append: (project, draft) => { const known = seen.get(`${project}/${draft.idempotency_key}`); if (known !== undefined) return known.then((placed) => ({ ...placed, duplicate: true })); const placed = bus.append(project, draft); if (draft.idempotency_key !== undefined) seen.set(`${project}/${draft.idempotency_key}`, placed); return placed } }
    }
  },
  { name: 'makes ids of the clock alone', fails: 'ids increase strictly, also when the clock stands still or goes back', breaks: (bus, storage) => ({ append: (project, draft) => { streamOf(storage, project).lastId = undefined; return bus.append(project, draft) } }) },
  { name: 'never expires', fails: 'an event whose ttl has passed by the clock is passed over, and is not missed', breaks: (bus) => ({ append: (project, draft) => bus.append(project, { ...draft, ttl_seconds: 1e6 }) }) },
  { name: 'shares data with the caller', fails: 'a draft that is changed after append leaves the event as it was', breaks: (bus, storage) => ({ async append (project, draft) { const placed = await bus.append(project, draft); streamOf(storage, project).events.at(-1)!.event.data = draft.data; return placed } }) },
  { name: 'keeps text in ASCII', fails: 'data comes back verbatim', breaks: (bus) => ({ append: (project, draft) => bus.append(project, { ...draft, data: JSON.parse(JSON.stringify(draft.data).replace(/[^ -~]/g, '?')) }) }) },
  {
    name: 'loses appends that overlap',
    fails: '200 appends at once lose nothing and place each exactly once',
    breaks: (bus, storage) => ({
      async append (project, draft) {
        const before = [...streamOf(storage, project).events]
        await new Promise(setImmediate)
        const placed = await bus.append(project, draft)
        streamOf(storage, project).events = [...before, placed]
        return placed
      }
    })
  },
  {
    name: 'says that an event follows one before the last',
    fails: 'nothing lies between an event that is heard and the position it is said to follow',
    breaks: (bus) => ({
      async subscribe (project, listener) {
        const last = [(await bus.locate(project, { at: 'latest' }))!]
        return await bus.subscribe(project, (live) => { listener({ ...live, after: last[Math.max(0, last.push(live.position) - 3)]! }) })
      }
    })
  },
  { name: 'calls listeners of other projects', fails: 'a subscriber hears nothing of another project', breaks: ownListeners((listeners, _, placed) => { for (const { listener } of listeners.values()) listener(placed) }) },
  { name: 'lets a listener throw into append', fails: 'a listener that throws harms neither append nor other listeners nor itself', breaks: ownListeners((listeners, project, placed) => { for (const each of listeners.values()) if (each.project === project) each.listener(placed) }) },
  {
    name: 'unsubscribes whoever has the same listener',
    fails: 'unsubscribing may be repeated, ends one subscription and leaves the others',
    breaks: (bus) => {
      const ends = new Map<(placed: PlacedEvent) => void, () => void>()
      return { async subscribe (project, listener) { ends.set(listener, await bus.subscribe(project, listener)); return () => ends.get(listener)?.() } }
    }
  },
  { name: 'saves positions without the project', fails: 'positions are saved per reader and project', breaks: (bus) => ({ savePosition: (_, reader, position) => bus.savePosition('all', reader, position), loadPosition: (_, reader) => bus.loadPosition('all', reader) }) },
  { name: 'never lets a reader go back', fails: 'the position saved last is the one that is loaded, and reading goes on there', breaks: (bus) => ({ async savePosition (project, reader, position) { if (position > (await bus.loadPosition(project, reader) ?? '')) await bus.savePosition(project, reader, position) } }) },
  { name: 'locates a key as an id', fails: 'an event is located by its idempotency_key, as long as it is retained', breaks: (bus) => ({ locate: (project, anchor) => bus.locate(project, anchor.at === 'key' ? { at: 'event', event_id: anchor.idempotency_key } : anchor) }) },
  { name: 'locates the keys of a neighbour', fails: 'an event is located by its idempotency_key, as long as it is retained', breaks: (bus, storage) => ({ async locate (project, anchor) { if (anchor.at !== 'key') return bus.locate(project, anchor); const owner = [...storage.keys()].find((each) => streamOf(storage, each).keys.has(anchor.idempotency_key)); return bus.locate(owner ?? project, anchor) } }) },
  { name: 'removes dead letters of any project', fails: 'dead letters of another project can be neither seen nor removed', breaks: (bus, storage) => ({ async removeDeadLetter (_, id) { return (await Promise.all([...storage.keys()].map((project) => bus.removeDeadLetter(project, id)))).includes(true) } }) },
  { name: 'removes the dead letters of all targets', fails: 'an event has one dead letter per target, and exactly that of the target is removed', breaks: (bus, storage) => ({ async removeDeadLetter (project, id) { const stream = streamOf(storage, project); const before = stream.dead.length; stream.dead = stream.dead.filter(({ event }) => event.event_id !== id); return stream.dead.length < before } }) },
  { name: 'has one dead letter per event', fails: 'an event has one dead letter per target, and exactly that of the target is removed', breaks: (bus, storage) => ({ async addDeadLetter (project, letter) { const stream = streamOf(storage, project); stream.dead = stream.dead.filter(({ event }) => event.event_id !== letter.event.event_id); await bus.addDeadLetter(project, letter) } }) },
  { name: 'removes all dead letters', fails: 'dead letters are removed by event, and once', breaks: (bus, storage) => ({ async removeDeadLetter (project, id) { const found = await bus.removeDeadLetter(project, id); streamOf(storage, project).dead = []; return found } }) },
  { name: 'says nothing of a gap', fails: 'retention: missed is exact, and said once', breaks: (bus) => ({ read: async (project, query) => ({ ...await bus.read(project, query), missed: 0 }) }) },
  { name: 'counts retention over all projects', fails: 'retention: a busy project takes nothing from its neighbour', breaks: (bus, storage) => ({ async append (project, draft) { const placed = await bus.append(project, draft); const sum = [...storage.values()].reduce((all, { events }) => all + events.length, 0); if (sum > RETAINED) { const [oldest] = storage.values(); oldest!.events.shift(); oldest!.taken += 1 } return placed } }) },
  { name: 'forgets events on reopening', fails: 'durable: acknowledged events and their positions are there after reopening without close', breaks: (_, storage) => { storage.clear(); return {} } },
  { name: 'forgets dead letters on reopening', fails: 'durable: dead letters are there after reopening, and removed ones are not', breaks: (_, storage) => { for (const stream of storage.values()) stream.dead = []; return {} } },
  {
    name: 'hands out what another member holds',
    fails: 'group: each event goes to one member, oldest first, as it is read',
    breaks: (bus) => ({ claim: async (project, group, query) => { const claim = await bus.claim(project, group, query); await bus.hold(project, group, { member: query.member, event_ids: claim.deliveries.map(({ event }) => event.event_id), until: () => 0, release: 'unseen' }); return claim } })
  },
  {
    name: 'reads and moves on in two steps',
    fails: 'group: many claims at once share no event and lose none',
    breaks: (bus) => {
      const places = new Map<string, PlacedEvent['position']>()
      return {
        async claim (project, group, query) {
          const after = places.get(group) ?? (await bus.locate(project, { at: 'earliest' }))!
          const page = await bus.read(project, { after, limit: query.limit })
          await new Promise(setImmediate)
          places.set(group, page.next)
          return { deliveries: page.items.map((item) => ({ ...item, attempt: 1, deadline: 0 })), spent: [], missed: 0, next_free_at: null }
        }
      }
    }
  },
  { name: 'asks nobody what is wanted', fails: 'group: what is not wanted is passed over for good', breaks: (bus) => ({ claim: (project, group, query) => bus.claim(project, group, { ...query, wanted: () => true }) }) },
  { name: 'settles nothing', fails: 'group: what is settled never comes again, and settling says what was held', breaks: () => ({ settle: async (_project, _group, ids) => [...ids] }) },
  { name: 'never takes an event back', fails: 'group: an event that is not settled in time goes to the next member, and counts the attempts', breaks: (bus) => ({ claim: (project, group, query) => bus.claim(project, group, { ...query, holdMs: () => 1e9 }) }) },
  { name: 'never gives up', fails: 'group: an event whose attempts are used up is spent, and only looked for with limit 0', breaks: (bus) => ({ claim: (project, group, query) => bus.claim(project, group, { ...query, maxAttempts: Infinity }) }) },
  { name: 'lets anybody give back', fails: 'group: a member gives back or goes on holding what it holds, and nobody else can', breaks: (bus) => ({ hold: async (project, group, change) => { const facts = (await bus.groups(project)).find((each) => each.group === group); const done: string[] = []; for (const id of change.event_ids) { const member = facts?.held.find((held) => held.event_id === id)?.member; done.push(...await bus.hold(project, group, { ...change, member: member ?? change.member, event_ids: [id] })) } return done } }) },
  { name: 'forgets why an event was given back', fails: 'group: an error is told of the attempt before, and not of those before that', breaks: (bus) => ({ hold: (project, group, { error: _error, ...change }) => bus.hold(project, group, change) }) },
  { name: 'makes a group anew each time', fails: 'group: it begins where it is told to, is made once, and keeps its purpose', breaks: (bus) => ({ async openGroup (project, group, query) { await bus.closeGroup(project, group); return await bus.openGroup(project, group, query) } }) },
  { name: 'keeps the first purpose', fails: 'group: it can be given another purpose, and goes on where it is', breaks: () => ({ async repurposeGroup () {} }) },
  { name: 'hands out without a bound', fails: 'group: with a bound on what is not settled, one event comes after the other', breaks: (bus) => ({ claim: (project, group, { maxHeld: _maxHeld, ...query }) => bus.claim(project, group, query) }) },
  { name: 'never comes early', fails: 'group: what was given back can be asked for before its time, and what is held cannot', breaks: (bus) => ({ claim: (project, group, { early: _early, ...query }) => bus.claim(project, group, query) }) },
  { name: 'shares groups between projects', fails: 'group: groups and projects do not touch each other', breaks: (bus) => ({ settle: async (_, group, ids) => (await Promise.all(['shop', 'shop-2'].map((project) => bus.settle(project, group, ids)))).flat() }) },
  { name: 'offers an event to everybody', fails: 'group: an event that is put before it once more comes, also one that is not retained, and only to it', breaks: (bus) => ({ async offer (project, group, event) { await bus.offer(project, group, event); await bus.append(project, event) } }) },
  { name: 'says nothing of what a group has missed', fails: 'retention: a group is told how many events it has missed', breaks: (bus) => ({ claim: async (project, group, query) => ({ ...await bus.claim(project, group, query), missed: 0 }) }) },
  { name: 'forgets what was settled on reopening', fails: 'durable: groups, what is held and what is settled are there after reopening without close', breaks: (bus, storage) => ({ async settle (project, group, ids) { const settled = await bus.settle(project, group, ids); streamOf(storage, project).groups.pop(); return settled } }) },
  { name: 'cannot be closed twice', fails: 'opens, answers check() within a second and may be closed twice', breaks: () => { let closed = false; return { async close () { if (closed) throw new Error('closed already'); closed = true } } } }
]

t.test('a correct bus passes the whole suite', async (t) => {
  t.strictSame(await failuresOf(suiteOver()), [])
})

for (const fault of faults) {
  t.test(`a bus that ${fault.name} fails '${fault.fails}'`, async (t) => {
    t.type(await failureIn(fault.fails, suiteOver(fault)), 'string')
  })
}

t.test('without createSmall nothing is asked about retention', async (t) => {
  const names: string[] = []
  eventBusContract({ test: (name) => names.push(name), create: async () => { throw new Error('not called') } })
  t.not(names.length, 0)
  t.notOk(names.some((name) => name.startsWith('retention')))
})

t.test('a bus that promises durability and cannot be reopened fails', async (t) => {
  const failure = await failureIn('durable: saved positions are there after close and reopening', (test) => eventBusContract({
    test, create: async ({ clock }) => ({ instance: createFakeBus(clock), dispose: async () => {} })
  }))
  t.match(failure, /must offer reopen/)
})
