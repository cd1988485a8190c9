import t from 'tap'
import { isSignedBy, startReceiver } from '../events/webhooks/receiver.js'
import { numbersOf } from '../events/webhooks/set-up.js'
import { createRepository } from '../../support/repository.js'
import { temporaryFolder } from '../../support/temporary.js'
import { startSidecarProcess } from '../../support/sidecar-process.js'
import { startDocumented } from './documented.js'
import { eventually } from './eventually.js'

const LOCAL = { 'events-webhook-allow': '127.0.0.0/8', 'events-webhook-retry-seconds': '0.01,0.01' }
const NOWHERE = 'http://127.0.0.1:9/hook'

t.test('a webhook is made, shown without its secret, pushed to, tested and deleted', async (t) => {
  const { ask, agent } = await startDocumented(t, { settings: LOCAL })
  const receiver = await startReceiver(t)
  const { token, agent_id: id } = await agent('ai-engineer')
  const { status, body } = await ask('POST', '/api/webhooks', { token, body: { url: receiver.url, types: ['note'], topics: ['error'], filter: 'n:>1', description: 'the tower' } })
  t.equal(status, 201)
  const { secret, webhook_id: webhook, ...shown } = body
  t.match(webhook, /^wh_[0-9A-Z]{26}$/)
  t.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/)
  t.match(shown, {
    url: receiver.url, types: ['note'], topics: ['error'], filter: 'n:>1', description: 'the tower', max_in_flight: 1, created_by: id, state: 'active', reason: null,
    last_success_at: null, last_error: null, last_error_at: null, missed: 0, pending: 0, lag: 0
  })
  t.strictSame((await ask('GET', `/api/webhooks/${webhook}`, { token })).body, { webhook_id: webhook, ...shown })
  t.strictSame((await ask('GET', '/api/webhooks', { token })).body, { webhooks: [{ webhook_id: webhook, ...shown }] })

  t.strictSame((await ask('GET', '/api/events/groups')).body.groups, [], 'its group is nobody else\'s')
  t.equal((await ask('DELETE', `/api/events/groups/webhook:${webhook}`)).status, 400)

  const published = await ask('POST', '/api/events/note', { token, body: { topic: 'error', data: { n: 2 } } })
  await eventually(() => receiver.received.length === 1)
  t.equal(receiver.received[0]!.headers['webhook-id'], published.body.event_id)
  t.match(receiver.received[0]!.headers['user-agent'], /^cco-sidecar\/\d/)
  t.ok(isSignedBy(secret, receiver.received[0]!))
  await eventually(async () => (await ask('GET', `/api/webhooks/${webhook}`, { token })).body.last_success_at !== null)

  const test = await ask('POST', `/api/webhooks/${webhook}/test`, { token })
  t.match(test, { status: 200, body: { delivered: true, status: 204, error: null } })
  t.match(receiver.received[1]!.body, { type: 'webhook_test', data: { event_type: 'webhook_test', publisher: 'sidecar', data: { webhook_id: webhook } } })
  t.ok(isSignedBy(secret, receiver.received[1]!))
  t.strictSame((await ask('GET', '/api/events?type=webhook_test')).body.events, [], 'it is no event of the project')

  t.match((await ask('GET', '/metrics')).text, /sidecar_webhook_deliveries_total\{outcome="delivered"\} 1\n[\s\S]*sidecar_webhook_pending 0\n/)
  t.match(await ask('DELETE', `/api/webhooks/${webhook}`, { token }), { status: 200, body: { webhook_id: webhook, deleted: true } })
  t.equal((await ask('GET', `/api/webhooks/${webhook}`, { token })).body.code, 'NOT_001')
  t.equal((await ask('DELETE', `/api/webhooks/${webhook}`, { token })).status, 404)
})

t.test('what is not valid is refused by its name, and makes nothing', async (t) => {
  const { ask } = await startDocumented(t)
  const url = 'http://1.1.1.1/hook'
  const wrong: [body: Record<string, unknown>, path: string][] = [
    [{}, 'url'], [{ url: 'nowhere' }, 'url'], [{ url: 'ftp://1.1.1.1' }, 'url'], [{ url: 'http://a:b@1.1.1.1' }, 'url'], [{ url: 'http://localhost/' }, 'url'],
    [{ url: 'http://127.0.0.1' }, 'url'], [{ url: 'http://0x7f.1' }, 'url'], [{ url: 'http://[::ffff:10.0.0.1]' }, 'url'], [{ url: 'http://169.254.169.254/' }, 'url'],
    [{ url, types: [] }, 'types'], [{ url, types: ['Note'] }, 'types'], [{ url, types: ['a', 'a'] }, 'types'], [{ url, topics: 'error' }, 'topics'], [{ url, filter: 'x' }, 'filter'],
    [{ url, secret: 'whsec_short' }, 'secret'], [{ url, secret: 'x'.repeat(129) }, 'secret'], [{ url, max_in_flight: 0 }, 'max_in_flight'], [{ url, max_in_flight: 17 }, 'max_in_flight'],
    [{ url, since: 'yesterday' }, 'since'], [{ url, since: 'cur_AAAA' }, ''], [{ url, description: 'x'.repeat(1001) }, 'description'], [{ url, retries: 3 }, 'retries']
  ]
  for (const [body, path] of wrong) {
    const answer = await ask('POST', '/api/webhooks', { body })
    t.strictSame([answer.status, answer.body.code], [400, 'VAL_001'], JSON.stringify(body))
    if (path !== '') t.match(answer.body.details.issues[0].path, new RegExp(`^${path}`), JSON.stringify(body))
  }
  t.match((await ask('POST', '/api/webhooks', { body: { url: 'http://127.0.0.1' } })).body.message, /events\.webhook_allow/)
  t.strictSame((await ask('GET', '/api/webhooks')).body.webhooks, [])
})

