import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { newestFirst } from '../../../core/audit/read.js'
import { verifyAuditLog } from '../../../core/audit/verify.js'
import { inspectTrust } from '../../../core/config/trust.js'
import type { AuditRecord } from '../../../core/contracts/index.js'
import { diskError, interceptFileHandles } from '../../support/file-handle.js'
import { temporaryFolder } from '../../support/temporary.js'
import { startDocumented } from './documented.js'
import { writePlugin } from './plugin-file.js'

/** Changing routes that are no act of their own: what agents do all the time, and what can be done again. */
const NO_ACTS = [
  'DELETE /api/cache/context/:issue_id', 'POST /api/agents/:agent_id/status', 'POST /api/events/:event_type', 'POST /api/events/ack', 'POST /api/events/extend',
  'POST /api/events/nack', 'POST /api/results', 'POST /api/triggers/evaluate', 'PUT /api/events/groups/:group', 'PUT /api/issues/:issue_id'
]

const HOOK = `
export default definePlugin({
  kind: 'http',
  name: 'listing',
  create: () => ({
    async register (app) {
      globalThis.auditedRoutes = []
      app.addHook('onRoute', ({ method, url, config }) => { globalThis.auditedRoutes.push({ method, url, audit: config?.audit }) })
    }
  })
})
`

const started = await startDocumented(t, {
  files: { 'README.md': '# Sample\n', '.cco/config.json': '{}' },
  plugins: [await writePlugin(await temporaryFolder(t), 'listing.mjs', HOOK)],
  settings: { 'spawn-command': `"${process.execPath}" -e "setInterval(() => {}, 1000)"`, 'events-webhook-allow': '127.0.0.1' }
})
const { ask, agent, storage, sidecar, operator } = started
const directory = join(storage, 'audit')
await sidecar.app.listen({ port: 0, host: '127.0.0.1' })

async function last (action: string, actor?: string): Promise<AuditRecord> {
  for await (const record of newestFirst(directory)) if (record.action === action && (actor === undefined || record.actor === actor)) return record
  throw new Error(`there is no record of ${action}`)
}

t.test('every route that changes something is an act, or known to be none', async (t) => {
  const routes = (globalThis as unknown as { auditedRoutes: { method: string, url: string, audit?: string }[] }).auditedRoutes
  const changing = routes.filter(({ method }) => !['GET', 'HEAD', 'OPTIONS'].includes(method))
  t.ok(changing.length > 20)
  t.strictSame(changing.filter(({ audit }) => audit === undefined).map(({ method, url }) => `${method} ${url}`).sort(), NO_ACTS)
})

