import type { SidecarEvent } from '../../contracts/event-bus.js'
import { messageOf } from '../../errors.js'
import type { SpawnBody } from '../spawn-request.js'
import type { BoundName, Bounds } from './bounds.js'
import type { Rule } from './definition.js'

/** What a rule looks at besides the event. */
export interface World {
  bounds: Bounds
  /** How many triggers lie behind whoever published the event; 0 for an agent that was started otherwise, and for people. */
  depthOf (publisher: string): number
  /** Whether an agent of the type is queued, starting or running on the issue. */
  isRunning (agentType: string, issueId: string): boolean
  /** Whether an agent of the type has stored a successful result for the issue, and of the correlation where one is given. */
  hasCompleted (agentType: string, issueId: string, correlation: string | undefined): Promise<boolean>
}

/** One agent that is to be started. */
export interface PlannedStart {
  /** Among the agents that the rule starts for the event. */
  index: number
  body: SpawnBody & { correlation_id: string }
}

/** What a rule does about an event. */
export type Verdict =
  | { outcome: 'starts', starts: PlannedStart[], correlation: string, depth: number, dedupeKey: string | undefined }
  /** Nothing is to be done: `why` is not an error. */
  | { outcome: 'passes', why: string }
  | { outcome: 'refused', bound: BoundName | 'template' | 'issue', reason: string }

/** What the project's rules themselves tell must never start anything. */
const OWN_TYPES = /^trigger_/
const ISSUE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** Whether an event can start anything at all. */
export function mayTrigger (event: SidecarEvent): boolean {
  return event.replay_of === undefined && !OWN_TYPES.test(event.event_type)
}

/** Decides without doing anything. */
export async function evaluate (rule: Rule, event: SidecarEvent, world: World): Promise<Verdict> {
  return await look(rule, event, world) ?? plan(rule, event, world)
}

/** Looks whether what the rule asks for is there; `undefined` when it is. */
export async function look (rule: Rule, event: SidecarEvent, world: World): Promise<Verdict | undefined> {
  if (!mayTrigger(event)) return passes(event.replay_of === undefined ? 'what triggers tell starts nothing' : 'a replay starts nothing')
  if (!rule.matches(event)) return passes('it does not match `on`')
  if (!rule.holds(event)) return passes('it does not match `when.filter`')
  const issue = issueOf(event)
  if (issue === undefined && (rule.completed.length > 0 || rule.notRunning.length > 0)) return refused('issue', 'the event names no issue that `when` could look at')
  const running = rule.notRunning.find((type) => world.isRunning(type, issue!))
  if (running !== undefined) return passes(`an agent of type '${running}' is at work on '${issue}'`)
  for (const type of rule.completed) {
    if (!await world.hasCompleted(type, issue!, event.correlation_id)) return passes(`no successful result of '${type}' is stored for '${issue}'`)
  }
  return undefined
}

/** What is to be started, of an event for which all is there. Nothing is waited for: what the bounds say holds until something else is started. */
export function plan (rule: Rule, event: SidecarEvent, world: World): Verdict {
  try {
    return planned(rule, event, issueOf(event), world)
  } catch (error) {
    return refused('template', messageOf(error))
  }
}

function planned (rule: Rule, event: SidecarEvent, issue: string | undefined, { bounds, depthOf }: World): Verdict {
  const depth = depthOf(event.publisher) + 1
  const dedupeKey = rule.dedupeKey?.fill(event, issue) ?? joinKey(rule, event, issue)
  const other = dedupeKey === undefined ? undefined : bounds.startedUnder(rule.name, dedupeKey, event.event_id)
  if (other !== undefined) return passes(`the event '${other}' has started the same, under the key '${dedupeKey}'`)
  const wanted: { index: number, body: SpawnBody }[] = rule.spawns.map(({ agent_type: type, task, issue_id: named, priority, spawner, timeout_seconds: seconds }, index) => ({
    index,
    body: {
      agent_type: type,
      issue_id: named?.fill(event, issue) ?? issue ?? '',
      task: task.fill(event, issue),
      ...(priority === undefined ? {} : { priority }),
      ...(spawner === undefined ? {} : { spawner }),
      ...(seconds === undefined ? {} : { timeout_seconds: seconds }),
      ...(event.round === undefined ? {} : { round: event.round }),
      depth
    }
  }))
  const nameless = wanted.find(({ body }) => !ISSUE.test(body.issue_id))
  if (nameless !== undefined) {
    return refused('issue', nameless.body.issue_id === ''
      ? 'the event names no issue: neither the rule nor `data.issue_id` nor the correlation says which'
      : `'${nameless.body.issue_id.slice(0, 128)}' is no id of an issue`)
  }
  // As agents name it themselves where nobody named one.
  const correlation = event.correlation_id ?? `issue-${wanted[0]!.body.issue_id}`
  const starts = wanted.filter(({ index }) => !bounds.hasStarted({ rule: rule.name, event_id: event.event_id, index }))
    .map(({ index, body }) => ({ index, body: { ...body, correlation_id: correlation } }))
  if (starts.length === 0) return passes('its agents were started already')
  const breach = bounds.refuse({ rule, event_id: event.event_id, correlation, depth, count: starts.length })
  if (breach !== undefined) return { outcome: 'refused', ...breach }
  return { outcome: 'starts', starts, correlation, depth, dedupeKey }
}

/** The results of a join are announced one by one, and it happens once. */
function joinKey (rule: Rule, event: SidecarEvent, issue: string | undefined): string | undefined {
  return rule.completed.length === 0 ? undefined : JSON.stringify(['joined', issue, event.correlation_id ?? null])
}

function issueOf ({ data, correlation_id: correlation }: SidecarEvent): string | undefined {
  const named = Object.hasOwn(data, 'issue_id') ? data.issue_id : correlation
  return typeof named === 'string' && ISSUE.test(named) ? named : undefined
}

function passes (why: string): Verdict {
  return { outcome: 'passes', why }
}

function refused (bound: 'template' | 'issue', reason: string): Verdict {
  return { outcome: 'refused', bound, reason }
}
