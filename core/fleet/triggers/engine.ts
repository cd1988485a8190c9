import { randomUUID } from 'node:crypto'
import type { Clock, EventBus, JsonObject, Logger, ResultStore, SidecarEvent } from '../../contracts/index.js'
import type { Events } from '../../events/events.js'
import type { Telemetry } from '../../telemetry.js'
import { FINAL_STATES } from '../agent-record.js'
import type { Fleet } from '../fleet.js'
import type { FleetProject } from '../fleet-options.js'
import { Bounds, type BoundLimits } from './bounds.js'
import type { Rule, RuleText } from './definition.js'
import { evaluate, look, mayTrigger, plan, type Verdict, type World } from './evaluate.js'
import { groupOf, ruleOf, RuleRunner } from './runner.js'

/** The settings of `triggers`. */
export interface TriggerLimits extends BoundLimits {
  /** Tells what would be started, and starts nothing. */
  dry_run: boolean
  /** Waits between the attempts to start the agents of an event. */
  retry_seconds: readonly number[]
}

export interface TriggersOptions {
  bus: EventBus
  events: Pick<Events, 'announce'>
  store: Pick<ResultStore, 'list'>
  fleet: Pick<Fleet, 'enqueue' | 'list' | 'depthOf'>
  project (id: string): FleetProject
  limits: TriggerLimits
  clock: Clock
  log: Logger
}

/** What became of an event that matched a rule. */
export type Outcome = 'started' | 'would_start' | 'passed' | 'refused' | 'failed'

/** A rule as it is shown; counts are those since the sidecar started. */
export interface RuleFacts {
  name: string
  rule: RuleText
  matched: number
  /** Agents. */
  started: number
  refused: number
  /** Times RFC 3339, UTC. */
  last: { event_id: string, at: string, outcome: Outcome, reason: string | null } | null
}

interface RunningRule {
  rule: Rule
  runner: RuleRunner
  facts: Pick<RuleFacts, 'matched' | 'started' | 'refused' | 'last'>
}

interface ServedRules {
  bounds: Bounds
  rules: RunningRule[]
  unsubscribe (): void
}

function count (counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}

/** What other processes leave behind is found after so long. */
const WAKE_MS = 10_000
const RESULTS_LOOKED_AT = 100
const SIDECAR = { agent_id: 'sidecar', agent_type: 'sidecar' }

/** Starts agents when events come, by the rules of each project. */
export class Triggers {
  readonly #options: TriggersOptions
  /** This process among those that share the bus. */
  readonly #member = `sidecar-${randomUUID()}`
  readonly #served = new Map<string, ServedRules>()
  readonly #timer: NodeJS.Timeout
  readonly #totals: Telemetry['triggers'] = { events: {}, refused: {}, agents: 0 }
  #isClosing = false

