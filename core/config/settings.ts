import type { Static, TSchema } from 'typebox'
import Type from '../typebox.js'
import { IDENTIFIER } from '../profiles/schema.js'

const strict = { additionalProperties: false }
const group = <Members extends Record<string, TSchema>>(members: Members, description: string) => Type.Object(members, { ...strict, default: {}, description })

/** Every setting of the sidecar with its default. Flags, environment variables and the table of the docs follow from it. */
export const settingsSchema = Type.Object({
  port: Type.Integer({ minimum: 0, maximum: 65_535, default: 3001, description: 'TCP port; 0 lets the system choose one.' }),
  host: Type.String({ minLength: 1, default: '127.0.0.1', description: 'Address to listen on.' }),
  socket: Type.Optional(Type.String({ minLength: 1, description: 'Unix socket to listen on besides, for the owner alone; must not be longer than 103 bytes.' })),
  storage: Type.String({ minLength: 1, default: '~/.cco/orchestration', description: 'Folder for results, events, keys and logs; made with mode 0700.' }),
  project: Type.Optional(Type.String({ minLength: 1, description: 'Folder of the repository; the git root of the working directory by default.' })),
  project_id: Type.Optional(Type.String({ pattern: IDENTIFIER, description: 'Identifier of the project; made of the folder\'s name by default.' })),
  cache_size_mb: Type.Integer({ minimum: 1, maximum: 1_048_576, default: 1024, description: 'Bound of the context cache, MiB.' }),
  log_level: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], { default: 'info', description: 'Least level that is logged.' }),
  log_format: Type.Enum(['json', 'pretty'], { default: 'json', description: 'How log lines look.' }),
  log_requests: Type.Boolean({ default: false, description: 'Whether each answer is a line of the log, at level `info`; at `debug` it is anyway.' }),
  body_limit_mb: Type.Integer({ minimum: 1, maximum: 1024, default: 10, description: 'Largest request body, MiB.' }),
  rate_limit: group({
    enabled: Type.Boolean({ default: true, description: 'Whether agents are held to the rates of their profiles.' }),
    project_per_minute: Type.Integer({ minimum: 1, default: 60_000, description: 'Requests a minute that all agents of a project may make together.' }),
    address_per_minute: Type.Integer({ minimum: 1, default: 600, description: 'Requests a minute that one address may make in vain (without a valid token, or for no route) before it is turned away unread; an IPv6 address is its first 64 bits, and on loopback each connection counts for itself. Tokens that were good before pass.' })
  }, 'Rate limits'),
  requests: group({
    max_connections: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 25_000, description: 'Connections at once; further ones are closed at once. As many requests of HTTP/2 may be under way in all; further ones are refused.' }),
    max_connections_per_address: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 2500, description: 'Connections at once from one address, of IPv6 from its first 64 bits; further ones are closed at once. Those of this machine are not counted; a proxy is one address.' }),
    max_streams: Type.Integer({ minimum: 1, maximum: 100_000, default: 256, description: 'Requests at once on one connection of HTTP/2; by default as many as an agent may have waits.' }),
    header_kb: Type.Integer({ minimum: 1, maximum: 1024, default: 16, description: 'Size of all headers of a request, its address included, KiB.' }),
    max_headers: Type.Integer({ minimum: 16, maximum: 2000, default: 100, description: 'Headers of a request.' }),
    max_parameters: Type.Integer({ minimum: 16, maximum: 10_000, default: 100, description: 'Parameters in the query of a request.' }),
    json_depth: Type.Integer({ minimum: 8, maximum: 1000, default: 64, description: 'Levels to which a body may nest.' }),
    json_items: Type.Integer({ minimum: 100, maximum: 10_000_000, default: 100_000, description: 'Items of one array, and members of one object, of a body.' }),
    json_values: Type.Integer({ minimum: 100, maximum: 100_000_000, default: 1_000_000, description: 'Items and members of a body in all.' }),
    headers_seconds: Type.Number({ minimum: 0.1, maximum: 600, default: 15, description: 'How long a connection may take to send the headers of a request, from its first byte; of the first request, from the connection.' }),
    request_seconds: Type.Number({ minimum: 0.2, maximum: 3600, default: 60, description: 'How long a request may take to arrive, body included.' }),
    idle_seconds: Type.Integer({ minimum: 130, maximum: 86_400, default: 180, description: 'After how long without a byte in either direction a connection is closed; longer than the longest poll.' })
  }, 'Bounds of requests'),
  overload: group({
    enabled: Type.Boolean({ default: true, description: 'Whether requests are refused while there is more to do than can be done.' }),
    loop_delay_ms: Type.Number({ exclusiveMinimum: 0, maximum: 60_000, default: 100, description: 'Mean delay of the event loop at which requests begin to be refused: those of low priority; at twice and four times as much the others.' }),
    heap_percent: Type.Number({ exclusiveMinimum: 0, maximum: 100, default: 85, description: 'Share of the heap that Node may have, at which they begin to be refused.' }),
    per_turn: Type.Integer({ minimum: 1, maximum: 100_000, default: 64, description: 'Requests that begin in one turn of the event loop; the others wait for the next one, by priority.' }),
    max_queue: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 2000, description: 'Requests that may wait until they begin.' }),
    queue_seconds: Type.Number({ exclusiveMinimum: 0, maximum: 600, default: 2, description: 'How long they may.' }),
    retry_after_seconds: Type.Integer({ minimum: 1, maximum: 3600, default: 2, description: 'When who was refused should try again.' })
  }, 'Overload'),
  cors: group({
    origins: Type.Array(Type.String({ minLength: 1 }), { default: [], description: 'Origins whose pages may call the sidecar; none by default.' }),
    loopback: Type.Boolean({ default: false, description: 'Whether pages that this machine serves may call the sidecar, whatever their port; for development.' })
  }, 'Cross-origin requests'),
  tls: group({
    cert: Type.Optional(Type.String({ minLength: 1, description: 'File of the certificate with its chain, PEM; read again at SIGHUP. TLS 1.3.' })),
    key: Type.Optional(Type.String({ minLength: 1, description: 'File of its private key, PEM.' })),
    ca: Type.Optional(Type.String({ minLength: 1, description: 'File of the authority that signed it, PEM, where that is none that everybody trusts: commands on this machine and started agents are told of it. A certificate that has signed itself needs none.' })),
    http2: Type.Boolean({ default: true, description: 'Whether HTTP/2 is spoken with clients that offer it; with all others it is HTTP/1.1.' })
  }, 'TLS'),
  auth: group({
    token_ttl_seconds: Type.Integer({ minimum: 1, maximum: 86_400, default: 3600, description: 'Life of a token.' }),
    chain_seconds: Type.Integer({ minimum: 1, maximum: 2_592_000, default: 28_800, description: 'How long a token can be refreshed in all.' })
  }, 'Tokens'),
  audit: group({
    file_mb: Type.Number({ exclusiveMinimum: 0, maximum: 1024, default: 16, description: 'Size at which the audit log begins a new file, MiB.' }),
    retention_days: Type.Number({ exclusiveMinimum: 0, maximum: 36_500, default: 365, description: 'How long files of the audit log are kept.' })
  }, 'Audit log'),
  events: group({
    strict_topics: Type.Boolean({ default: false, description: 'Whether an agent may publish only under the topics of its profile.' }),
    retention_hours: Type.Number({ exclusiveMinimum: 0, maximum: 8760, default: 24, description: 'How long events are kept.' }),
    retention_count: Type.Integer({ minimum: 1, maximum: 10_000_000, default: 10_000, description: 'How many events of a project are kept.' }),
    retention_mb: Type.Number({ exclusiveMinimum: 0, maximum: 1_048_576, default: 256, description: 'How much of a project\'s events is kept, MiB.' }),
    max_rounds: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 50, description: 'The highest round that an event may have.' }),
    max_waits: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 20_000, description: 'Long polls and streams held at once.' }),
    max_waits_per_agent: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 256, description: 'Long polls and streams of one agent held at once.' }),
    ack_wait_seconds: Type.Number({ minimum: 0.1, maximum: 86_400, default: 30, description: 'How long a member of a group may take to acknowledge an event before another one gets it.' }),
    max_deliveries: Type.Integer({ minimum: 1, maximum: 1000, default: 5, description: 'Attempts after which an event that no member of a group acknowledges becomes a dead letter.' }),
    max_groups: Type.Integer({ minimum: 1, maximum: 100_000, default: 1000, description: 'Consumer groups of a project, webhooks included.' }),
    max_webhooks: Type.Integer({ minimum: 0, maximum: 10_000, default: 100, description: 'Webhooks of a project.' }),
    webhook_allow: Type.Array(Type.String({ minLength: 1 }), { default: [], description: 'Host names, addresses and ranges like `10.1.0.0/16` that webhooks may push to though they are not public.' }),
    webhook_retry_seconds: Type.Array(Type.Number({ minimum: 0, maximum: 604_800 }), {
      maxItems: 20,
      // The schedule of Standard Webhooks, as far as it lies within a day: longer no event lives.
      default: [5, 300, 1800, 7200, 18_000, 36_000],
      description: 'Waits between the attempts to push an event; after the last one it becomes a dead letter.'
    })
  }, 'Events'),
  context: group({
    timeout_seconds: Type.Integer({ minimum: 1, maximum: 600, default: 30, description: 'How long gathering a context may take.' }),
    max_builds: Type.Integer({ minimum: 1, maximum: 100, default: 3, description: 'Contexts that are built at once; one thread reads for all of them.' }),
    max_queue: Type.Integer({ minimum: 0, maximum: 100_000, default: 256, description: 'Contexts that may wait to be built; equal ones wait as one.' }),
    max_file_mb: Type.Number({ exclusiveMinimum: 0, maximum: 64, default: 2, description: 'Files above it are listed and not read, MiB.' })
  }, 'Context'),
  results: group({
    retention_days: Type.Number({ exclusiveMinimum: 0, maximum: 36_500, default: 30, description: 'How long results are kept.' })
  }, 'Results'),
  spawn: group({
    command: Type.Optional(Type.String({ minLength: 1, description: 'Command that the process spawner runs for an agent, split at white space; quotes keep words together.' })),
    spawner: Type.String({ minLength: 1, default: 'process', description: 'Spawner of an agent for which neither the spawn nor its profile names one, for example `claude-code`.' }),
    max_concurrent: Type.Integer({ minimum: 1, maximum: 10_000, default: 119, description: 'Agents at work at once.' }),
    max_per_project: Type.Integer({ minimum: 1, maximum: 10_000, default: 119, description: 'Agents of one project at work at once.' }),
    max_per_type: Type.Integer({ minimum: 1, maximum: 10_000, default: 16, description: 'Agents of one type at work at once.' }),
    max_per_tier: Type.Array(Type.String({ pattern: '^(opus|sonnet|haiku)=[1-9][0-9]{0,4}$' }), { default: [], description: 'Agents of one model tier at work at once, for example `opus=4`.' }),
    max_queue: Type.Integer({ minimum: 0, maximum: 100_000, default: 256, description: 'Agents that may wait for a place.' }),
    starts_per_second: Type.Number({ minimum: 0.01, maximum: 10_000, default: 20, description: 'Starts a second; as many may come at once after a pause.' }),
    timeout_seconds: Type.Integer({ minimum: 1, maximum: 86_400, default: 3600, description: 'How long an agent may run unless its profile or spawn says otherwise.' }),
    first_sign_seconds: Type.Number({ minimum: 0, maximum: 86_400, default: 300, description: 'How long an agent may take to show that it is alive: output, or a call of the API; 0 is no limit.' }),
    silence_seconds: Type.Number({ minimum: 0, maximum: 86_400, default: 0, description: 'How long an agent may show nothing once it runs; with 0 what its spawner knows, or no limit.' }),
    result_grace_seconds: Type.Number({ minimum: 0, maximum: 3600, default: 30, description: 'How long an agent may take to end after its final word.' }),
    max_output_mb: Type.Number({ exclusiveMinimum: 0, maximum: 1_048_576, default: 64, description: 'How much an agent may write, MiB.' }),
    log_mb: Type.Number({ exclusiveMinimum: 0, maximum: 1024, default: 16, description: 'Size at which the output of an agent is moved to the next of its older files, MiB.' }),
    log_files: Type.Integer({ minimum: 1, maximum: 100, default: 3, description: 'Older files that are kept of the output of an agent.' }),
    max_memory_mb: Type.Integer({ minimum: 0, maximum: 16_777_216, default: 0, description: 'Memory that each process of an agent may take for its data, MiB; 0 is no limit. Linux with `prlimit` only.' }),
    max_cpu_seconds: Type.Integer({ minimum: 0, maximum: 31_536_000, default: 0, description: 'Processor time that each process of an agent may take; 0 is no limit. Linux with `prlimit` only.' }),
    run_max_tokens: Type.Integer({ minimum: 0, default: 0, description: 'Tokens, sent and received, that an agent may use with all its attempts; 0 is no limit.' }),
    run_max_usd: Type.Number({ minimum: 0, default: 0, description: 'US dollars that an agent may cost with all its attempts, where it reports them; 0 is no limit.' }),
    run_max_turns: Type.Integer({ minimum: 0, default: 0, description: 'Answers of its model that an agent may take with all its attempts, where it reports them; 0 is no limit.' }),
    project_max_tokens: Type.Integer({ minimum: 0, default: 0, description: 'Tokens that the agents of a project may use within `spawn.budget_hours`; 0 is no limit.' }),
    project_max_usd: Type.Number({ minimum: 0, default: 0, description: 'US dollars that the agents of a project may cost within `spawn.budget_hours`; 0 is no limit.' }),
    project_max_hours: Type.Number({ minimum: 0, default: 0, description: 'Hours that the agents of a project may run, taken together, within `spawn.budget_hours`; 0 is no limit.' }),
    budget_hours: Type.Number({ exclusiveMinimum: 0, maximum: 8760, default: 24, description: 'Time over which the budget of a project holds.' }),
    max_retries: Type.Integer({ minimum: 0, maximum: 10, default: 3, description: 'Further attempts for an agent that crashed, was lost, showed nothing or met a rate limit.' }),
    retry_seconds: Type.Number({ minimum: 0, maximum: 3600, default: 5, description: 'Wait before the first further attempt; doubles with each, and varies by a fifth.' }),
    breaker_failures: Type.Integer({ minimum: 1, maximum: 10_000, default: 8, description: 'Failures in a row after which no agent of that type, or of that spawner, is started for a while.' }),
    breaker_seconds: Type.Number({ minimum: 0.01, maximum: 86_400, default: 30, description: 'How long that while is; then one agent is tried.' }),
    environment: Type.Array(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }), { default: [], description: 'Variables of the sidecar\'s own environment that agents get beside PATH, HOME, LANG, TZ and the like.' })
  }, 'Agents'),
  workspaces: group({
    compare_seconds: Type.Number({ minimum: 0.1, maximum: 86_400, default: 30, description: 'How often the working trees of agents at work are compared with each other.' })
  }, 'Workspaces of agents'),
  triggers: group({
    dry_run: Type.Boolean({ default: false, description: 'Whether triggers only tell what they would start.' }),
    max_per_correlation: Type.Integer({ minimum: 1, maximum: 10_000, default: 50, description: 'Agents that the triggers of a project start for one correlation, in all.' }),
    max_per_hour: Type.Integer({ minimum: 1, maximum: 10_000, default: 200, description: 'Agents that the triggers of a project start within an hour.' }),
    retry_seconds: Type.Array(Type.Number({ minimum: 0, maximum: 86_400 }), {
      maxItems: 20, default: [1, 5, 30, 120, 600], description: 'Waits between the attempts of a trigger to start its agents; after the last one its event becomes a dead letter.'
    })
  }, 'Triggers'),
  access: group({
    plain_http: Type.Boolean({ default: false, description: 'Whether another address than loopback may be served without TLS.' }),
    hosts: Type.Array(Type.String({ pattern: '^[A-Za-z0-9.\\[\\]:-]{1,255}$' }), { default: [], description: 'Names by which the sidecar is reached beside localhost, without port. On another address than loopback any name counts while none is given.' }),
    trust_proxy: Type.Array(Type.String({ minLength: 1 }), { default: [], description: 'Addresses and ranges of proxies whose X-Forwarded-For says where a request comes from.' }),
    loopback_status: Type.Boolean({ default: true, description: 'Whether /status and /metrics answer direct loopback connections without a token.' })
  }, 'Open routes')
}, { ...strict, default: {} })

