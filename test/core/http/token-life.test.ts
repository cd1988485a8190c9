import { join } from 'node:path'
import t from 'tap'
import { temporaryFolder } from '../../support/temporary.js'
import { startDocumented } from './documented.js'
import { writePlugin } from './plugin-file.js'
import { RIGHTS } from './rights.js'
import { decode, works } from './tokens.js'

const MINUTE_MS = 60_000

t.test('an expired token is told from one that is wrong', async (t) => {
  let now = Date.now()
  const { ask, agent } = await startDocumented(t, { clock: () => now })
  const { token } = await agent('ai-engineer')
  now += 59 * MINUTE_MS
  t.equal((await ask('GET', '/api/plugins', { token })).status, 200)
  now += MINUTE_MS
  const { status, body } = await ask('GET', '/api/plugins', { token })
  t.strictSame([status, body.code], [401, 'AUTH_002'])
  t.equal((await ask('POST', '/api/tokens/refresh', { token })).body.code, 'AUTH_002')
})

t.test('a token in its last five minutes can be replaced, once, and until the chain ends', async (t) => {
  let now = Math.floor(Date.now() / 1000) * 1000
  const { ask, agent } = await startDocumented(t, { clock: () => now })
  const first = await agent('ai-engineer', { agent_id: 'ada' })
  const early = await ask('POST', '/api/tokens/refresh', { token: first.token })
  t.strictSame([early.status, early.body.code], [400, 'VAL_001'])
  now += 54 * MINUTE_MS
  t.equal((await ask('POST', '/api/tokens/refresh', { token: first.token })).status, 400)
  now += MINUTE_MS
  const { status, body } = await ask('POST', '/api/tokens/refresh', { token: first.token })
  t.equal(status, 200)
  t.match(body, { agent_id: 'ada', agent_type: 'ai-engineer', project_id: 'sample', permissions: RIGHTS.coding.permissions })
  t.equal(Date.parse(body.expires_at), now + 60 * MINUTE_MS)
  t.notOk(await works({ ask }, first.token), 'the old one is revoked')
  t.ok(await works({ ask }, body.token))
  t.equal((await ask('POST', '/api/tokens/refresh', { token: first.token })).body.code, 'AUTH_001', 'it cannot be replaced twice')

  const began = now - 55 * MINUTE_MS
  let { token } = body
  let end = Date.parse(body.expires_at)
  for (let round = 0; round < 20; round++) {
    now = end - MINUTE_MS
    const next = await ask('POST', '/api/tokens/refresh', { token })
    if (next.status !== 200) {
      t.strictSame([next.status, next.body.code], [400, 'VAL_001'])
      break
    }
    token = next.body.token
    end = Date.parse(next.body.expires_at)
  }
  t.equal(end, began + 8 * 60 * MINUTE_MS, 'the chain ends after eight hours')
  t.ok(await works({ ask }, token), 'until then the last token holds')
})

t.test('an agent that reads x-refreshed-token never expires', async (t) => {
  let now = Math.floor(Date.now() / 1000) * 1000
  const { ask, agent } = await startDocumented(t, { clock: () => now })
  const { token } = await agent('ai-engineer', { agent_id: 'ada' })
  now += 55 * MINUTE_MS - 1000
  t.equal((await ask('GET', '/api/plugins', { token })).headers['x-refreshed-token'], undefined)
  now += 1000
  const answer = await ask('GET', '/api/events/wait?timeout=0', { token })
  const next = String(answer.headers['x-refreshed-token'])
  t.match(decode(next).payload, { sub: 'ada', agent_type: 'ai-engineer', project_id: 'sample', permissions: RIGHTS.coding.permissions })
  t.equal(Number(decode(next).payload.exp), now / 1000 + 3600)
  t.equal((await ask('GET', '/api/plugins', { token })).headers['x-refreshed-token'], next, 'one token has one successor')
  t.ok(await works({ ask }, token), 'the old one holds until its end')
  const notModified = await ask('GET', '/api/context/issue-1/ai-engineer', { token })
  t.equal(notModified.headers['x-refreshed-token'], next)
  t.equal((await ask('GET', '/api/results/absent', { token })).headers['x-refreshed-token'], undefined, 'an error carries none')
  now += 10 * MINUTE_MS
  t.equal((await ask('GET', '/api/plugins', { token })).body.code, 'AUTH_002')
  t.ok(await works({ ask }, next))
})

