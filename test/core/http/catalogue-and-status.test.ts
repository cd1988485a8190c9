import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { startSidecar } from '../../support/sidecar.js'
import { temporaryFolder } from '../../support/temporary.js'
import { RFC3339_UTC, startDocumented, type OpenApiDocument } from './documented.js'
import { writePlugin } from './plugin-file.js'

const STANDARD_TOPICS = ['architecture', 'implementation', 'testing', 'security', 'deployment', 'documentation', 'error', 'coordination']

/** Every call of the wire contract. */
const CONTRACT = [
  'POST /api/tokens', 'POST /api/tokens/refresh', 'POST /api/tokens/revoke', 'GET /.well-known/jwks.json', 'GET /api/keys', 'POST /api/keys/rotate',
  'GET /api/context/{issue_id}/{agent_type}', 'DELETE /api/cache/context/{issue_id}', 'DELETE /api/cache/all',
  'POST /api/results', 'GET /api/results', 'GET /api/results/{id}', 'PUT /api/issues/{issue_id}', 'GET /api/issues/{issue_id}',
  'POST /api/events/{event_type}', 'GET /api/events/wait', 'GET /api/events/wait/{event_type}', 'GET /api/events', 'GET /api/events/stream',
  'GET /api/events/dead-letters', 'POST /api/events/dead-letters/{event_id}/redrive',
  'POST /api/events/dead-letters/redrive', 'DELETE /api/events/dead-letters/{event_id}', 'DELETE /api/events/dead-letters',
  'POST /api/events/ack', 'POST /api/events/nack', 'POST /api/events/extend',
  'GET /api/events/groups', 'GET /api/events/groups/{group}', 'PUT /api/events/groups/{group}', 'DELETE /api/events/groups/{group}',
  'POST /api/webhooks', 'GET /api/webhooks', 'GET /api/webhooks/{webhook_id}', 'DELETE /api/webhooks/{webhook_id}', 'POST /api/webhooks/{webhook_id}/test',
  'POST /api/webhooks/{webhook_id}/enable', 'POST /api/webhooks/{webhook_id}/disable', 'POST /api/webhooks/{webhook_id}/secret',
  'POST /api/agents/spawn', 'GET /api/agents', 'GET /api/agents/{agent_id}/status', 'POST /api/agents/{agent_id}/status', 'GET /api/agents/{agent_id}/logs', 'DELETE /api/agents/{agent_id}',
  'GET /api/triggers', 'POST /api/triggers/evaluate',
  'GET /api/agents/{agent_id}/diff', 'GET /api/agents/{agent_id}/workspace', 'POST /api/agents/{agent_id}/merge', 'POST /api/agents/{agent_id}/retry',
  'GET /api/workspaces', 'POST /api/workspaces/prune', 'POST /api/results/prune',
  'GET /api/profiles', 'GET /api/profiles/{agent_type}', 'POST /api/projects', 'GET /api/projects', 'POST /api/trust', 'GET /api/plugins',
  'GET /health', 'GET /health/live', 'GET /health/ready', 'GET /status', 'GET /metrics', 'GET /openapi.json'
]

t.test('all agent types are listed with the strategies chosen for them', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const { token } = await agent('context-manager')
  const { status, body } = await ask('GET', '/api/profiles', { token })
  t.equal(status, 200)
  t.equal(body.profiles.length, 119)
  const { profiles } = body as { profiles: { id: string, context: { requirements: unknown[] }, strategies: { optional: boolean, strategies: string[] }[] }[] }
  t.strictSame(profiles.filter((profile) => profile.context.requirements.length === 0 || profile.strategies.length !== profile.context.requirements.length), [])
  t.strictSame(profiles.filter((profile) => profile.strategies.some(({ optional, strategies }) => !optional && strategies.length === 0)), [])
  const one = await ask('GET', '/api/profiles/ai-engineer', { token })
  t.strictSame(one.body, body.profiles.find((profile: { id: string }) => profile.id === 'ai-engineer'))
  const unknown = await ask('GET', '/api/profiles/ai-enginer', { token })
  t.strictSame([unknown.status, unknown.body.code], [404, 'AGT_002'])
  t.match(unknown.body.message, /'ai-engineer'/)
})