t.test('what was acknowledged is in the log: who, what, to what, from where and by which request', async (t) => {
  const issued = await ask('POST', '/api/tokens', { body: { agent_type: 'test-engineer', agent_id: 'tester-1' }, headers: { 'x-request-id': 'issue-it' } })
  t.match(await last('token.issued'), {
    outcome: 'success', actor: 'operator', actor_type: 'operator', project: 'sample', resource: 'agent/tester-1', request_id: 'issue-it', address: '127.0.0.1',
    details: { agent_type: 'test-engineer', permissions: ['read_context', 'write_results', 'publish_events'] }
  })
  const { jti } = (await last('token.issued')).details as { jti: string }
  await ask('POST', '/api/tokens/revoke', { body: { jti } })
  t.match(await last('token.revoked'), { outcome: 'success', actor: 'operator', resource: `token/${jti}` })

  const { body: spawned } = await ask('POST', '/api/agents/spawn', { body: { agent_type: 'test-engineer', issue_id: 'issue-1', task: 'x', environment: { API_KEY: 'hidden-value' } } })
  t.match(await last('agent.spawned'), { actor: 'operator', resource: `agent/${spawned.agent_id}`, details: { issue_id: 'issue-1', spawner: 'process', environment: ['API_KEY'] } })
  t.match(await last('agent.started'), { actor: 'sidecar', resource: `agent/${spawned.agent_id}`, details: { process_id: spawned.process_id } })
  await ask('DELETE', `/api/agents/${spawned.agent_id}?force=true`)
  t.match(await last('agent.stopped'), { actor: 'operator', resource: `agent/${spawned.agent_id}` })
  t.match(await last('agent.ended'), { actor: 'sidecar', resource: `agent/${spawned.agent_id}`, details: { state: 'stopped' } })
  t.match(await last('token.revoked'), { actor: 'sidecar', resource: `agent/${spawned.agent_id}` })

  const { body: webhook } = await ask('POST', '/api/webhooks', { body: { url: 'http://127.0.0.1:9/hidden-value?key=hidden-value' } })
  t.match(await last('webhook.created'), { resource: `webhook/${webhook.webhook_id}`, details: { origin: 'http://127.0.0.1:9' } })
  await ask('DELETE', `/api/webhooks/${webhook.webhook_id}`)
  t.match(await last('webhook.deleted'), { resource: `DELETE /api/webhooks/${webhook.webhook_id}` })

  await ask('POST', '/api/results/prune', { body: { before: '2020-01-01T00:00:00Z' } })
  t.match(await last('results.pruned'), { details: { before: '2020-01-01T00:00:00.000Z', removed: 0 } })
  await ask('DELETE', '/api/events/dead-letters?all=true')
  t.match(await last('dead_letters.purged'), { details: { purged: 0 } })
  await ask('DELETE', '/api/cache/all')
  t.match(await last('cache.cleared'), { resource: 'DELETE /api/cache/all' })
  await ask('POST', '/api/projects', { body: { project_id: 'more', root: storage } })
  t.match(await last('project.added'), { project: 'more', details: { root: storage } })
  const { hash } = await inspectTrust(started.root)
  const trusting = { project_id: 'shop', root: started.root, hash }
  for (const wrong of [{ hash: hash.replace(/./g, '0') }, { hash: hash.slice(1) }, { root: '.' }, { root: join(storage, 'absent') }, { root: `${started.root}\0` }, { project_id: 'a/b' }]) {
    t.match(await ask('POST', '/api/trust', { body: { ...trusting, ...wrong } }), { status: 400, body: { code: 'VAL_001' } }, JSON.stringify(wrong))
  }
  t.match(await last('project.trusted'), { outcome: 'failed', code: 'VAL_001' }, 'what was not true is not recorded as trust')
  t.match(await ask('POST', '/api/trust', { body: trusting }), { status: 201, body: { project_id: 'shop', hash, files: ['.cco/config.json'] } })
  t.match(await last('project.trusted'), { outcome: 'success', actor: 'operator', project: 'shop', resource: 'project/shop', details: { root: started.root, hash, files: ['.cco/config.json'] } })
  t.match(await last('project.trusted', 'sidecar'), { project: 'sample', resource: 'project/sample', details: { hash: /^[0-9a-f]{64}$/, files: ['.cco/config.json'] } })
  t.match(await last('sidecar.started'), { actor: 'sidecar', details: { slots: ['auth/jwt', 'event-bus/journal', 'result-store/files'] } })
  const text = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8')).join('')
  for (const secret of [operator, issued.body.token as string, spawned.jwt_token as string]) t.notOk(text.includes(secret.split('.')[2]!), 'no token is in it')
  t.notOk(text.includes('hidden-value'), 'and no value of an environment or an address')
})

t.test('what is read, published and stored is not in it', async (t) => {
  const before = (await verifyAuditLog(directory)).records
  const { token, agent_id: id } = await agent('test-engineer', { agent_id: 'tester-2' })
  await ask('GET', '/api/agents', { token })
  await ask('POST', '/api/events/publish', { token, body: { event_type: 'tests_passed', topic: 'testing' } })
  await ask('POST', '/api/results', { token, body: { agent_id: id, agent_type: 'test-engineer', issue_id: 'issue-1', result: { status: 'success', files_created: [], files_modified: [] } } })
  await ask('POST', '/api/results/prune', { body: { before: '2020-01-01T00:00:00Z', dry_run: true } })
  t.equal((await verifyAuditLog(directory)).records, before + 1, 'only the token of this test')
})

