import type { Clock } from '../contracts/common.js'
import type {
  ClaimQuery, Delivery, EventBus, GroupClaim, GroupFacts, HeldEvent, HoldChange, PlacedEvent, Position, SidecarEvent
} from '../contracts/event-bus.js'
import { apiError } from '../errors.js'

/** One event that a group has handed out and not settled. */
export interface HeldRecord {
  event_id: string
  member: string | null
  attempt: number
  /** Milliseconds since the epoch. */
  deadline: number
  /** How long before `deadline` the event was taken, milliseconds. */
  hold_ms: number
  last_error?: string
}

/** Everything that happens to a group; the state is what these amount to, one after the other. */
export type GroupChange =
  | { kind: 'open', project_id: string, group: string, after: Position, purpose: string }
  | { kind: 'repurpose', project_id: string, group: string, purpose: string }
  | { kind: 'claim', project_id: string, group: string, after: Position, held: HeldRecord[] }
  | { kind: 'hold', project_id: string, group: string, member: string, held: HeldRecord[] }
  | { kind: 'settle', project_id: string, group: string, event_ids: string[] }
  | { kind: 'offer', project_id: string, group: string, event: SidecarEvent, held: HeldRecord }
  | { kind: 'close', project_id: string, group: string }

export interface ConsumerGroupsOptions {
  /** The bus whose events are handed out. */
  bus: Pick<EventBus, 'read' | 'locate'>
  clock: Clock
  /** Makes a change durable, calls `apply` with it, and resolves; by default it is only applied. */
  commit? (change: GroupChange): Promise<void>
}

interface Held extends HeldRecord {
  /** The event while this process knows it. */
  placed?: PlacedEvent
  /** Where the event is kept with the group, because it was put before it once more. */
  own?: SidecarEvent
}

interface Group {
  purpose: string
  after: Position
  /** By event id, in the order in which they were first handed out. */
  held: Map<string, Held>
  /** One claim after the other. */
  claiming: Promise<unknown>
}

/** The part of an event bus that is about groups. */
export type GroupCalls = Pick<EventBus, 'openGroup' | 'repurposeGroup' | 'claim' | 'settle' | 'hold' | 'offer' | 'groupNames' | 'findGroup' | 'groups' | 'closeGroup'>

const PAGE = 500
/** Events in the hands of one group's members; beyond it nothing new is handed out. */
const MAX_HELD = 10_000
const MAX_SPENT = 100
const MAX_LAG = 10_000

/**
 * Consumer groups for an event bus that has none of its own and serves one process. The calls of the contract are its
 * methods; `apply` and `snapshot` are for a bus that keeps the changes in a file.
 */
export class ConsumerGroups {
  readonly #bus: ConsumerGroupsOptions['bus']
  readonly #clock: Clock
  readonly #commit: (change: GroupChange) => Promise<void>
  readonly #projects = new Map<string, Map<string, Group>>()

  constructor ({ bus, clock, commit = async (change) => { this.apply(change) } }: ConsumerGroupsOptions) {
    this.#bus = bus
    this.#clock = clock
    this.#commit = commit
  }

  /** The fewest changes that amount to the present state. */
  * snapshot (): Generator<GroupChange> {
    for (const [project, groups] of this.#projects) {
      for (const [group, { purpose, after, held }] of groups) {
        const at = { project_id: project, group }
        yield { kind: 'open', ...at, after, purpose }
        for (const each of held.values()) {
          yield each.own === undefined
            ? { kind: 'claim', ...at, after, held: [recordOf(each)] }
            : { kind: 'offer', ...at, event: each.own, held: recordOf(each) }
        }
      }
    }
  }