t.test('an answer is given also when the next token cannot be made', async (t) => {
  const use = await writePlugin(await temporaryFolder(t), 'auth.mjs', `
    const claims = (id, clock) => ({
      agent_id: id, agent_type: 'ai-engineer', project_id: 'sample', permissions: id === 'operator' ? ['admin'] : [], jti: id,
      issued_at: Math.floor(clock() / 1000), expires_at: Math.floor(clock() / 1000) + 60, chain_started_at: 0
    })
    export default definePlugin({ kind: 'auth', name: 'half', create: (_options, { clock }) => ({
      supports: { issue: true },
      async issue ({ agent_id: id }) {
        if (id !== 'operator') throw new Error('no key')
        return { token: id, claims: claims(id, clock) }
      },
      verify: async (token) => claims(token, clock),
      async refresh () { throw apiError('VAL_001', 'Not now.') },
      revoke: async () => ({ revoked: 0 }),
      publicKeys: async () => ({ keys: [] })
    }) })`)
  const { ask } = await startDocumented(t, { plugins: [{ use }] })
  for (let call = 0; call < 2; call++) {
    const { status, headers } = await ask('GET', '/api/plugins', { token: 'ada' })
    t.strictSame([status, headers['x-refreshed-token']], [200, undefined])
  }
})

t.test('a revoked token is refused at once and after a restart', async (t) => {
  const folder = await temporaryFolder(t)
  const storage = join(folder, 'storage')
  const started = await startDocumented(t, { storage, root: folder })
  const { ask, agent } = started
  const [one, two, three, four] = [await agent('ai-engineer', { agent_id: 'ada' }), await agent('ai-engineer', { agent_id: 'ada' }), await agent('ai-engineer', { agent_id: 'bob' }), await agent('ai-engineer')]
  t.ok(await works(started, one.token), 'verified before, so that a cache would know it')
  const { jti } = decode(one.token).payload
  t.strictSame((await ask('POST', '/api/tokens/revoke', { body: { jti } })).body, { revoked: 1 })
  t.strictSame((await ask('POST', '/api/tokens/revoke', { body: { jti } })).body, { revoked: 0 })
  t.notOk(await works(started, one.token))
  t.ok(await works(started, two.token), 'the agent\'s other token holds')
  t.strictSame((await ask('POST', '/api/tokens/revoke', { body: { agent_id: 'ada' } })).body, { revoked: 1 })
  t.notOk(await works(started, two.token))
  t.ok(await works(started, three.token))
  const renewed = await agent('ai-engineer', { agent_id: 'ada' })
  t.ok(await works(started, renewed.token), 'what is issued afterwards holds')
  for (const body of [{}, { jti: 'a', agent_id: 'b' }, { jti: '' }, { jti: 7 }]) {
    t.equal((await ask('POST', '/api/tokens/revoke', { body })).status, 400, JSON.stringify(body))
  }
  await started.close()

  const again = await startDocumented(t, { storage, root: folder })
  for (const [token, holds] of [[one, false], [two, false], [three, true], [four, true], [renewed, true]] as const) {
    t.equal(await works(again, token.token), holds, 'after the restart as before')
  }
})

t.test('an agent of any project can be revoked', async (t) => {
  const started = await startDocumented(t)
  const { ask, agent } = started
  await ask('POST', '/api/projects', { body: { project_id: 'other', root: await temporaryFolder(t) } })
  const { token } = await agent('ai-engineer', { agent_id: 'ada', project_id: 'other' })
  t.strictSame((await ask('POST', '/api/tokens/revoke', { body: { agent_id: 'ada' } })).body, { revoked: 1 })
  t.notOk(await works(started, token))
})