t.test('profiles are those of the caller\'s project', async (t) => {
  const { ask, agent, root } = await startDocumented(t)
  const profile = JSON.parse(JSON.stringify((await ask('GET', '/api/profiles/ai-engineer')).body)) as Record<string, unknown>
  delete profile.strategies
  const other = await temporaryFolder(t)
  await mkdir(join(other, '.cco', 'agents'), { recursive: true })
  await writeFile(join(other, '.cco', 'agents', 'shop-keeper.json'), JSON.stringify({ ...profile, id: 'shop-keeper' }))
  t.equal((await ask('POST', '/api/projects', { body: { project_id: 'other', root: other } })).body.profiles, 120)
  const { token } = await agent('shop-keeper', { project_id: 'other' })
  t.equal((await ask('GET', '/api/profiles/shop-keeper', { token })).status, 200)
  t.equal((await ask('GET', '/api/profiles/shop-keeper')).status, 404)
  t.strictSame((await ask('GET', '/api/projects', { token })).body.projects.map((project: { project_id: string }) => project.project_id), ['other'])
  t.strictSame((await ask('GET', '/api/projects')).body, { projects: [{ project_id: 'sample', root, profiles: 119 }, { project_id: 'other', root: other, profiles: 120 }] })
})

t.test('a further project must be an existing directory, and keeps its place', async (t) => {
  const folder = await temporaryFolder(t)
  const storage = join(folder, 'storage')
  const started = await startDocumented(t, { storage })
  const { ask } = started
  const root = await temporaryFolder(t)
  await writeFile(join(root, 'file'), '')
  const { status, body } = await ask('POST', '/api/projects', { body: { project_id: 'other', root } })
  t.equal(status, 201)
  t.strictSame({ ...body, timestamp: 0 }, { project_id: 'other', root, profiles: 119, timestamp: 0 })
  t.match(body.timestamp, RFC3339_UTC)
  t.equal((await ask('POST', '/api/projects', { body: { project_id: 'other', root } })).status, 201, 'once more is no fault')
  for (const wrong of [
    { project_id: 'other', root: folder }, { project_id: 'third', root: join(root, 'absent') }, { project_id: 'third', root: join(root, 'file') }, { project_id: 'third', root: 'relative' },
    { project_id: 'third', root: '' }, { project_id: 'third' }, { project_id: '../x', root }, { project_id: 'third', root: `${root}\0` }
  ]) {
    const answer = await ask('POST', '/api/projects', { body: wrong })
    t.strictSame([answer.status, answer.body.code], [400, 'VAL_001'], JSON.stringify(wrong))
  }
  await started.close()
  const again = await startDocumented(t, { storage })
  t.strictSame((await again.ask('GET', '/api/projects')).body.projects.map((project: { project_id: string }) => project.project_id), ['sample', 'other'])
})

t.test('a token of a project that is no longer served is PRJ_001', async (t) => {
  const folder = await temporaryFolder(t)
  const storage = join(folder, 'storage')
  const other = await temporaryFolder(t)
  const first = await startDocumented(t, { storage, projects: [{ project_id: 'other', root: other }] })
  const { token, agent_id: id } = await first.agent('ai-engineer', { project_id: 'other' })
  t.equal((await first.ask('GET', '/api/profiles', { token })).status, 200)
  await first.close()
  const { ask } = await startDocumented(t, { storage })
  for (const [method, url, body] of [
    ['GET', '/api/profiles', undefined], ['GET', '/api/projects', undefined], ['GET', '/api/context/issue-1/ai-engineer', undefined],
    ['POST', '/api/results', { agent_id: id, agent_type: 'ai-engineer', issue_id: 'issue-1', result: { status: 'success', files_created: [], files_modified: [] } }]
  ] as const) {
    const answer = await ask(method, url, { token, body })
    t.strictSame([answer.status, answer.body.code], [404, 'PRJ_001'], `${method} ${url}`)
  }
})

