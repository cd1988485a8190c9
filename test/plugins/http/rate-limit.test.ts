import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import type { AgentProfile, Claims } from '../../../core/contracts/index.js'
import { apiError } from '../../../core/errors.js'
import { mountErrors } from '../../../core/http/errors.js'
import { networkOf } from '../../../core/connection.js'
import { mountAddressGuard } from '../../../plugins/http/address-guard.js'
import type { Bucket, BucketStore } from '../../../plugins/http/bucket-store.js'
import { createRateLimit } from '../../../plugins/http/rate-limit.js'
import { TokenBuckets } from '../../../plugins/http/token-buckets.js'
import { startSidecar } from '../../support/sidecar.js'

const LIMITED = { limits: { requests_per_minute: 60, burst: 10 } } as AgentProfile

const claims = (more: Partial<Claims> = {}): Claims => ({
  agent_id: 'coder-1', agent_type: 'coder', project_id: 'shop', permissions: ['read_context'], jti: 'tok_1', issued_at: 0, expires_at: 1, chain_started_at: 0, ...more
})

/** A server that lets in whoever is given, by the name in the header. */
async function serve (t: { teardown (handler: () => Promise<void>): unknown }, { store, projectPerMinute = 1000, callers, addressPerMinute }: {
  store: BucketStore, projectPerMinute?: number, callers: Record<string, Claims>, addressPerMinute?: { perMinute: number, buckets: TokenBuckets }
}): Promise<FastifyInstance> {
  const app = Fastify()
  t.teardown(async () => await app.close())
  mountErrors(app)
  app.decorateRequest('caller', null)
  const guard = addressPerMinute === undefined ? undefined : await mountAddressGuard(app, addressPerMinute.perMinute, addressPerMinute.buckets)
  app.addHook('onRequest', async (request) => {
    if (request.is404 || request.routeOptions.config.access === 'open') return
    request.caller = callers[request.headers.authorization ?? ''] ?? null
    if (request.caller === null) throw apiError('AUTH_001', 'No such caller.')
  })
  await createRateLimit({ projectPerMinute }, {
    version: '', profile: (_project, type) => (type === 'coder' ? LIMITED : undefined), telemetry: async () => { throw new Error('not asked for') }
  }, store, guard).register(app)
  app.get('/', { config: { access: 'any' } }, async () => 'ok')
  app.get('/health', { config: { access: 'open', priority: 'always' } }, async () => 'ok')
  return app
}

const ask = async (app: FastifyInstance, authorization: string, more: object = {}) => await app.inject({ url: '/', headers: { authorization }, ...more })

