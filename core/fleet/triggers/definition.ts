import type { Static } from 'typebox'
import type { Priority, SidecarEvent } from '../../contracts/event-bus.js'
import Type from '../../typebox.js'
import { messageOf, nearest, startError } from '../../errors.js'
import { parseSubscription } from '../../events/subscription.js'
import { compile, describeIssue, issuesOf } from '../../validation.js'
import { READY_SETS } from './ready-sets.js'
import { parseTemplate, type Template } from './template.js'

// As profiles write them.
const AGENT_TYPE = '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$'
const RULE_NAME = '^[a-z0-9][a-z0-9_.-]{0,63}$'
const strict = { additionalProperties: false }

const AgentTypes = Type.Array(Type.String({ pattern: AGENT_TYPE }), { minItems: 1, maxItems: 16, uniqueItems: true })
const Filter = Type.String({ minLength: 1, maxLength: 2048 })
const Text = Type.String({ minLength: 1, maxLength: 20_000 })

const SpawnSchema = Type.Object({
  agent_type: Type.String({ pattern: AGENT_TYPE }),
  task: Text,
  issue_id: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  priority: Type.Optional(Type.Enum(['low', 'normal', 'high'])),
  spawner: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  timeout_seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 }))
}, strict)

const RuleSchema = Type.Object({
  name: Type.Optional(Type.String({ pattern: RULE_NAME })),
  on: Type.Object({ type: Type.String({ minLength: 1, maxLength: 2048 }), topic: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })), filter: Type.Optional(Filter) }, strict),
  spawn: Type.Array(SpawnSchema, { minItems: 1, maxItems: 16 }),
  when: Type.Optional(Type.Object({ filter: Type.Optional(Filter), completed: Type.Optional(AgentTypes), not_running: Type.Optional(AgentTypes) }, strict)),
  max_rounds: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  max_depth: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  cooldown_seconds: Type.Optional(Type.Number({ minimum: 0, maximum: 86_400 })),
  dedupe_key: Type.Optional(Type.String({ minLength: 1, maxLength: 1000 }))
}, strict)

const UseSchema = Type.Object({ set: Type.String({ minLength: 1 }), agents: Type.Optional(Type.Record(Type.String(), Type.String({ pattern: AGENT_TYPE }))) }, strict)

const FileSchema = Type.Object({
  triggers: Type.Optional(Type.Array(RuleSchema, { maxItems: 100 })),
  use: Type.Optional(Type.Array(Type.Union([Type.String({ minLength: 1 }), UseSchema]), { maxItems: 16 }))
}, strict)

/** A rule as it is written. */
export type RuleText = Static<typeof RuleSchema>

const DEFAULT_ROUNDS = 10
const DEFAULT_DEPTH = 8

export interface RuleSpawn {
  agent_type: string
  task: Template
  issue_id: Template | undefined
  priority: Priority | undefined
  spawner: string | undefined
  timeout_seconds: number | undefined
}

/** Which agents an event starts. */
export interface Rule {
  /** Unique in its project. */
  name: string
  /** As it was written. */
  text: RuleText
  matches (event: SidecarEvent): boolean
  /** Asked of an event that matches. */
  holds (event: SidecarEvent): boolean
  completed: readonly string[]
  notRunning: readonly string[]
  spawns: readonly RuleSpawn[]
  maxRounds: number
  maxDepth: number
  cooldownMs: number
  dedupeKey: Template | undefined
}

/** Where rules come from: a file, or a member of one. */
export interface TriggerSource {
  /** As it is named to people. */
  origin: string
  value: unknown
}

/** The rules of a project, of all its sources. Throws `SIDECAR_ERR_CONFIG_INVALID`, naming the source and the place in it. */
export function parseRules (sources: readonly TriggerSource[]): Rule[] {
  const rules = sources.flatMap(parseSource)
  const names = new Set<string>()
  for (const { name } of rules) {
    if (names.has(name)) throw startError('SIDECAR_ERR_CONFIG_INVALID', `Wrong triggers: two rules have the name '${name}' (${sources.map(({ origin }) => origin).join(', ')}); rename one.`)
    names.add(name)
  }
  return rules
}

