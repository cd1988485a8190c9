import type { Clock } from '../../contracts/common.js'

export interface BoundLimits {
  /** Agents that rules start for one correlation, in all. */
  max_per_correlation: number
  /** And for a project within an hour. */
  max_per_hour: number
}

/** The start of one agent by a rule. */
export interface TriggeredStart {
  rule: string
  event_id: string
  /** Of the agent among those that the rule starts for an event. */
  index: number
  correlation: string
  dedupe_key?: string
  /** Ms since the epoch. */
  at: number
}

/** What a rule wants to do now. */
export interface Wish {
  rule: { name: string, maxRounds: number, maxDepth: number, cooldownMs: number }
  event_id: string
  correlation: string
  /** Of the agents that would be started: how many triggers lie behind them. */
  depth: number
  /** Agents that are still to be started for the event. */
  count: number
}

export type BoundName = 'max_depth' | 'max_rounds' | 'cooldown' | 'max_per_correlation' | 'max_per_hour'

export interface Breach {
  bound: BoundName
  reason: string
}

interface Round { agents: number, at: number }
interface Correlation { agents: number, rounds: Map<string, Map<string, Round>> }

const HOUR_MS = 3_600_000
/** The oldest starts of a project are forgotten beyond it; the bus keeps fewer events by default, and no event comes again that it has let go. */
const MOST_STARTS = 50_000

/** What the rules of one project have started, and whether they may start more. Any chain of events meets one of the bounds. */
export class Bounds {
  readonly #limits: BoundLimits
  readonly #clock: Clock
  /** Oldest first. */
  readonly #starts = new Map<string, TriggeredStart>()
  readonly #correlations = new Map<string, Correlation>()
  /** The event that a rule has used a key for. */
  readonly #keys = new Map<string, string>()

  constructor (limits: BoundLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  /** Notes a start, once; the function that it gives takes that back. */
  note (start: TriggeredStart): () => void {
    const id = idOf(start)
    if (this.#starts.has(id)) return () => {}
    this.#starts.set(id, start)
    const correlation = this.#correlations.get(start.correlation) ?? { agents: 0, rounds: new Map<string, Map<string, Round>>() }
    this.#correlations.set(start.correlation, correlation)
    correlation.agents++
    const rounds = correlation.rounds.get(start.rule) ?? new Map<string, Round>()
    correlation.rounds.set(start.rule, rounds)
    const round = rounds.get(start.event_id) ?? { agents: 0, at: start.at }
    rounds.set(start.event_id, { agents: round.agents + 1, at: Math.max(round.at, start.at) })
    if (start.dedupe_key !== undefined) this.#keys.set(keyOf(start.rule, start.dedupe_key), start.event_id)
    if (this.#starts.size > MOST_STARTS) this.#forget(this.#starts.values().next().value!)
    return () => this.#forget(start)
  }

  /** Whether this agent of the rule was started for the event already. */
  hasStarted (start: Pick<TriggeredStart, 'rule' | 'event_id' | 'index'>): boolean {
    return this.#starts.has(idOf(start))
  }

  /** The other event that the rule has started agents for under the key. */
  startedUnder (rule: string, key: string, eventId: string): string | undefined {
    const other = this.#keys.get(keyOf(rule, key))
    return other === eventId ? undefined : other
  }

  /** The first bound that a wish would break. */
  refuse ({ rule, event_id: eventId, correlation, depth, count }: Wish): Breach | undefined {
    const { max_per_correlation: perCorrelation, max_per_hour: perHour } = this.#limits
    const now = this.#clock()
    if (depth > rule.maxDepth) return { bound: 'max_depth', reason: `${depth} triggers would lie behind one another, and ${rule.maxDepth} may` }
    const known = this.#correlations.get(correlation)
    const others = [...known?.rounds.get(rule.name) ?? []].filter(([other]) => other !== eventId).map(([, round]) => round)
    if (others.length >= rule.maxRounds) return { bound: 'max_rounds', reason: `the rule has started agents for ${others.length === 1 ? 'an event' : `${others.length} events`} of '${correlation}', which is its bound` }
    const last = Math.max(-Infinity, ...others.map(({ at }) => at))
    // A clock that was set back makes nobody wait for longer than the cooldown.
    if (rule.cooldownMs > 0 && last + rule.cooldownMs > now && last <= now) return { bound: 'cooldown', reason: `the rule has started agents for '${correlation}' within the last ${rule.cooldownMs / 1000} s` }
    const agents = known?.agents ?? 0
    if (agents + count > perCorrelation) return { bound: 'max_per_correlation', reason: `triggers have started ${agents} agents for '${correlation}', and ${perCorrelation} is the bound (triggers.max_per_correlation)` }
    const recent = this.#startsSince(now - HOUR_MS)
    if (recent + count > perHour) return { bound: 'max_per_hour', reason: `triggers have started ${recent} agents of the project within an hour, and ${perHour} is the bound (triggers.max_per_hour)` }
    return undefined
  }

  #startsSince (time: number): number {
    let count = 0
    for (const { at } of this.#starts.values()) if (at > time) count++
    return count
  }

  #forget (start: TriggeredStart): void {
    if (!this.#starts.delete(idOf(start))) return
    const correlation = this.#correlations.get(start.correlation)!
    correlation.agents--
    const rounds = correlation.rounds.get(start.rule)!
    const round = rounds.get(start.event_id)!
    round.agents--
    if (round.agents === 0) {
      rounds.delete(start.event_id)
      if (start.dedupe_key !== undefined && this.#keys.get(keyOf(start.rule, start.dedupe_key)) === start.event_id) this.#keys.delete(keyOf(start.rule, start.dedupe_key))
    }
    if (rounds.size === 0) correlation.rounds.delete(start.rule)
    if (correlation.agents === 0) this.#correlations.delete(start.correlation)
  }
}

// Neither a rule's name nor an event's id holds a line break.
function idOf ({ rule, event_id: event, index }: Pick<TriggeredStart, 'rule' | 'event_id' | 'index'>): string {
  return `${rule}\n${event}\n${index}`
}

function keyOf (rule: string, key: string): string {
  return `${rule}\n${key}`
}