t.test('exactly the burst passes of all that come at once, also over a store that answers later', async (t) => {
  const memory = new TokenBuckets({ now: () => 0 })
  const later: BucketStore = {
    async draw (buckets: readonly Bucket[]) {
      await new Promise((resolve) => { setImmediate(resolve) })
      return memory.draw(buckets)
    }
  }
  for (const store of [new TokenBuckets({ now: () => 0 }), later]) {
    const app = await serve(t, { store, callers: { one: claims(), other: claims({ agent_id: 'coder-2' }), again: claims() } })
    const answers = await Promise.all(Array.from({ length: 60 }, async (_, index) => await ask(app, ['one', 'other', 'again'][index % 3]!)))
    const passed = (from: number): number => answers.filter(({ statusCode }, index) => index % 3 === from && statusCode === 200).length
    t.equal(passed(1), 10, 'each agent for itself')
    t.equal(passed(0) + passed(2), 10, 'whichever of its tokens an agent shows')
    const refused = answers.find(({ statusCode }) => statusCode === 429)!
    t.match(refused.json(), { code: 'RATE_001', error: 'rate_limited', retry_after_seconds: 1, limit: 60, details: { retry_after_seconds: 1, limit: 60 } })
    t.match(refused.headers, { 'retry-after': '1', 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' })
  }
})

t.test('a bucket refills while the clock runs, and headers say what is left', async (t) => {
  let now = 0
  const app = await serve(t, { store: new TokenBuckets({ now: () => now }), callers: { one: claims() } })
  t.match((await ask(app, 'one')).headers, { 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '9', 'x-ratelimit-reset': '1' })
  for (let count = 0; count < 9; count++) await ask(app, 'one')
  t.equal((await ask(app, 'one')).statusCode, 429)
  now = 999
  t.equal((await ask(app, 'one')).statusCode, 429)
  now = 1000
  t.equal((await ask(app, 'one')).statusCode, 200)
  t.equal((await ask(app, 'one')).statusCode, 429)
  now = 1_000_000
  t.equal((await ask(app, 'one')).headers['x-ratelimit-remaining'], '9')
})

t.test('a project has a limit of its own, which architects share and the operator does not', async (t) => {
  const app = await serve(t, {
    store: new TokenBuckets({ now: () => 0 }),
    projectPerMinute: 12,
    callers: { one: claims(), architect: claims({ agent_type: 'architect' }), operator: claims({ permissions: ['admin'] }), elsewhere: claims({ project_id: 'other' }) }
  })
  for (let count = 0; count < 10; count++) t.equal((await ask(app, 'one')).statusCode, 200)
  t.equal((await ask(app, 'one')).json().limit, 60, 'what an agent is refused for its own sake takes nothing from the others')
  for (let count = 0; count < 2; count++) {
    const { statusCode, headers } = await ask(app, 'architect')
    t.equal(statusCode, 200)
    t.notOk('x-ratelimit-limit' in headers, 'nothing limits it alone')
  }
  const refused = await ask(app, 'architect')
  t.equal(refused.statusCode, 429)
  t.match(refused.json(), { limit: 12, retry_after_seconds: 5 })
  t.equal((await ask(app, 'operator')).statusCode, 200)
  t.equal((await ask(app, 'elsewhere')).statusCode, 200)
})

t.test('a store that fails lets nobody through', async (t) => {
  const app = await serve(t, { store: { draw: async () => { throw new Error('gone') } }, callers: { one: claims() } })
  const { statusCode, headers, body } = await ask(app, 'one')
  t.equal(statusCode, 503)
  t.match(JSON.parse(body), { code: 'SRV_002' })
  t.ok(headers['retry-after'])
})

t.test('an address that asks in vain is turned away before its token is looked at', async (t) => {
  let now = 0
  const addressPerMinute = { perMinute: 60, buckets: new TokenBuckets({ now: () => now }) }
  const app = await serve(t, { store: new TokenBuckets({ now: () => 0 }), callers: { good: claims(), new: claims({ agent_id: 'coder-2' }) }, addressPerMinute })
  const from = (remoteAddress: string): object => ({ remoteAddress })
  t.equal((await ask(app, 'good', from('192.0.2.1'))).statusCode, 200)
  t.equal(addressPerMinute.buckets.size, 0, 'what is good is not counted')
  const garbage = await Promise.all(Array.from({ length: 70 }, async (_, index) => (await ask(app, `garbage ${index}`, from('192.0.2.1'))).statusCode))
  t.equal(garbage.filter((status) => status === 401).length, 60)
  t.equal(garbage.filter((status) => status === 429).length, 10)
  const refused = await ask(app, 'new', from('192.0.2.1'))
  t.equal(refused.statusCode, 429, 'also with a token that nobody has seen yet')
  t.match(refused.json(), { code: 'RATE_001', limit: 60, retry_after_seconds: 1 })
  t.equal((await ask(app, 'good', from('192.0.2.1'))).statusCode, 200, 'a token that was good before passes')
  t.equal((await app.inject({ url: '/health', remoteAddress: '192.0.2.1' })).statusCode, 200)
  t.equal((await app.inject({ url: '/absent', remoteAddress: '192.0.2.1' })).statusCode, 429)
  t.equal((await ask(app, 'new', from('192.0.2.2'))).statusCode, 200, 'another address')
  now = 1000
  t.equal((await ask(app, 'new', from('192.0.2.1'))).statusCode, 200, 'after a while')
})

t.test('routes that are not there count as well, and an IPv6 network is one address', async (t) => {
  const addressPerMinute = { perMinute: 3, buckets: new TokenBuckets({ now: () => 0 }) }
  const app = await serve(t, { store: new TokenBuckets({ now: () => 0 }), callers: { good: claims() }, addressPerMinute })
  const statuses = []
  for (let host = 1; host <= 4; host++) statuses.push((await app.inject({ url: `/${host}`, remoteAddress: `2001:db8:0:1::${host}` })).statusCode)
  t.strictSame(statuses, [404, 404, 404, 429])
  t.equal((await ask(app, 'good', { remoteAddress: '2001:db8:0:2::1' })).statusCode, 200)
  // Each request of the harness comes over a connection of its own.
  for (let count = 0; count < 10; count++) t.equal((await ask(app, 'garbage', { remoteAddress: '127.0.0.1' })).statusCode, 401)
  t.strictSame(['192.0.2.1', '::ffff:192.0.2.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', undefined].map(networkOf), ['192.0.2.1', '192.0.2.1', undefined, undefined, undefined, undefined])
  t.strictSame(['2001:db8::1', '2001:0db8:0:0:9::', '2001:db8:1:2:3:4:5:6', 'fe80::1%eth0'].map(networkOf), ['2001:db8:0:0::/64', '2001:db8:0:0::/64', '2001:db8:1:2::/64', 'fe80:0:0:0::/64'])
})

t.test('agents are held to the rates of their groups', async (t) => {
  const { ask, agent } = await startSidecar(t, { settings: { 'events-max-waits-per-agent': '2' } })
  // The groups differ in what they may do, and in how much of it.
  for (const [type, limit, burst] of [['python-specialist', 60, 10], ['api-documenter', 30, 5]] as const) {
    const { token } = await agent(type)
    const { headers } = await ask('GET', '/api/agents', { token })
    t.match(headers, { 'x-ratelimit-limit': limit, 'x-ratelimit-remaining': burst - 1 }, type)
  }
  const { token } = await agent('chief-architect')
  t.notOk('x-ratelimit-limit' in (await ask('GET', '/api/agents', { token })).headers)
  const waits = [1, 2].map(async () => await ask('GET', '/api/events/wait/never?timeout=60000', { token }))
  const third = await ask('GET', '/api/events/wait/never?timeout=60000', { token })
  t.equal(third.status, 429, 'an agent holds so many waits at once')
  t.match(third.body, { code: 'RATE_001', limit: 2 })
  t.equal((await ask('GET', '/api/events/wait/never?timeout=0', { token: (await agent('chief-architect')).token })).status, 200, 'another agent')
  await ask('POST', '/api/events/never', { body: { topic: 'coordination' } })
  t.strictSame((await Promise.all(waits)).map(({ status }) => status), [200, 200])
  t.equal((await ask('GET', '/api/events/wait/never?timeout=0', { token })).status, 200, 'a place that came free')
})