t.test('what is loaded is listed with its options, secrets masked', async (t) => {
  const folder = await temporaryFolder(t)
  const use = await writePlugin(folder, 'mine.mjs', `
    export default definePlugin({ kind: 'http', name: 'mine', description: 'Mine', options: { type: 'object' }, create: () => ({ async register () {} }) })`)
  const { ask } = await startDocumented(t, { plugins: [{ use, options: { apiToken: 'hidden-value', nested: { password: 'hidden-value' }, size: 3 } }, { use: 'http/cors', enabled: false }] })
  const { text, body: { plugins } } = await ask('GET', '/api/plugins')
  const find = (kind: string, name: string) => plugins.find((plugin: { kind: string, name: string }) => plugin.kind === kind && plugin.name === name)
  t.match(find('http', 'mine'), { kind: 'http', name: 'mine', description: 'Mine', source: 'path', location: use, options: { size: 3 } })
  t.notMatch(text, 'hidden-value')
  t.match(find('event-bus', 'journal'), { source: 'built-in', options: { retentionHours: 24 } })
  for (const kind of ['auth', 'result-store', 'context-cache', 'spawner', 'context-strategy']) t.ok(plugins.some((plugin: { kind: string }) => plugin.kind === kind), kind)
  t.equal(find('http', 'cors'), undefined)
})

t.test('health says that all is well, and of what', async (t) => {
  const { ask, sidecar } = await startDocumented(t)
  const { status, body } = await ask('GET', '/health', { token: '' })
  t.equal(status, 200)
  t.match(body, {
    status: 'healthy',
    service: 'orchestration-sidecar',
    version: sidecar.info.version,
    uptime_seconds: Number,
    checks: { storage: 'healthy', event_bus: 'healthy', memory_usage_mb: Number, cpu_usage_percent: Number, active_agents: 0, event_queue_size: 0, disk_space_available_mb: Number },
    timestamp: RFC3339_UTC
  })
  t.match((await ask('GET', '/health/live', { token: '' })).body, { status: 'alive' })
  t.match((await ask('GET', '/health/ready', { token: '' })).body, { status: 'ready' })
})

t.test('a check that hangs does not hold up the answer, and is told', async (t) => {
  const folder = await temporaryFolder(t)
  const use = await writePlugin(folder, 'slow.mjs', `
    const { createMemoryStore } = await built('plugins/storage/memory.js')
    const never = async () => await new Promise(() => {})
    export default definePlugin({ kind: 'result-store', name: 'slow', create: () => ({ ...createMemoryStore({ maxResults: 1 }), check: never, usage: never }) })`)
  const { ask } = await startDocumented(t, { plugins: [{ use }] })
  const { status, body } = await ask('GET', '/health', { token: '' })
  t.equal(status, 503)
  t.match(body, { status: 'unhealthy', checks: { storage: 'unhealthy: it does not answer', event_bus: 'healthy' } })
})

t.test('the status of an idle server is all zero', async (t) => {
  // Nothing is asked before: the document would count as a response.
  const { ask, storage } = await startSidecar(t)
  const { status, body } = await ask('GET', '/status')
  t.equal(status, 200)
  t.match(body.timestamp, RFC3339_UTC)
  const { storage_path: path, ...figures } = body.storage
  t.equal(path, storage)
  t.strictSame(body.agents, {
    active: 0,
    queued: 0,
    completed: 0,
    failed: 0,
    retried: 0,
    spawned_total: 0,
    by_type: {},
    avg_execution_time_ms: 0,
    transitions: { queued: 0, starting: 0, running: 0, completed: 0, failed: 0, stopped: 0, lost: 0 },
    paused: {},
    breakers: {},
    spent: {}
  })
  t.strictSame(figures, { context_cache_entries: 0, cache_hit_rate: 0, results_stored: 0, total_size_mb: 0 })
  t.strictSame(body.events, { total_published: 0, total_delivered: 0, active_subscriptions: 0, queue_depth: 0, dead_letter_queue_size: 0, avg_delivery_time_ms: 0 })
  t.strictSame(body.performance, { avg_response_time_ms: 0, p95_response_time_ms: 0, p99_response_time_ms: 0, requests_per_second: 0, errors_per_minute: 0 })
})

