import type { EventBus, ResultRecord, SidecarEvent } from '../../../../core/contracts/index.js'
import { apiError } from '../../../../core/errors.js'
import { Events } from '../../../../core/events/events.js'
import type { AgentRecord } from '../../../../core/fleet/agent-record.js'
import type { FleetProject } from '../../../../core/fleet/fleet-options.js'
import type { SpawnBody } from '../../../../core/fleet/spawn-request.js'
import { parseRules } from '../../../../core/fleet/triggers/definition.js'
import { Triggers, type TriggerLimits } from '../../../../core/fleet/triggers/engine.js'
import { createTestClock, type TestClock } from '../../../../core/testing/clock.js'
import { eventually } from '../../../../core/testing/expectations.js'
import { silentLog } from '../../../../core/testing/log.js'
import { createMemoryBus } from '../../../../plugins/events/memory.js'

interface Teardown { teardown (handler: () => Promise<void>): unknown }

export const PROJECT = 'shop'
export const NEIGHBOUR = 'shop-2'

export interface Stage {
  bus: EventBus
  clock: TestClock
  /** What was started, in order. */
  agents: AgentRecord[]
  results: ResultRecord[]
  /** Thrown by the next starts, one each. */
  faults: Error[]
  /** Triggers over the same bus and agents as all others of the stage. */
  open (changes?: { bus?: EventBus, limits?: Partial<TriggerLimits> }): Triggers
  publish (type: string, more?: Partial<SidecarEvent>, project?: string): Promise<string>
  /** All retained events of a type. */
  events (type: string, project?: string): Promise<SidecarEvent[]>
  /** Resolves when no rule of the project has anything left to look at. */
  settled (triggers: Triggers, project?: string): Promise<void>
}

/** Triggers over a bus in memory, and agents that are only records. */
export function createStage (t: Teardown, { onStart }: { onStart? (agent: AgentRecord, stage: Stage): Promise<unknown> } = {}): Stage {
  const clock = createTestClock()
  const bus = createMemoryBus({ clock, retention: { age: 86_400_000, count: 10_000 }, log: silentLog })
  const events = new Events({ bus, clock, maxWaits: 10, maxRounds: 50, log: silentLog, groups: { rules: { ackWaitSeconds: 30, maxDeliveries: 5 }, maxGroups: 10 }, subscribedAgents: () => [] })
  const agents: AgentRecord[] = []
  const results: ResultRecord[] = []
  const faults: Error[] = []
  const fleet = {
    async enqueue ({ id: project }: FleetProject, body: SpawnBody): Promise<AgentRecord> {
      const fault = faults.shift()
      if (fault !== undefined) throw fault
      const agent = { ...body, agent_id: `agent-${agents.length}`, project_id: project, state: 'running', created_at: new Date(clock()).toISOString() } as unknown as AgentRecord
      agents.push(agent)
      await onStart?.(agent, stage)
      return agent
    },
    depthOf: (project: string, id: string) => agents.find((agent) => agent.agent_id === id && agent.project_id === project)?.depth ?? 0,
    list: (project: string | undefined, filter: { agent_type?: string, issue_id?: string }) => agents.filter((agent) => agent.project_id === project &&
      (filter.agent_type === undefined || agent.agent_type === filter.agent_type) && (filter.issue_id === undefined || agent.issue_id === filter.issue_id)).reverse()
  }
  const stage: Stage = {
    bus,
    clock,
    agents,
    results,
    faults,
    open ({ bus: other = bus, limits = {} } = {}) {
      const triggers = new Triggers({
        bus: other,
        events,
        fleet,
        store: {
          list: async (project, { issue_id: issue, agent_type: type, status }) => ({
            results: results.filter((result) => result.project_id === project && result.issue_id === issue && result.agent_type === type && result.status === status)
          })
        },
        project: (id) => ({ id, root: '/', profile: () => { throw apiError('AGT_002', 'None.') }, findProfile: () => undefined }),
        limits: { dry_run: false, max_per_correlation: 50, max_per_hour: 200, retry_seconds: [1, 5], ...limits },
        clock,
        log: silentLog
      })
      t.teardown(async () => await triggers.close())
      return triggers
    },
    async publish (type, more = {}, project = PROJECT) {
      const { event } = await bus.append(project, { event_type: type, publisher: 'ada', publisher_type: 'operator', topic: 'coordination', data: { issue_id: 'issue-1' }, ttl_seconds: 3600, ...more })
      return event.event_id
    },
    async events (type, project = PROJECT) {
      const after = (await bus.locate(project, { at: 'earliest' }))!
      return (await bus.read(project, { after, limit: 1000 })).items.map(({ event }) => event).filter((event) => event.event_type === type)
    },
    async settled (triggers, project = PROJECT) {
      const rules = new Set(triggers.list(project).map(({ name }) => `trigger:${name}`))
      await eventually(async () => {
        // What a rule does not want wakes nobody.
        for (const group of rules) triggers.wake(project, group)
        return (await bus.groups(project)).every(({ group, lag, held }) => !rules.has(group) || (lag === 0 && held.length === 0))
      }, 'every rule has looked at all events')
    }
  }
  return stage
}

export function rulesOf (...triggers: object[]): ReturnType<typeof parseRules> {
  return parseRules([{ origin: 'the test', value: { triggers } }])
}

/** A rule that starts one agent. */
export function rule (on: string, agentType: string, more: object = {}): object {
  return { name: `${on === '*' ? 'any' : on}-${agentType}`, on: { type: on }, spawn: [{ agent_type: agentType, task: 'Do {{data.issue_id}} after {{event_type}}.' }], ...more }
}
