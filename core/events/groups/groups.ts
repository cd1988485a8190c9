import type { Claims, Clock, EventBus, GroupFacts, Logger, SidecarEvent } from '../../contracts/index.js'
import { apiError, codeOf, messageOf } from '../../errors.js'
import { createBell } from '../bell.js'
import { resolveSince, toCursor } from '../cursor.js'
import type { Held } from '../held.js'
import type { Hub } from '../hub.js'
import type { EventPage } from '../scan.js'
import type { StreamPage } from '../stream.js'
import { parseSubscription, type SubscriptionQuery } from '../subscription.js'
import { backOffMs, checkSubscription, definitionOf, holdMs, purposeOf, type GroupDefinition, type GroupRules } from './definition.js'
import { GroupDesk, type Taken } from './desk.js'

/** What a member does with one event that it has. */
export interface GroupPage extends EventPage {
  deliveries: { event_id: string, attempt: number, ack_by: string, last_error?: string }[]
}

export interface GroupWaited {
  page: GroupPage
  timedOut: boolean
  /** To be called when the answer was written out. */
  delivered (): Promise<void>
  /** To be called when it was not: another member gets the events. */
  lost (): Promise<void>
}

export interface GroupState {
  group: string
  /** `null` for all. */
  types: string[] | null
  topic: string | null
  filter: string | null
  ack_wait_seconds: number
  max_deliveries: number
  lag: number
  pending: number
  /** Those who hold events, or wait here. */
  members: { member: string, pending: number, waiting: boolean }[]
  created_by: string
  created_at: string
}

export interface GroupQuery {
  project: string
  group: string
  reader: Claims
  /** What the group listens for; all members ask for the same, or for nothing. */
  listensFor: SubscriptionQuery
  /** Where a group begins that is not there yet; at the oldest event by default. */
  since: string | undefined
  /** Events at once; of a stream, events that are not acknowledged yet. */
  limit: number
  signal: AbortSignal
}

interface Known {
  definition: GroupDefinition
  desk: GroupDesk
}

export interface GroupsOptions {
  bus: EventBus
  hub: Hub
  held: Held
  clock: Clock
  log: Logger
  rules: GroupRules
  /** Groups of a project. */
  maxGroups: number
}

/** Consumer groups as agents know them: competing members, acknowledgement, redelivery, dead letters. */
export class Groups {
  readonly #options: GroupsOptions
  readonly #desks = new Map<string, Known>()
  #delivered = 0

  constructor (options: GroupsOptions) {
    this.#options = options
  }

  /** Events in answers that were written out. */
  get delivered (): number {
    return this.#delivered
  }

  /** Makes a group. Throws `VAL_001` when one of the name listens for something else or goes by other rules. */
  async define (project: string, name: string, { since, ...definition }: { since: string | undefined, listensFor: SubscriptionQuery, createdBy: string } & Partial<GroupRules>): Promise<{ created: boolean, state: GroupState }> {
    const asked = { ...this.#options.rules, ...definition }
    const { created, definition: known } = await this.#open(project, name, asked, since)
    checkSubscription(name, known, definition.listensFor)
    if (!created && (known.ackWaitSeconds !== asked.ackWaitSeconds || known.maxDeliveries !== asked.maxDeliveries) && (definition.ackWaitSeconds ?? definition.maxDeliveries) !== undefined) {
      throw apiError('VAL_001', `The group '${name}' is there already with other rules; delete it first.`, { details: { issues: [{ path: 'group', message: 'goes by other rules' }] } })
    }
    return { created, state: await this.get(project, name) }
  }

  async wait ({ timeoutMs, ...query }: GroupQuery & { timeoutMs: number }): Promise<GroupWaited> {
    const { end, release } = this.#options.held.take(query.signal, query.reader)
    try {
      const desk = await this.#join(query)
      const { agent_id: member, agent_type: agentType } = query.reader
      const taken = await desk.take({ member, agentType, limit: query.limit, withinMs: timeoutMs, signal: end.signal })
      const page = await this.#pageOf(query, taken)
      return {
        page,
        timedOut: page.events.length === 0,
        delivered: async () => { this.#delivered += page.events.length },
        lost: async () => {
          await desk.giveBack(member, taken.deliveries)
          desk.noteChange()
        }
      }
    } finally {
      release()
    }
  }

  /** Events as they come, at most `limit` of them without an acknowledgement. An empty page says that all is quiet. */
  async * stream ({ quietMs, ...query }: GroupQuery & { quietMs: number }): AsyncGenerator<StreamPage> {
    const { end, release } = this.#options.held.take(query.signal, query.reader)
    let unwatch: (() => void) | undefined
    try {
      const desk = await this.#join(query)
      const { agent_id: member, agent_type: agentType } = query.reader
      const bell = createBell()
      unwatch = desk.watch(bell.ring)
      let cursor = await this.#latest(query.project)
      // The head of the answer must not wait for the first event.
      yield { entries: [], cursor }
      while (!end.signal.aborted) {
        const room = query.limit - await this.#heldBy(query, member)
        if (room <= 0) {
          await bell.rung(end.signal, quietMs)
          yield { entries: [], cursor }
          continue
        }
        const { deliveries, missed } = await desk.take({ member, agentType, limit: room, withinMs: quietMs, signal: end.signal })
        if (end.signal.aborted) {
          await desk.giveBack(member, deliveries)
          return
        }
        const entries = deliveries.map(({ event, position }) => ({ event, cursor: toCursor(position) }))
        cursor = entries.at(-1)?.cursor ?? cursor
        this.#delivered += entries.length
        yield { entries, cursor, ...(missed > 0 ? { gap: { missed } } : {}) }
      }
    } finally {
      unwatch?.()
      release()
    }
  }

  /** Resolves to the ids that the group had handed out, and that are done with now. Durable. */
  async acknowledge (project: string, group: string, eventIds: readonly string[]): Promise<string[]> {
    return await this.#about(project, group, async ({ desk }) => {
      const settled = await this.#options.bus.settle(project, group, eventIds)
      desk.noteChange()
      return settled
    })
  }