  /** Sends groups whose place is not one of the log any more back to its beginning; resolves to how many these were. */
  async startOver (isOfLog: (project: string, position: Position) => boolean): Promise<number> {
    let count = 0
    for (const [project, groups] of this.#projects) {
      for (const group of groups.values()) {
        if (isOfLog(project, group.after)) continue
        group.after = (await this.#bus.locate(project, { at: 'earliest' }))!
        for (const [id, { own }] of group.held) if (own === undefined) group.held.delete(id)
        count++
      }
    }
    return count
  }

  async openGroup (project: string, name: string, { after, purpose }: { after: Position, purpose: string }): Promise<{ created: boolean, purpose: string }> {
    const known = this.#find(project, name)
    if (known !== undefined) return { created: false, purpose: known.purpose }
    // Applied before it is durable, so that of two calls at once one finds what the other makes.
    const change: GroupChange = { kind: 'open', project_id: project, group: name, after, purpose }
    this.apply(change)
    try {
      await this.#commit(change)
    } catch (error) {
      this.apply({ kind: 'close', project_id: project, group: name })
      throw error
    }
    return { created: true, purpose }
  }

  async repurposeGroup (project: string, name: string, purpose: string): Promise<void> {
    this.#get(project, name)
    await this.#commit({ kind: 'repurpose', project_id: project, group: name, purpose })
  }

  async claim (project: string, name: string, query: ClaimQuery): Promise<GroupClaim> {
    const group = this.#get(project, name)
    const claimed = group.claiming.then(async () => await this.#claimNext(project, name, group, query))
    group.claiming = claimed.catch(() => {})
    return await claimed
  }

  async settle (project: string, name: string, eventIds: readonly string[]): Promise<string[]> {
    const { held } = this.#get(project, name)
    const ids = [...new Set(eventIds)].filter((id) => held.has(id))
    if (ids.length > 0) await this.#commit({ kind: 'settle', project_id: project, group: name, event_ids: ids })
    return ids
  }

  async hold (project: string, name: string, { member, event_ids: ids, until, release, error }: HoldChange): Promise<string[]> {
    const { held } = this.#get(project, name)
    const now = this.#clock()
    const changed = [...new Set(ids)].flatMap((id): HeldRecord[] => {
      const known = held.get(id)
      if (known?.member !== member) return []
      const { last_error: _before, ...record } = recordOf(known)
      const deadline = until(known.attempt)
      return [{
        ...record,
        member: release === undefined ? member : null,
        attempt: release === 'unseen' ? known.attempt - 1 : known.attempt,
        deadline,
        hold_ms: Math.max(0, deadline - now),
        ...(error === undefined ? {} : { last_error: error })
      }]
    })
    if (changed.length > 0) await this.#commit({ kind: 'hold', project_id: project, group: name, member, held: changed })
    return changed.map(({ event_id: id }) => id)
  }

  async offer (project: string, name: string, event: SidecarEvent): Promise<void> {
    this.#get(project, name)
    const held: HeldRecord = { event_id: event.event_id, member: null, attempt: 0, deadline: this.#clock(), hold_ms: 0 }
    await this.#commit({ kind: 'offer', project_id: project, group: name, event: structuredClone(event), held })
  }

  groupNames (project: string): string[] {
    return [...this.#projects.get(project)?.keys() ?? []].sort()
  }

  findGroup (project: string, name: string): { purpose: string, held: HeldEvent[] } | undefined {
    const group = this.#find(project, name)
    return group === undefined ? undefined : { purpose: group.purpose, held: heldOf(group) }
  }

  async groups (project: string): Promise<GroupFacts[]> {
    const groups = [...this.#projects.get(project) ?? []].sort(([a], [b]) => (a < b ? -1 : 1))
    return await Promise.all(groups.map(async ([name, group]) => ({
      group: name,
      purpose: group.purpose,
      lag: await this.#lag(project, group.after),
      held: heldOf(group)
    })))
  }

  async closeGroup (project: string, name: string): Promise<boolean> {
    if (this.#find(project, name) === undefined) return false
    await this.#commit({ kind: 'close', project_id: project, group: name })
    return true
  }

  async #claimNext (project: string, name: string, group: Group, query: ClaimQuery): Promise<GroupClaim> {
    const freed = await this.#freed(project, group, query)
    const fresh = await this.#fresh(project, group, query, query.limit - freed.deliveries.length)
    const deliveries = [...freed.deliveries, ...fresh.deliveries]
    if (freed.gone.length > 0) await this.#commit({ kind: 'settle', project_id: project, group: name, event_ids: freed.gone })
    const taken = [...deliveries, ...freed.spent]
    const change: GroupChange = {
      kind: 'claim',
      project_id: project,
      group: name,
      after: fresh.after,
      held: [
        ...deliveries.map((delivery) => heldBy(query, delivery)),
        // What went wrong is still wanted of these; of the others it is over with the new attempt.
        ...freed.spent.map((delivery) => ({ ...heldBy(query, delivery), ...errorOf(delivery) }))
      ]
    }
    // How far the group has come without a find may be found out again after a crash.
    if (taken.length > 0) await this.#commit(change)
    else this.apply(change)
    for (const { event, position } of taken) {
      const held = group.held.get(event.event_id)
      if (held !== undefined) held.placed = { event, position }
    }
    return { deliveries, spent: freed.spent, missed: freed.missed + fresh.missed, next_free_at: nextFree(group) }
  }

  /** What nobody has settled in time, or gave back. */
  async #freed (project: string, group: Group, { limit, holdMs, maxAttempts, early = false }: ClaimQuery): Promise<{ deliveries: Delivery[], spent: Delivery[], gone: string[], missed: number }> {
    const now = this.#clock()
    const deliveries: Delivery[] = []
    const spent: Delivery[] = []
    const gone: string[] = []
    let missed = 0
    for (const held of [...group.held.values()]) {
      if (deliveries.length >= limit && spent.length >= MAX_SPENT) break
      // A clock that was set back makes nobody wait for longer than was meant.
      held.deadline = Math.min(held.deadline, now + held.hold_ms)
      if (held.deadline > now && !(early && held.member === null)) continue
      const isSpent = held.attempt >= maxAttempts
      if (isSpent ? spent.length >= MAX_SPENT : deliveries.length >= limit) continue
      const placed = held.placed ?? await this.#lookUp(project, group, held)
      if (placed === undefined) missed++
      if (placed === undefined || (held.own === undefined && isExpired(placed.event, now))) {
        gone.push(held.event_id)
        continue
      }
      const attempt = isSpent ? held.attempt : held.attempt + 1
      const delivery: Delivery = { ...placed, attempt, deadline: now + holdMs(attempt), ...errorOf(held) }
      ;(isSpent ? spent : deliveries).push(delivery)
    }
    return { deliveries, spent, gone, missed }
  }

  async #fresh (project: string, group: Group, { holdMs, wanted, maxHeld = MAX_HELD }: ClaimQuery, limit: number): Promise<{ deliveries: Delivery[], after: Position, missed: number }> {
    const deliveries: Delivery[] = []
    const most = Math.min(limit, Math.min(maxHeld, MAX_HELD) - group.held.size)
    let { after } = group
    let missed = 0
    // Most of what is read is wanted, or else much has to be looked through.
    for (let limit = Math.min(PAGE, 2 * most); deliveries.length < most; limit = Math.min(PAGE, 4 * limit)) {
      const page = await this.#bus.read(project, { after, limit })
      missed += page.missed
      after = page.next
      const now = this.#clock()
      for (const placed of page.items) {
        if (group.held.has(placed.event.event_id) || !wanted(placed.event)) continue
        deliveries.push({ ...placed, attempt: 1, deadline: now + holdMs(1) })
        if (deliveries.length < most) continue
        after = placed.position
        break
      }
      if (page.end) break
    }
    return { deliveries, after, missed }
  }

  /** An event that an earlier life of the process handed out. */
  async #lookUp (project: string, { after }: Group, { event_id: id, own }: Held): Promise<PlacedEvent | undefined> {
    // Of an event that is kept here the place is of no use to anybody.
    if (own !== undefined) return { event: own, position: after }
    const before = await this.#bus.locate(project, { at: 'event', event_id: id })
    if (before === undefined) return undefined
    const [found] = (await this.#bus.read(project, { after: before, limit: 1 })).items
    return found?.event.event_id === id ? found : undefined
  }

  async #lag (project: string, from: Position): Promise<number> {
    let count = 0
    for (let after = from; count < MAX_LAG;) {
      const page = await this.#bus.read(project, { after, limit: PAGE })
      count += page.items.length
      if (page.end) break
      after = page.next
    }
    return Math.min(count, MAX_LAG)
  }

  /** Takes in one change; what is told twice changes nothing. */
  apply (change: GroupChange): void {
    const groups = this.#projects.get(change.project_id) ?? new Map<string, Group>()
    this.#projects.set(change.project_id, groups)
    if (change.kind === 'open') {
      if (!groups.has(change.group)) groups.set(change.group, { purpose: change.purpose, after: change.after, held: new Map(), claiming: Promise.resolve() })
      return
    }
    if (change.kind === 'close') {
      groups.delete(change.group)
      return
    }
    const group = groups.get(change.group)
    // Closed while the change was on its way.
    if (group === undefined) return
    switch (change.kind) {
      case 'repurpose':
        group.purpose = change.purpose
        break
      case 'claim':
        group.after = change.after
        for (const record of change.held) group.held.set(record.event_id, { ...kept(group.held.get(record.event_id)), ...record })
        break
      case 'hold':
        for (const record of change.held) {
          const known = group.held.get(record.event_id)
          // Another member may have taken it while the change was on its way.
          if (known?.member === change.member) group.held.set(record.event_id, { ...kept(known), ...record })
        }
        break
      case 'settle':
        for (const id of change.event_ids) group.held.delete(id)
        break
      case 'offer':
        group.held.set(change.event.event_id, { ...change.held, own: change.event })
    }
  }

  #find (project: string, name: string): Group | undefined {
    return this.#projects.get(project)?.get(name)
  }

  #get (project: string, name: string): Group {
    const group = this.#find(project, name)
    if (group === undefined) throw apiError('NOT_001', `There is no group '${name}'.`)
    return group
  }
}

