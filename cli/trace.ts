import type { Client } from './client.js'
import type { EventFacts } from './event-facts.js'
import { allOf } from './history.js'
import { counted, duration, oneLine, time } from './output.js'
import type { Colors } from './terminal.js'

/** Events of a conversation, and those that it leads to or comes from. */
export interface Trace {
  correlation_id: string
  /** Oldest first. */
  events: EventFacts[]
  roots: TraceNode[]
}

export interface TraceNode {
  event_id: string
  /** Whether it belongs to another conversation, or to none. */
  outside: boolean
  /** Milliseconds since the event that it follows; of a root since the one before it. */
  after_ms: number | null
  children: TraceNode[]
}

/** What a filter of 1,024 characters holds of ids of 128. */
const AT_ONCE = 7
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** Reads a conversation, and one step beyond it on both sides. */
export async function readTrace (client: Client, correlation: string): Promise<Trace> {
  const inside = await allOf(client, { correlation_id: correlation })
  const known = new Map(inside.map((event) => [event.event_id, event]))
  const causes = [...new Set(inside.map(({ references }) => references))].filter((id) => id !== undefined && !known.has(id))
  const found = [
    ...await lookUp(client, 'event_id', causes.filter((id) => id !== undefined)),
    ...await lookUp(client, 'references', [...known.keys()])
  ]
  for (const event of found) known.set(event.event_id, event)
  const events = [...known.values()].sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp) || (a.event_id < b.event_id ? -1 : 1))
  return { correlation_id: correlation, events, roots: treeOf(events, correlation) }
}

async function lookUp (client: Client, field: string, ids: readonly string[]): Promise<EventFacts[]> {
  const askable = ids.filter((id) => ID.test(id))
  const found: EventFacts[] = []
  for (let start = 0; start < askable.length; start += AT_ONCE) {
    found.push(...await allOf(client, { filter: `${field}:${askable.slice(start, start + AT_ONCE).join('|')}` }))
  }
  return found
}

/** Each event below the one that it refers to; events that refer to each other in a ring begin at the oldest. */
export function treeOf (events: readonly EventFacts[], correlation: string): TraceNode[] {
  const byId = new Map(events.map((event) => [event.event_id, event]))
  const isRoot = ({ references: id, event_id: own }: EventFacts): boolean => id === undefined || id === own || !byId.has(id)
  const below = new Map<string, EventFacts[]>()
  for (const event of events) if (!isRoot(event)) below.set(event.references!, [...below.get(event.references!) ?? [], event])
  const placed = new Set<string>()
  const place = (event: EventFacts, before: EventFacts | undefined): TraceNode => {
    placed.add(event.event_id)
    const children = (below.get(event.event_id) ?? []).filter(({ event_id: id }) => !placed.has(id)).map((child) => place(child, event))
    return {
      event_id: event.event_id,
      outside: event.correlation_id !== correlation,
      after_ms: before === undefined ? null : Date.parse(event.timestamp) - Date.parse(before.timestamp),
      children
    }
  }
  const roots: TraceNode[] = []
  let before: EventFacts | undefined
  for (const event of [...events.filter(isRoot), ...events]) {
    if (placed.has(event.event_id)) continue
    roots.push(place(event, before))
    before = event
  }
  return roots
}

/** The conversation as a tree, one event on a line. */
export function drawTrace ({ correlation_id: correlation, events, roots }: Trace, colors: Colors): string {
  const byId = new Map(events.map((event) => [event.event_id, event]))
  const inside = events.filter((event) => event.correlation_id === correlation)
  const lines: string[] = [headOf(correlation, inside, colors)]
  const draw = (node: TraceNode, indent: string, branch: string): void => {
    lines.push(`${colors.dim(indent + branch)}${lineOf(byId.get(node.event_id)!, node, colors)}`)
    const inner = branch === '' ? indent : indent + (branch === '└─ ' ? '   ' : '│  ')
    node.children.forEach((child, index) => { draw(child, inner, index === node.children.length - 1 ? '└─ ' : '├─ ') })
  }
  for (const root of roots) draw(root, '', '')
  return lines.join('\n')
}

function headOf (correlation: string, events: readonly EventFacts[], colors: Colors): string {
  const times = events.map(({ timestamp }) => Date.parse(timestamp))
  const rounds = events.flatMap(({ round }) => (round === undefined ? [] : [round]))
  const facts = [
    counted(events.length, 'event'),
    ...rounds.length === 0 ? [] : [rounds.length === 1 || Math.min(...rounds) === Math.max(...rounds) ? `round ${rounds[0]!}` : `rounds ${Math.min(...rounds)} to ${Math.max(...rounds)}`],
    counted(new Set(events.map(({ publisher }) => publisher)).size, 'agent'),
    duration(Math.max(...times) - Math.min(...times))
  ]
  return `${colors.bold(oneLine(correlation))}: ${facts.join(', ')}`
}

function lineOf (event: EventFacts, { outside, after_ms: after }: TraceNode, colors: Colors): string {
  const parts = [
    colors.dim(after === null ? time(event.timestamp) : `+${duration(Math.max(0, after))}`),
    colors.bold(oneLine(event.event_type)),
    ...event.round === undefined ? [] : [colors.yellow(`round ${event.round}`)],
    colors.cyan(oneLine(event.publisher)),
    colors.dim(oneLine(event.event_id)),
    ...outside ? [colors.dim(event.correlation_id === undefined ? '(of no conversation)' : `(of ${oneLine(event.correlation_id)})`)] : [],
    ...event.replay_of === undefined ? [] : [colors.dim(`(replay of ${oneLine(event.replay_of)})`)]
  ]
  return parts.join('  ')
}