t.test('response times are those of the last minute, without long polls', async (t) => {
  const begun = performance.now()
  const { ask } = await startDocumented(t)
  const before = (await ask('GET', '/status')).body.performance
  t.strictSame(Object.keys(before), ['avg_response_time_ms', 'p95_response_time_ms', 'p99_response_time_ms', 'requests_per_second', 'errors_per_minute'])
  const polled = performance.now()
  await ask('GET', '/api/events/wait/never?timeout=1500')
  // None of those before took longer than all of them.
  let slowest = polled - begun
  for (let call = 0; call < 30; call++) {
    const started = performance.now()
    await ask('GET', '/api/plugins')
    slowest = Math.max(slowest, performance.now() - started)
  }
  const { performance: after } = (await ask('GET', '/status')).body
  t.ok(after.avg_response_time_ms > 0 && after.avg_response_time_ms <= after.p99_response_time_ms && after.p95_response_time_ms <= after.p99_response_time_ms)
  t.ok(after.p99_response_time_ms < Math.max(1500, slowest), 'the long poll is not among them')
  t.ok(after.requests_per_second > 0)
  t.equal(after.errors_per_minute, 0)
})

t.test('status and metrics are open on a direct loopback connection alone', async (t) => {
  const { ask, agent, sidecar } = await startDocumented(t)
  for (const url of ['/status', '/metrics']) {
    t.equal((await ask('GET', url, { token: '' })).status, 200, url)
    t.equal((await ask('GET', url, { token: 'x' })).status, 401, 'a token that is given must be right')
    for (const header of ['x-forwarded-for', 'forwarded']) {
      t.equal((await ask('GET', url, { token: '', headers: { [header]: 'for=10.0.0.9' } })).status, 401, `through a proxy with ${header}`)
    }
    t.equal((await sidecar.app.inject({ url, remoteAddress: '10.0.0.9' })).statusCode, 401, 'from elsewhere')
    t.equal((await sidecar.app.inject({ url, remoteAddress: '::ffff:127.0.0.1' })).statusCode, 200)
    const { token } = await agent('context-manager')
    t.equal((await sidecar.app.inject({ url, remoteAddress: '10.0.0.9', headers: { authorization: `Bearer ${token}` } })).statusCode, 200, 'from elsewhere with a token')
  }
  const closed = await startDocumented(t, { settings: { 'access-loopback-status': 'false' } })
  for (const url of ['/status', '/metrics']) t.equal((await closed.ask('GET', url, { token: '' })).status, 401)
})

t.test('metrics are those of the contract, and no label names anybody', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const { token, agent_id: id } = await agent('ai-engineer')
  for (const topic of [...STANDARD_TOPICS, 'of-my-own', 'of-my-own-too']) await ask('POST', '/api/events/note-zebra', { token, body: { topic, correlation_id: 'talk-zebra' } })
  await ask('GET', '/api/context/issue-zebra/ai-engineer', { token })
  await ask('GET', '/api/context/issue-zebra/ai-engineer', { token })
  await ask('POST', '/api/results', { token, body: { agent_id: id, agent_type: 'ai-engineer', issue_id: 'issue-zebra', result: { status: 'success', files_created: [], files_modified: [] } } })
  await ask('GET', '/api/results/res-zebra', { token })
  await ask('GET', '/nowhere-zebra', { token })
  const { status, headers, text } = await ask('GET', '/metrics')
  t.equal(status, 200)
  t.match(headers['content-type'], /^text\/plain; version=/)
  for (const topic of STANDARD_TOPICS) t.match(text, new RegExp(`^sidecar_events_published_total\\{topic="${topic}"\\} ${topic === 'implementation' ? 2 : 1}$`, 'm'), topic)
  for (const line of [
    /^sidecar_events_published_total\{topic="custom"\} 2$/m,
    /^sidecar_cache_hits_total 1$/m,
    /^sidecar_cache_misses_total 1$/m,
    /^sidecar_storage_bytes\{kind="results"\} [1-9]\d*$/m,
    /^sidecar_storage_bytes\{kind="events"\} [1-9]\d*$/m,
    /^sidecar_storage_bytes\{kind="context_cache"\} [1-9]\d*$/m,
    /^sidecar_requests_total\{method="GET",route="\/api\/context\/:issue_id\/:agent_type",status="200"\} 2$/m,
    /^sidecar_requests_total\{method="GET",route="\/api\/results\/:id",status="404"\} 1$/m,
    /^sidecar_requests_total\{method="GET",route="none",status="404"\} 1$/m,
    /^sidecar_request_duration_seconds_count\{method="GET",route="\/api\/context\/:issue_id\/:agent_type"\} 2$/m,
    /^# TYPE sidecar_active_agents gauge$/m,
    /^process_cpu_seconds_total /m,
    /^nodejs_eventloop_lag_seconds /m
  ]) t.match(text, line)
  t.notMatch(text, 'zebra')
  t.notMatch(text, id)
  t.notMatch(text, 'of-my-own')
  t.match((await ask('GET', '/metrics')).text, /^sidecar_cache_hits_total 1$/m, 'asking twice counts nothing twice')
})