/** The calls of groups as members of an event bus. */
export function groupCalls (groups: ConsumerGroups): GroupCalls {
  return {
    openGroup: async (project, group, query) => await groups.openGroup(project, group, query),
    repurposeGroup: async (project, group, purpose) => { await groups.repurposeGroup(project, group, purpose) },
    claim: async (project, group, query) => await groups.claim(project, group, query),
    settle: async (project, group, eventIds) => await groups.settle(project, group, eventIds),
    hold: async (project, group, change) => await groups.hold(project, group, change),
    offer: async (project, group, event) => { await groups.offer(project, group, event) },
    groupNames: async (project) => groups.groupNames(project),
    findGroup: async (project, group) => groups.findGroup(project, group),
    groups: async (project) => await groups.groups(project),
    closeGroup: async (project, group) => await groups.closeGroup(project, group)
  }
}

function recordOf ({ event_id, member, attempt, deadline, hold_ms, last_error }: HeldRecord): HeldRecord {
  return { event_id, member, attempt, deadline, hold_ms, ...(last_error === undefined ? {} : { last_error }) }
}

function heldBy ({ member, holdMs }: ClaimQuery, { event, attempt, deadline }: Delivery): HeldRecord {
  return { event_id: event.event_id, member, attempt, deadline, hold_ms: holdMs(attempt) }
}

function errorOf ({ last_error }: { last_error?: string }): { last_error?: string } {
  return last_error === undefined ? {} : { last_error }
}

/** What a new record of a held event does not say anew. */
function kept (held: Held | undefined): Pick<Held, 'placed' | 'own'> {
  return {
    ...(held?.placed === undefined ? {} : { placed: held.placed }),
    ...(held?.own === undefined ? {} : { own: held.own })
  }
}

function heldOf ({ held }: Group): HeldEvent[] {
  return [...held.values()].map(({ event_id: id, member, attempt, deadline }) => ({
    event_id: id, member, attempt, deadline: new Date(deadline).toISOString()
  }))
}

function nextFree ({ held }: Group): number | null {
  let next: number | null = null
  for (const { deadline } of held.values()) next = Math.min(next ?? Infinity, deadline)
  return next
}

function isExpired ({ timestamp, ttl_seconds: ttl }: SidecarEvent, now: number): boolean {
  return Date.parse(timestamp) + ttl * 1000 <= now
}