t.test('an agent manages its own webhooks, the operator all, and another project knows none', async (t) => {
  const second = await temporaryFolder(t)
  await createRepository(second, { 'README.md': '# Second\n' })
  const { ask, agent } = await startDocumented(t, { settings: LOCAL, projects: [{ project_id: 'second', root: second }] })
  const [mine, other, foreign, reader] = [await agent('ai-engineer'), await agent('ai-engineer'), await agent('ai-engineer', { project_id: 'second' }), await agent('technical-writer')]
  const { webhook_id: id } = (await ask('POST', '/api/webhooks', { token: mine.token, body: { url: NOWHERE } })).body
  const calls = [['GET', ''], ['POST', '/enable'], ['POST', '/disable'], ['POST', '/test'], ['POST', '/secret'], ['DELETE', '']] as const
  for (const [method, rest] of calls) {
    const body = rest === '/secret' ? {} : undefined
    const refused = async (token: string): Promise<unknown> => (await ask(method, `/api/webhooks/${id}${rest}`, { token, body })).body.code
    t.equal(await refused(other.token), 'AUTH_003', `${method} ${rest}`)
    t.equal(await refused(foreign.token), 'NOT_001', `${method} ${rest}`)
    t.equal(await refused(reader.token), 'AUTH_003', `${method} ${rest}`)
  }
  t.equal((await ask('POST', '/api/webhooks', { token: reader.token, body: { url: NOWHERE } })).status, 403)
  t.strictSame((await ask('GET', '/api/webhooks', { token: other.token })).body.webhooks, [])
  t.strictSame((await ask('GET', '/api/webhooks', { token: foreign.token })).body.webhooks, [])
  t.strictSame((await ask('GET', '/api/webhooks')).body.webhooks.map((each: { webhook_id: string }) => each.webhook_id), [id])
  for (const [method, rest] of calls) {
    t.equal((await ask(method, `/api/webhooks/${id}${rest}`, { body: rest === '/secret' ? {} : undefined })).status, 200, `${method} ${rest}`)
  }
})

t.test('a project has so many webhooks', async (t) => {
  const { ask } = await startDocumented(t, { settings: { ...LOCAL, 'events-max-webhooks': '2' } })
  const answers = await Promise.all([1, 2, 3, 4].map(async () => await ask('POST', '/api/webhooks', { body: { url: NOWHERE } })))
  t.strictSame(answers.map(({ status }) => status).sort(), [201, 201, 400, 400])
  t.match(answers.find(({ status }) => status === 400)!.body.message, /events\.max_webhooks/)
  await ask('DELETE', `/api/webhooks/${answers.find(({ status }) => status === 201)!.body.webhook_id}`)
  t.equal((await ask('POST', '/api/webhooks', { body: { url: NOWHERE } })).status, 201)
})

t.test('disabled by hand, nothing is pushed until it is enabled', async (t) => {
  const { ask, operator } = await startDocumented(t, { settings: LOCAL })
  const receiver = await startReceiver(t)
  const { webhook_id: id } = (await ask('POST', '/api/webhooks', { body: { url: receiver.url } })).body
  t.match((await ask('POST', `/api/webhooks/${id}/disable`)).body, { state: 'disabled', reason: '\'operator\' disabled it' })
  await ask('POST', '/api/events/note', { body: { topic: 'error', data: { number: 1 } } })
  t.match((await ask('GET', `/api/webhooks/${id}`)).body, { lag: 1, pending: 0 })
  t.match((await ask('POST', `/api/webhooks/${id}/enable`)).body, { state: 'active', reason: null })
  await eventually(() => receiver.received.length === 1)
  t.ok(operator)
})

