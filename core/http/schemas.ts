import type { TSchema } from 'typebox'
import Type from '../typebox.js'
import { IDENTIFIER, TOPIC } from '../profiles/schema.js'

/** Members that are the agent's own are kept verbatim: any object. */
export const Verbatim = Type.Record(Type.String(), Type.Any())
export const Identifier = Type.String({ pattern: IDENTIFIER, description: 'Letters, digits, `.`, `_` and `-`; at most 128.' })
export const EventName = Type.String({ pattern: TOPIC, description: 'Lower case letters, digits, `_`, `.` and `-`; at most 64.' })
export const Time = Type.String({ format: 'date-time', description: 'RFC 3339, UTC.' })
export const Nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

/** An object in which unknown members are an error. */
export const Strict = <Members extends Record<string, TSchema>>(members: Members, options: object = {}) => Type.Object(members, { additionalProperties: false, ...options })

/** The body of every error. */
export const ErrorBody = Type.Object({
  error: Type.String(),
  message: Type.String({ description: 'One sentence a person can act on.' }),
  code: Type.String(),
  details: Type.Optional(Verbatim),
  retry_after_seconds: Type.Optional(Type.Integer({ description: 'Of RATE_001 alone, as is `limit`.' })),
  limit: Type.Optional(Type.Integer({ description: 'Requests a minute.' })),
  timestamp: Time,
  request_id: Type.String()
}, { $id: 'Error', title: 'Error' })

const STATUS: Record<number, string> = { 400: 'Not valid', 401: 'Not authenticated', 403: 'Not allowed', 404: 'Not found', 413: 'Too large', 415: 'No JSON', 429: 'Too many requests', 500: 'Failed', 503: 'Not available' }

/** What a body can be refused for before anybody reads it. */
export const BODY_ERRORS = [413, 415] as const

/** An answer that is no JSON. */
export interface Content { description: string, content: Record<string, { schema: TSchema }> }

/** The answers of a route for its documentation: `answers` and the errors that it can end in. */
export function responses (answers: Record<number, TSchema | Content>, ...errors: number[]): Record<string, TSchema | Content> {
  const failures = [400, 401, 403, 429, 500, 503, ...errors].map((status) => {
    const error = Type.Ref('Error')
    const answer = answers[status] as TSchema | undefined
    // A health report that is bad shares its status with the error of a server that shuts down.
    const schema = answer === undefined ? error : Type.Union([answer, error])
    return [String(status), { ...schema, description: STATUS[status] ?? 'Error' }] as const
  })
  return { ...answers, ...Object.fromEntries(failures) }
}

export const Priority = Type.Enum(['low', 'normal', 'high'])

export const EventRecord = Type.Object({
  event_id: Type.String(),
  event_type: Type.String(),
  publisher: Type.String(),
  publisher_type: Type.String(),
  topic: Type.String(),
  data: Verbatim,
  correlation_id: Type.Optional(Type.String()),
  round: Type.Optional(Type.Integer()),
  references: Type.Optional(Type.String()),
  priority: Type.Optional(Priority),
  timestamp: Time,
  ttl_seconds: Type.Integer(),
  traceparent: Type.Optional(Type.String({ description: 'W3C trace context of the request that published it.' })),
  replay_of: Type.Optional(Type.String({ description: 'The event that this one repeats.' })),
  extensions: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), { description: 'Further attributes of a CloudEvent.' }))
})

export const Changes = Type.Array(Type.Object({ path: Type.String(), status: Type.Enum(['added', 'modified', 'deleted']) }))

/** What the sidecar itself found in an agent's working tree. */
export const WorkProof = Type.Object({
  branch: Nullable(Type.String()),
  head_before: Nullable(Type.String()),
  head_after: Nullable(Type.String()),
  commits: Type.Integer({ description: 'That came since the start.' }),
  files_committed: Changes,
  files_uncommitted: Changes,
  truncated: Type.Boolean({ description: 'Whether the lists were cut.' }),
  dirty: Type.Boolean({ description: 'Whether anything is uncommitted, also from before the start.' }),
  upstream: Nullable(Type.String()),
  ahead: Nullable(Type.Integer({ description: 'Commits that the upstream does not have.' })),
  taken_at: Time
})

export const ResultEnvelope = Type.Object({
  id: Type.String(),
  project_id: Type.String(),
  issue_id: Type.String(),
  agent_id: Type.String(),
  agent_type: Type.String(),
  status: Type.Enum(['success', 'failed', 'partial']),
  result: Verbatim,
  proof: Type.Optional(Nullable(WorkProof)),
  sidecar_warnings: Type.Optional(Type.Array(Type.String(), { description: 'Where the result claims something else than the sidecar found.' })),
  correlation_id: Type.Optional(Type.String()),
  round: Type.Optional(Type.Integer()),
  timestamp: Time
})
