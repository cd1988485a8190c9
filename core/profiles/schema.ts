import Type from '../typebox.js'
import type { AgentProfile } from '../contracts/agent-profile.js'

export const IDENTIFIER = '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$'
export const TOPIC = '^[a-z][a-z0-9_.-]{0,63}$'

const latitude = Type.Enum(['act', 'act_and_report', 'propose', 'ask'], { description: 'What the agent does about an action of this risk.' })
const tier = Type.Enum(['opus', 'sonnet', 'haiku'])
const line = Type.String({ minLength: 1, maxLength: 400 })
const limit = Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], { description: '`null` is unlimited.' })
const strict = { additionalProperties: false }

/** The schema of one agent profile; `agents/profile.schema.json` is generated from it. */
export const profileSchema = Type.Object({
  $schema: Type.Optional(Type.String()),
  id: Type.String({ pattern: IDENTIFIER, description: 'The agent type; equal to the name of the file.' }),
  name: line,
  category: line,
  group: Type.Enum(['architect', 'coding', 'qa-security', 'documentation', 'support']),
  role: Type.String({ minLength: 40, maxLength: 600, description: 'What this agent answers for, in one or two sentences.' }),
  model: Type.Object({ tier, fallback: Type.Optional(tier) }, strict),
  capabilities: Type.Array(line, { minItems: 3, maxItems: 16, uniqueItems: true }),
  languages: Type.Optional(Type.Array(Type.String({ pattern: '^[a-z][a-z0-9+#-]*$' }), { uniqueItems: true })),
  authority: Type.Object({
    level: Type.Enum(['lead', 'senior', 'standard', 'advisory']),
    low_risk: latitude,
    medium_risk: latitude,
    high_risk: latitude,
    requires_approval: Type.Array(line, { uniqueItems: true })
  }, strict),
  permissions: Type.Array(Type.Enum(['read_context', 'write_results', 'publish_events', 'spawn_agents']), { uniqueItems: true }),
  context: Type.Object({
    requirements: Type.Array(Type.Object({
      need: Type.String({ pattern: '^[a-z][a-z0-9-]*$', description: 'What is needed; the host picks the strategies that satisfy it.' }),
      weight: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 10 })),
      optional: Type.Optional(Type.Boolean())
    }), { minItems: 1, maxItems: 24 }),
    max_tokens: Type.Optional(Type.Integer({ minimum: 500, maximum: 2_000_000 }))
  }, strict),
  subscribes: Type.Array(Type.String({ pattern: TOPIC }), { uniqueItems: true }),
  publishes: Type.Array(Type.String({ pattern: TOPIC }), { uniqueItems: true, description: 'The first is the topic its results are announced under.' }),
  handoff: Type.Object({
    success: Type.Array(Type.String({ pattern: IDENTIFIER }), { uniqueItems: true }),
    failed: Type.Array(Type.String({ pattern: IDENTIFIER }), { uniqueItems: true })
  }, strict),
  limits: Type.Object({ requests_per_minute: limit, burst: limit }, strict),
  spawn: Type.Object({
    spawner: Type.Optional(line),
    prompt: Type.String({ minLength: 200, maxLength: 8000, description: 'What a model is told to be.' }),
    tools: Type.Optional(Type.Array(line, { uniqueItems: true })),
    timeout_seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
    workspace: Type.Optional(Type.Enum(['shared', 'worktree', 'clone'], { description: 'Where it works; `shared` by default.' }))
  }, strict)
}, { ...strict, $id: 'agent-profile', title: 'Agent profile' })

/** Fails to compile when the schema and the contract part ways. */
export type SchemaMatchesContract = Type.Static<typeof profileSchema> extends Omit<AgentProfile, 'context'> ? true : never