export type Settings = Static<typeof settingsSchema>

/** One setting as it can be said on the command line and in the environment. */
export interface SettingName {
  /** Members from the root, for example `['rate_limit', 'enabled']`. */
  path: readonly string[]
  /** For example `rate-limit-enabled`. */
  flag: string
  /** For example `CCO_SIDECAR_RATE_LIMIT_ENABLED`. */
  variable: string
  schema: TSchema & { type?: string, default?: unknown, description?: string, enum?: readonly string[] }
}

interface ObjectSchema { type?: string, properties?: Record<string, TSchema> }

function leaves (schema: ObjectSchema, path: readonly string[]): SettingName[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    const here = [...path, name]
    if ((member as ObjectSchema).type === 'object') return leaves(member as ObjectSchema, here)
    const words = here.join('_')
    return [{ path: here, flag: words.replaceAll('_', '-'), variable: `CCO_SIDECAR_${words.toUpperCase()}`, schema: member as SettingName['schema'] }]
  })
}

export const SETTING_NAMES: readonly SettingName[] = leaves(settingsSchema as ObjectSchema, [])

/**
 * Settings that a repository nobody has trusted yet may choose: they load nothing, start nothing and raise no limit. The identifier of the project is
 * none of them: under that of another project it would be given what that one has stored.
 */
export const HARMLESS_SETTINGS: ReadonlySet<string> = new Set(['log_level', 'log_format'])