t.test('refusals are recorded, equal ones once', async (t) => {
  const { token } = await agent('test-engineer', { agent_id: 'tester-3' })
  for (let again = 0; again < 3; again++) await ask('DELETE', '/api/cache/all?x=hidden-value', { token })
  // The next act is durable only with everything before it.
  await agent('test-engineer')
  t.match(await last('permission.denied'), { outcome: 'refused', code: 'AUTH_003', actor: 'tester-3', resource: 'DELETE /api/cache/all', address: '127.0.0.1' })
  await ask('GET', '/api/agents', { token: `${token.slice(0, -8)}AAAAAAAA` })
  await ask('GET', '/api/agents', { token: '' })
  await ask('DELETE', '/api/agents/nobody-1')
  await agent('test-engineer')
  t.match(await last('token.refused'), { outcome: 'refused', code: 'AUTH_001', actor: null, resource: 'GET /api/agents' })
  t.match(await last('agent.stopped'), { outcome: 'failed', code: 'NOT_001', actor: 'operator', resource: 'DELETE /api/agents/nobody-1' })
  let denied = 0
  for await (const record of newestFirst(directory)) if (record.action === 'permission.denied') denied++
  t.equal(denied, 1)
})

t.test('nobody forges a line', async (t) => {
  const before = (await verifyAuditLog(directory)).records
  const path = `/api/agents/${encodeURIComponent('x\n{"seq":1,"action":"token.revoked"}')}/status`
  await ask('POST', path, { token: (await agent('test-engineer')).token, body: {} })
  await ask('DELETE', '/api/agents/a%0d%0ab', {})
  const { records, faults } = await verifyAuditLog(directory)
  t.ok(records > before)
  t.strictSame(faults, [])
})

t.test('names that the log gives to nobody else cannot be taken', async (t) => {
  for (const name of ['operator', 'sidecar', 'cli']) {
    t.match(await ask('POST', '/api/tokens', { body: { agent_type: 'test-engineer', agent_id: name } }), { status: 400, body: { code: 'VAL_001' } }, name)
  }
})

t.test('while nothing can be recorded nothing is given, what takes away is done, and all is recorded later', async (t) => {
  const { token } = await agent('test-engineer', { agent_id: 'tester-4' })
  const restore = interceptFileHandles(t, 'write', async (original, _handle, [bytes]) => {
    // Other logs are written in the same way.
    if (bytes instanceof Buffer && bytes.includes('"prev":"')) throw diskError('ENOSPC')
    return await original()
  })
  const first = await ask('POST', '/api/tokens', { body: { agent_type: 'test-engineer', agent_id: 'unrecorded' } })
  t.match(first, { status: 503, body: { code: 'STR_001' } }, 'the act whose record fails')
  t.notOk(first.text.includes('"token"'))
  t.match(await ask('POST', '/api/tokens', { body: { agent_type: 'test-engineer' } }), { status: 503, body: { code: 'STR_001', message: /nothing is done/ } }, 'and those after it')
  t.match((await ask('GET', '/health')).body, { status: 'degraded', checks: { audit: /ENOSPC/ } })
  t.equal((await ask('GET', '/api/agents', { token })).status, 200, 'reading goes on')
  t.equal((await ask('POST', '/api/tokens/revoke', { body: { agent_id: 'tester-4' } })).status, 200)
  t.equal((await ask('GET', '/api/agents', { token })).status, 401)
  restore()
  await t.resolveMatch((async () => {
    for (;;) {
      const answer = await ask('POST', '/api/tokens', { body: { agent_type: 'test-engineer', agent_id: 'recorded' } })
      if (answer.status !== 503) return answer
      await sleep(50)
    }
  })(), { status: 201 }, 'it heals by itself')
  const records: AuditRecord[] = []
  for await (const record of newestFirst(directory)) records.push(record)
  for (const resource of ['agent/unrecorded', 'agent/tester-4', 'agent/recorded']) t.ok(records.some((record) => record.resource === resource), resource)
  t.match((await ask('GET', '/metrics')).text, /sidecar_audit_write_failures_total [1-9]/)
  t.match((await ask('GET', '/metrics')).text, /sidecar_audit_records_total\{action="token.issued",outcome="success"\} \d+/)
  t.strictSame((await verifyAuditLog(directory)).faults, [])
})