function parseSource ({ origin, value }: TriggerSource): Rule[] {
  const validate = compile(FileSchema)
  const given = structuredClone(value)
  if (!validate(given)) throw wrong(origin, issuesOf(validate.errors).map(describeIssue).join('; '))
  const { triggers = [], use = [] } = given as Static<typeof FileSchema>
  return [
    ...use.flatMap((each, index) => setRules(each, `use.${index}`, origin)),
    ...triggers.map((text, index) => parseRule({ ...text, name: text.name ?? `rule-${index + 1}` }, `triggers.${index}`, origin))
  ]
}

function setRules (use: string | Static<typeof UseSchema>, place: string, origin: string): Rule[] {
  const { set: name, agents = {} } = typeof use === 'string' ? { set: use } : use
  const set = Object.hasOwn(READY_SETS, name) ? READY_SETS[name] : undefined
  if (set === undefined) throw wrong(origin, `${place}: there is no ready set '${name}'; known: ${Object.keys(READY_SETS).map((known) => `'${known}'`).join(', ')}`)
  const unknown = Object.keys(agents).find((role) => !Object.hasOwn(set.agents, role))
  if (unknown !== undefined) throw wrong(origin, `${place}.agents: '${name}' has no part '${unknown}'; known: ${Object.keys(set.agents).map((known) => `'${known}'`).join(', ')}`)
  return set.rules({ ...set.agents, ...agents }).map((text) => parseRule({ ...text, name: `${name}.${text.name}` }, place, origin))
}

function parseRule (text: RuleText & { name: string }, place: string, origin: string): Rule {
  const { name, on, spawn, when = {}, max_rounds: rounds = DEFAULT_ROUNDS, max_depth: depth = DEFAULT_DEPTH, cooldown_seconds: cooldown = 0, dedupe_key: key } = text
  const read = <Value> (member: string, parse: () => Value): Value => {
    try {
      return parse()
    } catch (error) {
      throw wrong(origin, `${place}.${member}: ${messageOf(error)}`)
    }
  }
  const template = (member: string, value: string): Template => read(member, () => parseTemplate(value))
  const subscription = read('on', () => parseSubscription(on))
  const condition = read('when.filter', () => parseSubscription({ filter: when.filter }))
  return {
    name,
    text,
    matches: subscription.matches,
    holds: condition.matches,
    completed: when.completed ?? [],
    notRunning: when.not_running ?? [],
    spawns: spawn.map((each, index) => ({
      agent_type: each.agent_type,
      task: template(`spawn.${index}.task`, each.task),
      issue_id: each.issue_id === undefined ? undefined : template(`spawn.${index}.issue_id`, each.issue_id),
      priority: each.priority,
      spawner: each.spawner,
      timeout_seconds: each.timeout_seconds
    })),
    maxRounds: rounds,
    maxDepth: depth,
    cooldownMs: cooldown * 1000,
    dedupeKey: key === undefined ? undefined : template('dedupe_key', key)
  }
}

/** Throws `SIDECAR_ERR_CONFIG_INVALID` for an agent type that the project does not have. */
export function checkAgentTypes (rules: readonly Rule[], origin: string, types: readonly string[]): void {
  const known = new Set(types)
  for (const { name, spawns, completed, notRunning } of rules) {
    for (const type of [...spawns.map((spawn) => spawn.agent_type), ...completed, ...notRunning]) {
      if (known.has(type)) continue
      const guess = nearest(type, types)
      throw wrong(origin, `the rule '${name}' names the unknown agent type '${type}'${guess === undefined ? '' : `; did you mean '${guess}'?`}`)
    }
  }
}

function wrong (origin: string, why: string): Error {
  return startError('SIDECAR_ERR_CONFIG_INVALID', `Wrong triggers in ${origin}: ${why}`)
}