t.test('a new secret signs beside the one before, and a third takes its place', async (t) => {
  const { ask } = await startDocumented(t, { settings: LOCAL })
  const receiver = await startReceiver(t)
  const given = `whsec_${Buffer.alloc(24, 1).toString('base64')}`
  const made = await ask('POST', '/api/webhooks', { body: { url: receiver.url, secret: given } })
  t.notOk('secret' in made.body, 'who brought it knows it')
  const path = `/api/webhooks/${made.body.webhook_id}`
  const { secret: second } = (await ask('POST', `${path}/secret`, { body: {} })).body
  await ask('POST', `${path}/test`)
  t.strictSame([given, second].map((secret) => isSignedBy(secret, receiver.received[0]!)), [true, true])
  const { secret: third } = (await ask('POST', `${path}/secret`, { body: {} })).body
  await ask('POST', `${path}/test`)
  t.strictSame([given, second, third].map((secret) => isSignedBy(secret, receiver.received[1]!)), [false, true, true])
  for (const answer of [await ask('GET', path), await ask('GET', '/api/webhooks'), await ask('POST', `${path}/enable`), await ask('POST', `${path}/disable`)]) {
    t.notMatch(answer.text, /whsec_|secret/)
  }
  t.equal((await ask('POST', `${path}/secret`, { body: { secret: 'whsec_' } })).status, 400)
})

t.test('a dead letter is pushed once more when it is driven again', async (t) => {
  const { ask } = await startDocumented(t, { settings: { ...LOCAL, 'events-webhook-retry-seconds': '' } })
  let status = 500
  const receiver = await startReceiver(t, () => status)
  const { webhook_id: id } = (await ask('POST', '/api/webhooks', { body: { url: receiver.url } })).body
  const { event_id: event } = (await ask('POST', '/api/events/note', { body: { topic: 'error' } })).body
  const letters = async (): Promise<{ event: { event_id: string }, target: string }[]> => (await ask('GET', '/api/events/dead-letters')).body.dead_letters
  t.match(await eventually(letters, (found) => found.length === 1), [{ event: { event_id: event }, target: `webhook:${id}`, attempts: 1, last_error: 'the receiver answered 500' }])
  status = 200
  t.equal((await ask('POST', `/api/events/dead-letters/${event}/redrive`)).status, 202)
  await eventually(() => receiver.received.length === 2)
  t.strictSame(receiver.received.map(({ headers }) => headers['webhook-id']), [event, event])
  t.strictSame(await letters(), [])
})

t.test('after a restart it goes on where it was, with what waited for another attempt', async (t) => {
  let status = 503
  const receiver = await startReceiver(t, () => status)
  const settings = { ...LOCAL, 'events-webhook-retry-seconds': '0.5,0.5,0.5' }
  const { ask, close, storage, root } = await startDocumented(t, { settings })
  const { webhook_id: id, secret } = (await ask('POST', '/api/webhooks', { body: { url: receiver.url } })).body
  for (const number of [1, 2]) await ask('POST', '/api/events/note', { body: { topic: 'error', data: { number } } })
  await eventually(async () => (await ask('GET', `/api/webhooks/${id}`)).body.last_error !== null)
  await close()
  status = 200
  const next = await startDocumented(t, { settings, storage, root })
  t.match((await next.ask('GET', `/api/webhooks/${id}`)).body, { last_error: null, url: receiver.url })
  await next.ask('POST', '/api/events/note', { body: { topic: 'error', data: { number: 3 } } })
  await eventually(() => receiver.received.length === 4)
  t.strictSame(numbersOf(receiver.received), [1, 1, 2, 3])
  t.ok(receiver.received.every((message) => isSignedBy(secret, message)))
})

t.test('after a crash nothing that was acknowledged is lost', async (t) => {
  const storage = await temporaryFolder(t)
  const root = await temporaryFolder(t)
  await createRepository(root, { 'README.md': '# Sample\n' })
  let isUp = false
  const receiver = await startReceiver(t, () => (isUp ? 200 : undefined))
  const first = await startSidecarProcess(t, { storage, root, settings: LOCAL })
  await first.ask('POST', '/api/webhooks', { body: { url: receiver.url, max_in_flight: 4 } })
  const numbers = Array.from({ length: 40 }, (_, index) => index + 1)
  for (const number of numbers) {
    const { status } = await first.ask('POST', '/api/events/note', { body: { topic: 'error', data: { number } } })
    t.equal(status, 202)
  }
  await eventually(() => receiver.received.length === 4)
  await first.kill()
  isUp = true
  const second = await startSidecarProcess(t, { storage, root, settings: LOCAL })
  await eventually(() => receiver.received.length === 40)
  t.strictSame(numbersOf(receiver.received).sort((one, other) => Number(one) - Number(other)), numbers)
  const pending = async (): Promise<number> => (await second.ask('GET', '/api/webhooks')).body.webhooks[0].pending as number
  t.equal(await eventually(pending, (count) => count <= 4), 4, 'what was under way comes again when its time is over')
  t.equal(await second.stop(), 0)
})

t.test('a setting that is neither name nor address nor range stops the start', async (t) => {
  await t.rejects(startDocumented(t, { settings: { 'events-webhook-allow': '10.0.0.0/99' } }), { code: 'SIDECAR_ERR_CONFIG_INVALID', message: /events\.webhook_allow/ })
})