  constructor (options: TriggersOptions) {
    this.#options = options
    this.#timer = setInterval(() => {
      for (const { rules } of this.#served.values()) for (const { runner } of rules) runner.wake()
    }, WAKE_MS).unref()
  }

  /** Follows the rules of a project from now on; each goes on where an earlier life of it stopped. What a rule was that is gone is forgotten. */
  async serve (project: string, rules: readonly Rule[]): Promise<void> {
    const { bus } = this.#options
    const wanted = new Set(rules.map(({ name }) => groupOf(name)))
    const gone = (await bus.groupNames(project)).filter((group) => ruleOf(group) !== undefined && !wanted.has(group))
    for (const group of gone) await bus.closeGroup(project, group)
    if (rules.length === 0 || this.#isClosing) return
    const bounds = this.#boundsOf(project)
    const served: ServedRules = { bounds, rules: rules.map((rule) => this.#prepare(project, rule, bounds)), unsubscribe: () => {} }
    // Heard of before it is looked for, so that nothing slips between.
    served.unsubscribe = await bus.subscribe(project, ({ event }) => {
      for (const { runner } of served.rules) runner.hear(event)
    })
    const latest = (await bus.locate(project, { at: 'latest' }))!
    for (const { name } of rules) await bus.openGroup(project, groupOf(name), { after: latest, purpose: JSON.stringify({ kind: 'trigger', version: 1 }) })
    this.#served.set(project, served)
    for (const { runner } of served.rules) runner.start()
  }

  list (project: string): RuleFacts[] {
    return (this.#served.get(project)?.rules ?? []).map(({ rule: { name, text }, facts }) => ({ name, rule: text, ...facts }))
  }

  /** Of all projects, since the start. */
  statistics (): Telemetry['triggers'] {
    return this.#totals
  }

  /** What the rules would do about an event, now. */
  async test (project: string, event: SidecarEvent): Promise<{ name: string, verdict: Verdict }[]> {
    const served = this.#served.get(project)
    if (served === undefined) return []
    return await Promise.all(served.rules.map(async ({ rule }) => ({ name: rule.name, verdict: await evaluate(rule, event, this.#world(project, served.bounds)) })))
  }

  /** Looks at once for what was put before a rule's group again; of any other group it does nothing. */
  wake (project: string, group: string): void {
    const name = ruleOf(group)
    for (const { rule, runner } of this.#served.get(project)?.rules ?? []) if (rule.name === name) runner.wake()
  }

  /** Starts nothing more. Idempotent. */
  async close (): Promise<void> {
    this.#isClosing = true
    clearInterval(this.#timer)
    const served = [...this.#served.values()]
    this.#served.clear()
    for (const { unsubscribe } of served) unsubscribe()
    await Promise.all(served.flatMap(({ rules }) => rules).map(async ({ runner }) => await runner.stop()))
  }

  /** As the records of the agents tell. */
  #boundsOf (project: string): Bounds {
    const { fleet, limits, clock } = this.#options
    const bounds = new Bounds(limits, clock)
    for (const { trigger, issue_id: issue, correlation_id: correlation = `issue-${issue}`, created_at: created } of fleet.list(project, {}).reverse()) {
      if (trigger !== undefined) bounds.note({ ...trigger, correlation, at: Date.parse(created) })
    }
    return bounds
  }

  #prepare (project: string, rule: Rule, bounds: Bounds): RunningRule {
    const { bus, limits, clock, log } = this.#options
    const facts: RunningRule['facts'] = { matched: 0, started: 0, refused: 0, last: null }
    const note = (event: SidecarEvent, outcome: Outcome, reason: string | null = null): void => {
      count(this.#totals.events, outcome)
      facts.last = { event_id: event.event_id, at: new Date(clock()).toISOString(), outcome, reason }
    }
    const runner = new RuleRunner({
      project,
      name: rule.name,
      bus,
      member: this.#member,
      retrySeconds: limits.retry_seconds,
      clock,
      log,
      wanted: (event) => mayTrigger(event) && rule.matches(event),
      handle: async (event) => {
        facts.matched++
        const world = this.#world(project, bounds)
        // Between the plan and the start nothing is waited for, so that rules at the same time keep the bounds, too.
        const verdict = await look(rule, event, world) ?? plan(rule, event, world)
        if (verdict.outcome === 'passes') return note(event, 'passed', verdict.why)
        if (verdict.outcome === 'refused') {
          await this.#tell(project, rule, event, 'trigger_refused', { bound: verdict.bound, reason: verdict.reason })
          facts.refused++
          count(this.#totals.refused, verdict.bound)
          return note(event, 'refused', verdict.reason)
        }
        if (limits.dry_run) {
          const agents = verdict.starts.map(({ body }) => ({ agent_type: body.agent_type, issue_id: body.issue_id, task: body.task }))
          await this.#tell(project, rule, event, 'trigger_would_start', { agents })
          return note(event, 'would_start')
        }
        await this.#start(project, rule, event, verdict, bounds, () => {
          facts.started++
          this.#totals.agents++
        })
        note(event, 'started')
      },
      buried: (event, reason) => note(event, 'failed', reason)
    })
    return { rule, runner, facts }
  }

  /** Of several agents one that fails does not keep the others from being started; then all are tried again, and those that are there are known. */
  async #start (project: string, rule: Rule, event: SidecarEvent, { starts, correlation, dedupeKey }: Extract<Verdict, { outcome: 'starts' }>, bounds: Bounds, onStarted: () => void): Promise<void> {
    const { fleet, clock } = this.#options
    const outcomes = await Promise.allSettled(starts.map(async ({ index, body }) => {
      const trigger = { rule: rule.name, event_id: event.event_id, index, ...(dedupeKey === undefined ? {} : { dedupe_key: dedupeKey }) }
      // At once, so that another rule counts it before it is recorded.
      const takeBack = bounds.note({ ...trigger, correlation, at: clock() })
      try {
        await fleet.enqueue(this.#options.project(project), { ...body, trigger })
      } catch (error) {
        takeBack()
        throw error
      }
      onStarted()
    }))
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  #world (project: string, bounds: Bounds): World {
    const { fleet, store } = this.#options
    return {
      bounds,
      depthOf: (publisher) => fleet.depthOf(project, publisher),
      isRunning: (agentType, issueId) => fleet.list(project, { agent_type: agentType, issue_id: issueId }).some(({ state }) => !FINAL_STATES.has(state)),
      async hasCompleted (agentType, issueId, correlation) {
        const { results } = await store.list(project, { issue_id: issueId, agent_type: agentType, status: 'success', limit: RESULTS_LOOKED_AT })
        return results.some((result) => correlation === undefined || result.correlation_id === correlation)
      }
    }
  }

  /** Once for a rule and an event, however often that is delivered. */
  async #tell (project: string, { name }: Rule, event: SidecarEvent, type: 'trigger_refused' | 'trigger_would_start', data: JsonObject): Promise<void> {
    await this.#options.events.announce(project, SIDECAR, {
      event_type: type,
      topic: 'coordination',
      data: { rule: name, event_id: event.event_id, ...data },
      references: event.event_id,
      idempotency_key: `${type}:${name}:${event.event_id}`,
      ...(event.correlation_id === undefined ? {} : { correlation_id: event.correlation_id })
    })
  }
}