  /** Gives back what a member could not handle; without `delayMs` it waits longer after each attempt. */
  async refuse (project: string, group: string, { member, eventIds, delayMs, error }: { member: string, eventIds: readonly string[], delayMs: number | undefined, error: string | undefined }): Promise<string[]> {
    return await this.#about(project, group, async ({ desk, definition }) => {
      const now = this.#options.clock()
      const given = await this.#options.bus.hold(project, group, {
        member,
        event_ids: eventIds,
        until: (attempt) => now + (delayMs ?? backOffMs(definition, attempt)),
        release: 'failed',
        ...(error === undefined ? {} : { error })
      })
      desk.noteChange()
      return given
    })
  }

  /** Lets a member go on with what it holds, from now for as long as an attempt may take, or for `forMs`. */
  async extend (project: string, group: string, { member, eventIds, forMs }: { member: string, eventIds: readonly string[], forMs: number | undefined }): Promise<string[]> {
    return await this.#about(project, group, async ({ desk, definition }) => {
      const now = this.#options.clock()
      const held = await this.#options.bus.hold(project, group, { member, event_ids: eventIds, until: (attempt) => now + (forMs ?? holdMs(definition, attempt)) })
      desk.noteChange()
      return held
    })
  }

  async list (project: string): Promise<GroupState[]> {
    const groups = await this.#options.bus.groups(project)
    return groups.flatMap((facts) => {
      const definition = definitionOf(facts.purpose)
      return definition === undefined ? [] : [this.#stateOf(project, facts, definition)]
    })
  }

  /** Throws `NOT_001` when there is none. */
  async get (project: string, name: string): Promise<GroupState> {
    const state = (await this.list(project)).find(({ group }) => group === name)
    if (state === undefined) throw unknownGroup(name)
    return state
  }

  async remove (project: string, name: string): Promise<void> {
    if (await this.#find(project, name) === undefined) throw unknownGroup(name)
    await this.#options.bus.closeGroup(project, name)
    await this.#dismiss(project, name)
  }

  /** Puts an event before a group once more. */
  async offer (project: string, name: string, event: SidecarEvent): Promise<void> {
    await this.#about(project, name, async ({ desk }) => {
      await this.#options.bus.offer(project, name, event)
      desk.serve()
    })
  }

  /** Takes up what members of an earlier life of the server have left. */
  async resume (projects: readonly string[]): Promise<void> {
    for (const project of projects) {
      for (const { group, purpose, held } of await this.#options.bus.groups(project)) {
        const definition = definitionOf(purpose)
        if (definition !== undefined && held.length > 0) this.#deskOf(project, group, definition).desk.serve()
      }
    }
  }

  async close (): Promise<void> {
    for (const { desk } of this.#desks.values()) await desk.close()
    this.#desks.clear()
  }

  async #join ({ project, group, reader, listensFor, since }: GroupQuery): Promise<GroupDesk> {
    const { definition } = await this.#open(project, group, { ...this.#options.rules, listensFor, createdBy: reader.agent_id }, since)
    checkSubscription(group, definition, listensFor)
    return this.#deskOf(project, group, definition).desk
  }

  async #open (project: string, name: string, asked: Omit<GroupDefinition, 'createdAt'>, since: string | undefined): Promise<{ created: boolean, definition: GroupDefinition }> {
    const { bus, clock, maxGroups } = this.#options
    const known = await this.#find(project, name)
    if (known !== undefined) return { created: false, definition: known }
    const count = (await bus.groupNames(project)).length
    if (count >= maxGroups) throw apiError('VAL_001', `The project has ${count} groups, which is its bound (events.max_groups); delete one first.`)
    // A group that listens for nonsense must not come to be.
    parseSubscription(asked.listensFor)
    const after = await resolveSince(bus, project, since ?? 'earliest')
    const { created, purpose } = await bus.openGroup(project, name, { after, purpose: purposeOf({ ...asked, createdAt: new Date(clock()).toISOString() }) })
    const definition = definitionOf(purpose)
    if (definition === undefined) throw unknownGroup(name)
    return { created, definition }
  }

  async #find (project: string, name: string): Promise<GroupDefinition | undefined> {
    const found = await this.#options.bus.findGroup(project, name)
    return found === undefined ? undefined : definitionOf(found.purpose)
  }

  /** Asks the bus for something about a group; `NOT_001` when there is no such group, or not any more. */
  async #about<Answer> (project: string, name: string, ask: (known: Known) => Promise<Answer>): Promise<Answer> {
    const known = await this.#desks.get(keyOf(project, name)) ?? await this.#lookUp(project, name)
    try {
      return await ask(known)
    } catch (error) {
      if (codeOf(error) !== 'NOT_001') throw error
      await this.#dismiss(project, name)
      throw unknownGroup(name)
    }
  }

  async #lookUp (project: string, name: string): Promise<Known> {
    const definition = await this.#find(project, name)
    if (definition === undefined) throw unknownGroup(name)
    return this.#deskOf(project, name, definition)
  }

  #deskOf (project: string, group: string, definition: GroupDefinition): Known {
    const { bus, hub, clock, log } = this.#options
    const key = keyOf(project, group)
    const present = this.#desks.get(key)
    // Another process may have deleted it and made it anew.
    if (present !== undefined && present.definition.createdAt === definition.createdAt) return present
    present?.desk.close().catch((error: unknown) => log.warn({ project, group, reason: messageOf(error) }, 'a group could not be let go of'))
    const known: Known = {
      definition,
      desk: new GroupDesk({ bus, hub, clock, log, project, group, rules: definition, subscription: parseSubscription(definition.listensFor) })
    }
    this.#desks.set(key, known)
    return known
  }

  async #dismiss (project: string, group: string): Promise<void> {
    const key = keyOf(project, group)
    const known = this.#desks.get(key)
    this.#desks.delete(key)
    await known?.desk.close()
  }

  async #heldBy ({ project, group }: GroupQuery, member: string): Promise<number> {
    const found = await this.#options.bus.findGroup(project, group)
    if (found === undefined) throw unknownGroup(group)
    return found.held.filter((held) => held.member === member).length
  }

  async #latest (project: string): Promise<string> {
    return toCursor((await this.#options.bus.locate(project, { at: 'latest' }))!)
  }

  async #pageOf ({ project, limit }: GroupQuery, { deliveries, missed }: Taken): Promise<GroupPage> {
    const last = deliveries.at(-1)
    return {
      events: deliveries.map(({ event }) => event),
      deliveries: deliveries.map(({ event, attempt, deadline, last_error: error }) => ({
        event_id: event.event_id, attempt, ack_by: new Date(deadline).toISOString(), ...(error === undefined ? {} : { last_error: error })
      })),
      more_available: deliveries.length === limit,
      next_cursor: last === undefined ? await this.#latest(project) : toCursor(last.position),
      ...(missed > 0 ? { gap: { missed } } : {})
    }
  }

  #stateOf (project: string, { group, lag, held }: GroupFacts, definition: GroupDefinition): GroupState {
    const { types, topic, filter } = parseSubscription(definition.listensFor)
    const waiting = new Set((this.#desks.get(keyOf(project, group))?.desk.waiting ?? []).map(({ member }) => member))
    const pending = new Map<string, number>()
    for (const { member } of held) if (member !== null) pending.set(member, (pending.get(member) ?? 0) + 1)
    return {
      group,
      types: types === undefined ? null : [...types].sort(),
      topic: topic ?? null,
      filter: filter?.text ?? null,
      ack_wait_seconds: definition.ackWaitSeconds,
      max_deliveries: definition.maxDeliveries,
      lag,
      pending: held.length,
      members: [...new Set([...pending.keys(), ...waiting])].sort().map((member) => ({ member, pending: pending.get(member) ?? 0, waiting: waiting.has(member) })),
      created_by: definition.createdBy,
      created_at: definition.createdAt
    }
  }
}

function keyOf (project: string, group: string): string {
  return `${project}/${group}`
}

function unknownGroup (name: string): Error {
  return apiError('NOT_001', `There is no group '${name}'; the first wait with group=${name} makes it.`)
}