t.test('the document lists every route, and who may call it', async (t) => {
  const { ask, sidecar } = await startDocumented(t)
  const { headers, body } = await ask('GET', '/openapi.json', { token: '' })
  const document = body as OpenApiDocument & { info: { version: string } }
  t.match(headers['content-type'], /^application\/json/)
  t.match(document.openapi, /^3\.1/)
  t.equal(document.info.version, sidecar.info.version)
  const listed = Object.entries(document.paths).flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`))
  t.strictSame([...listed].sort(), [...CONTRACT].sort(), 'those of the contract')
  const mounted = mountedRoutes(sidecar.app.printRoutes({ commonPrefix: false }))
  t.strictSame(listed.filter((route) => !mounted.includes(route)), [], 'none is listed that is not there')
  t.strictSame(mounted.filter((route) => !listed.includes(route) && !route.includes('/docs')), [], 'none is there that is not listed')
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations) as [string, { summary?: string, tags?: string[], responses: object }][]) {
      t.ok(operation.summary !== undefined && operation.tags?.length === 1, `${method} ${path} says what it does`)
      t.ok(Object.keys(operation.responses).some((status) => status.startsWith('2')), `${method} ${path} says what it answers`)
    }
  }
  const text = JSON.stringify(document)
  const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference!)
  t.ok(references.length > 0)
  for (const reference of new Set(references)) t.ok(document.components.schemas[reference.replace('#/components/schemas/', '')], reference)
  t.match(document.paths['/health']!.get, { security: [] })
  t.match(document.paths['/api/tokens']!.post, { description: 'Needs: spawn_agents' })
})

t.test('the document can be read in a browser', async (t) => {
  const { sidecar } = await startDocumented(t)
  const page = await sidecar.app.inject({ url: '/docs' })
  t.equal(page.statusCode, 200)
  t.match(page.headers['content-type'], /^text\/html/)
  t.match(page.headers['content-security-policy'], "script-src 'self'")
  const scripts = [...page.payload.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)].map(([, link]) => new URL(link!, 'http://localhost/docs/').pathname)
  t.ok(scripts.length > 0)
  for (const url of scripts) t.equal((await sidecar.app.inject({ url })).statusCode, 200, url)
})

/** The routes of Fastify's tree, without those that stand for another: HEAD, and the pages of /docs. */
function mountedRoutes (tree: string): string[] {
  const routes: string[] = []
  const prefixes: string[] = []
  for (const line of tree.split('\n')) {
    const match = /^([│ ]*)[├└]── (\S*)(?: \((.+)\))?$/.exec(line)
    if (match === null) continue
    const depth = match[1]!.length / 4
    prefixes[depth] = (prefixes[depth - 1] ?? '') + match[2]!
    prefixes.length = depth + 1
    for (const method of match[3]?.split(', ') ?? []) {
      if (method !== 'HEAD') routes.push(`${method} ${prefixes[depth]!.replace(/:(\w+)/g, '{$1}')}`)
    }
  }
  return routes
}
