import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { eventually } from '../../http/eventually.js'
import { isSignedBy, startReceiver } from './receiver.js'
import { memoryBus, NEIGHBOUR, numbersOf, PROJECT, setUp } from './set-up.js'

t.test('what a webhook is for is pushed, whole and signed', async (t) => {
  const { webhooks, publish, bus } = setUp(t)
  const receiver = await startReceiver(t)
  const { secret } = await webhooks.create(PROJECT, 'ada', { url: receiver.url, types: ['note', 'task'], topics: ['coordination', 'error'], filter: 'number:>2' })
  const before = Math.floor(Date.now() / 1000)
  await publish(1)
  await publish(3, { event_type: 'other' })
  await publish(4, { topic: 'testing' })
  const id = await publish(5, { event_type: 'task', topic: 'error', correlation_id: 'talk ä', round: 2, references: 'evt_0' })
  await publish(6)
  await eventually(() => receiver.received.length === 2)
  const [message] = receiver.received
  const { event } = (await bus.read(PROJECT, { after: (await bus.locate(PROJECT, { at: 'event', event_id: id }))!, limit: 1 })).items[0]!
  t.strictSame(message!.body, { type: 'task', timestamp: event.timestamp, data: event })
  t.equal(message!.headers['webhook-id'], id)
  const seconds = Number(message!.headers['webhook-timestamp'])
  t.ok(seconds >= before && seconds <= Date.now() / 1000)
  t.ok(isSignedBy(secret!, message!))
  t.notOk(isSignedBy(secret!, { ...message!, text: message!.text.replace('5', '6') }), 'the signature is of this body')
  t.strictSame(numbersOf(receiver.received), [5, 6])
  await eventually(async () => (await webhooks.get(PROJECT, null, (await webhooks.list(PROJECT, null))[0]!.webhook_id)).pending === 0)
})

t.test('one comes after the other, in order, also when one is tried again', async (t) => {
  const { webhooks, publish } = setUp(t)
  let open = 0
  const receiver = await startReceiver(t, async (_response, { body }, number) => {
    t.equal(++open, 1, 'one at a time')
    await delay(number % 3)
    open--
    return body.data.data.number === 3 && number < 5 ? 500 : 200
  })
  await webhooks.create(PROJECT, 'ada', { url: receiver.url })
  await Promise.all([1, 2, 3, 4, 5, 6].map(async (number) => await publish(number)))
  await eventually(() => receiver.received.length === 9)
  t.strictSame(numbersOf(receiver.received), [1, 2, 3, 3, 3, 3, 4, 5, 6])
  const [first, second] = receiver.received.slice(2)
  t.equal(first!.headers['webhook-id'], second!.headers['webhook-id'])
  t.equal((await webhooks.statistics()).deliveries.retried, 3)
})

t.test('where order does not count so many are pushed at once, and one that fails stops nobody', async (t) => {
  const { webhooks, publish } = setUp(t, { retrySeconds: [1800] })
  const waiting: (() => void)[] = []
  const receiver = await startReceiver(t, async (_response, { body }) => {
    if (body.data.data.number === 1) return 500
    await new Promise<void>((resolve) => waiting.push(resolve))
    return 200
  })
  const { webhook } = await webhooks.create(PROJECT, 'ada', { url: receiver.url, max_in_flight: 3 })
  for (let number = 1; number <= 8; number++) await publish(number)
  await eventually(() => waiting.length === 3)
  await turn()
  t.equal(receiver.received.length, 4)
  while (receiver.received.length < 8) {
    waiting.shift()?.()
    await turn()
  }
  for (const resolve of waiting) resolve()
  await eventually(async () => (await webhooks.statistics()).deliveries.delivered === 7)
  t.equal((await webhooks.get(PROJECT, null, webhook.webhook_id)).pending, 1, 'the first waits for its time')
})

t.test('FAULT 16: an event that always fails becomes a dead letter, and the next one follows', async (t) => {
  const { webhooks, publish, bus, log } = setUp(t)
  const receiver = await startReceiver(t, (response, { body }) => {
    if (body.data.data.number === 2) return 200
    response.writeHead(500).end('no room')
    return undefined
  })
  const { webhook } = await webhooks.create(PROJECT, 'ada', { url: `${receiver.url}?key=hidden` })
  const id = await publish(1)
  await publish(2)
  await eventually(() => numbersOf(receiver.received).includes(2))
  t.strictSame(numbersOf(receiver.received), [1, 1, 1, 1, 2])
  const [letter, ...others] = await bus.listDeadLetters(PROJECT)
  t.strictSame(others, [])
  t.match(letter, {
    event: { event_id: id }, target: `webhook:${webhook.webhook_id}`, attempts: 4, last_error: 'the receiver answered 500: no room', reason: /attempts are used up/, timestamp: String
  })
  await eventually(async () => (await webhooks.get(PROJECT, null, webhook.webhook_id)).pending === 0)
  t.match(await webhooks.get(PROJECT, null, webhook.webhook_id), { last_error: 'the receiver answered 500: no room', last_error_at: String, last_success_at: String, state: 'active', lag: 0 })
  t.match((await webhooks.statistics()).deliveries, { delivered: 1, retried: 3, dead_letter: 1 })
  t.ok(log.said.warn.includes('a webhook could not be pushed; the event is among the dead letters'))
})

t.test('an event that is offered again after that is pushed again', async (t) => {
  const { webhooks, publish, bus } = setUp(t, { retrySeconds: [] })
  let status = 500
  const receiver = await startReceiver(t, () => status)
  const { webhook } = await webhooks.create(PROJECT, 'ada', { url: receiver.url })
  await publish(1)
  const [letter] = await eventually(async () => await bus.listDeadLetters(PROJECT), (letters) => letters.length === 1)
  status = 200
  await bus.offer(PROJECT, letter!.target!, letter!.event)
  webhooks.wake(PROJECT, letter!.target!)
  await eventually(async () => (await webhooks.statistics()).deliveries.delivered === 1)
  t.strictSame(numbersOf(receiver.received), [1, 1])
  t.equal((await webhooks.get(PROJECT, null, webhook.webhook_id)).pending, 0)
})

t.test('an event that would be expired at its next attempt becomes a dead letter at once', async (t) => {
  const { webhooks, publish, bus } = setUp(t, { retrySeconds: [60, 60], retentionMs: 300_000 })
  const { url } = await startReceiver(t, () => 500)
  await webhooks.create(PROJECT, 'ada', { url })
  await publish(1, { ttl_seconds: 50 })
  t.match(await eventually(async () => await bus.listDeadLetters(PROJECT), (letters) => letters.length === 1), [{ attempts: 1, reason: /expires before another attempt/ }])
  const { webhooks: brief, publish: publishBriefly, bus: other } = setUp(t, { retrySeconds: [60], retentionMs: 50_000 })
  await brief.create(PROJECT, 'ada', { url })
  await publishBriefly(1)
  t.match(await eventually(async () => await other.listDeadLetters(PROJECT), (letters) => letters.length === 1), [{ attempts: 1, reason: /expires/ }])
})

t.test('a receiver that is gone for good disables its webhook, which goes on where it was when it is enabled', async (t) => {
  const { webhooks, publish, log, bus } = setUp(t)
  let status = 410
  const receiver = await startReceiver(t, () => status)
  const { webhook } = await webhooks.create(PROJECT, 'ada', { url: receiver.url })
  const { webhook_id: id } = webhook
  await publish(1)
  await publish(2)
  t.match(await eventually(async () => await webhooks.get(PROJECT, null, id), ({ state }) => state === 'disabled'), { reason: 'the receiver answered 410 Gone' })
  await eventually(async () => (await bus.groups(PROJECT))[0]!.held.every(({ member }) => member === null))
  status = 200
  await publish(3)
  await delay(50)
  t.strictSame(numbersOf(receiver.received), [1])
  t.ok(log.said.warn.includes('a webhook was disabled'))
  t.match(await webhooks.enable(PROJECT, null, id), { state: 'active', reason: null })
  await eventually(() => receiver.received.length === 4)
  t.strictSame(numbersOf(receiver.received), [1, 1, 2, 3])
  t.strictSame(await bus.listDeadLetters(PROJECT), [])
})

t.test('Retry-After holds all messages back', async (t) => {
  const { webhooks, publish } = setUp(t, { retrySeconds: [0, 0] })
  const times: number[] = []
  const receiver = await startReceiver(t, (response, _message, number) => {
    times.push(performance.now())
    if (number > 0) return 200
    response.writeHead(429, { 'retry-after': '1' }).end()
    return undefined
  })
  await webhooks.create(PROJECT, 'ada', { url: receiver.url, max_in_flight: 4 })
  await publish(1)
  await eventually(async () => (await webhooks.statistics()).deliveries.retried === 1)
  await publish(2)
  await eventually(() => receiver.received.length === 3)
  t.ok(times[1]! - times[0]! >= 990, `after ${times[1]! - times[0]!} ms`)
})

t.test('a receiver that never answers is given up and tried again', async (t) => {
  const { webhooks, publish, bus } = setUp(t, { timeoutMs: 50, retrySeconds: [0.01] })
  const receiver = await startReceiver(t, () => undefined)
  await webhooks.create(PROJECT, 'ada', { url: receiver.url })
  await publish(1)
  const [letter] = await eventually(async () => await bus.listDeadLetters(PROJECT), (letters) => letters.length === 1)
  t.match(letter, { attempts: 2, last_error: 'there was no answer within 50 ms' })
  t.equal(receiver.received.length, 2)
})

t.test('when a receiver is back, a test that succeeds brings what waited', async (t) => {
  const { webhooks, publish } = setUp(t, { retrySeconds: [1800, 1800] })
  const first = await startReceiver(t)
  const { webhook } = await webhooks.create(PROJECT, 'ada', { url: first.url })
  await first.close()
  await publish(1)
  await publish(2)
  await eventually(async () => (await webhooks.statistics()).deliveries.retried === 1)
  t.match(await webhooks.test(PROJECT, null, webhook.webhook_id), { delivered: false, status: null, error: /ECONNREFUSED/ })
  const again = await startReceiver(t, () => 200, first.port)
  t.match(await webhooks.test(PROJECT, null, webhook.webhook_id), { delivered: true, status: 200, error: null, duration_ms: Number })
  await eventually(() => again.received.length === 3)
  t.equal(again.received[0]!.body.type, 'webhook_test')
  t.strictSame(numbersOf(again.received.slice(1)), [1, 2])
})

t.test('after a hurry that fails, what waits goes on waiting', async (t) => {
  const { webhooks, publish, bus } = setUp(t, { retrySeconds: [1800, 1800, 1800, 1800] })
  const receiver = await startReceiver(t, () => 500)
  const { webhook } = await webhooks.create(PROJECT, 'ada', { url: receiver.url })
  await publish(1)
  await eventually(async () => (await webhooks.statistics()).deliveries.retried === 1)
  await webhooks.enable(PROJECT, null, webhook.webhook_id)
  await eventually(async () => (await webhooks.statistics()).deliveries.retried === 2)
  await delay(50)
  t.equal(receiver.received.length, 2)
  t.match((await bus.groups(PROJECT))[0], { held: [{ attempt: 2, member: null }] })
})

t.test('nothing more is pushed after deletion, and what is under way is cut', async (t) => {
  const { webhooks, publish, bus } = setUp(t)
  let isCut = false
  const receiver = await startReceiver(t, (response) => {
    response.once('close', () => { isCut = true })
    return undefined
  })
  const { webhook } = await webhooks.create(PROJECT, 'ada', { url: receiver.url })
  await publish(1)
  await eventually(() => receiver.received.length === 1)
  await webhooks.remove(PROJECT, null, webhook.webhook_id)
  await eventually(() => isCut)
  await publish(2)
  await delay(50)
  t.equal(receiver.received.length, 1)
  t.strictSame(await bus.groups(PROJECT), [])
  t.strictSame(await webhooks.list(PROJECT, null), [])
})

t.test('projects have nothing of each other, also when all places of one are taken', async (t) => {
  const { webhooks, publish } = setUp(t)
  const stuck = await startReceiver(t, () => undefined)
  const receiver = await startReceiver(t)
  for (let count = 0; count < 3; count++) await webhooks.create(PROJECT, 'ada', { url: stuck.url, max_in_flight: 16 })
  await webhooks.create(NEIGHBOUR, 'ada', { url: receiver.url })
  for (let number = 1; number <= 20; number++) await publish(number)
  await eventually(() => stuck.received.length === 32)
  await publish(100, {}, NEIGHBOUR)
  await eventually(() => receiver.received.length === 1)
  t.strictSame(numbersOf(receiver.received), [100])
  t.equal(stuck.received.length, 32, 'half of all places')
})

t.test('several sidecars on one bus push each event once', async (t) => {
  const bus = memoryBus()
  const receiver = await startReceiver(t)
  const { webhooks, publish } = setUp(t, { bus })
  await webhooks.create(PROJECT, 'ada', { url: receiver.url })
  setUp(t, { bus })
  setUp(t, { bus })
  for (let number = 1; number <= 50; number++) await publish(number)
  await eventually(() => receiver.received.length >= 50)
  await delay(20)
  t.strictSame(numbersOf(receiver.received), Array.from({ length: 50 }, (_, index) => index + 1))
})

t.test('at the end what is under way gets a moment and is given back then, not counted', async (t) => {
  const bus = memoryBus()
  let isSlow = true
  const receiver = await startReceiver(t, () => (isSlow ? undefined : 200))
  const { webhooks, publish } = setUp(t, { bus })
  const { webhook } = await webhooks.create(PROJECT, 'ada', { url: receiver.url })
  await publish(1)
  await publish(2)
  await eventually(() => receiver.received.length === 1)
  await webhooks.close(20)
  t.match(await bus.groups(PROJECT), [{ held: [{ member: null, attempt: 0 }] }])
  t.equal((await webhooks.statistics()).deliveries.returned, 1)
  isSlow = false
  const { webhooks: next } = setUp(t, { bus })
  await eventually(() => receiver.received.length === 3)
  t.strictSame(numbersOf(receiver.received), [1, 1, 2])
  t.match(await next.get(PROJECT, null, webhook.webhook_id), { last_error: null })
})

t.test('a push that ends in time is waited for at the end', async (t) => {
  const receiver = await startReceiver(t, async () => {
    await delay(50)
    return 200
  })
  const { webhooks, publish, bus } = setUp(t)
  await webhooks.create(PROJECT, 'ada', { url: receiver.url })
  await publish(1)
  await eventually(() => receiver.received.length === 1)
  await webhooks.close(10_000)
  t.match(await bus.groups(PROJECT), [{ held: [] }])
  t.equal((await webhooks.statistics()).deliveries.delivered, 1)
})

t.test('what a process had under way when it vanished is taken over', async (t) => {
  let ahead = 0
  const clock = (): number => Date.now() + ahead
  const bus = memoryBus(clock)
  let isSlow = true
  const receiver = await startReceiver(t, () => (isSlow ? undefined : 200))
  // It never learns what became of its push.
  let vanish = (): void => {}
  const lost = new Promise<string[]>((resolve) => { vanish = () => resolve([]) })
  const { webhooks: vanished, publish } = setUp(t, { bus: { ...bus, settle: async () => await lost, hold: async () => await lost }, clock })
  t.teardown(vanish)
  const { webhook } = await vanished.create(PROJECT, 'ada', { url: receiver.url })
  await publish(1)
  await publish(2)
  await eventually(() => receiver.received.length === 1)
  isSlow = false
  const { webhooks } = setUp(t, { bus, clock })
  await eventually(async () => (await webhooks.get(PROJECT, null, webhook.webhook_id)).missed !== null)
  await delay(50)
  t.equal(receiver.received.length, 1, 'it may still be under way')
  ahead = 31_000
  webhooks.wake(PROJECT, `webhook:${webhook.webhook_id}`)
  await eventually(() => receiver.received.length === 3)
  t.strictSame(numbersOf(receiver.received), [1, 1, 2])
})

t.test('an idle webhook, and one that waits, asks the bus for nothing', async (t) => {
  const bus = memoryBus()
  let claims = 0
  const counting = { ...bus, claim: async (...query: Parameters<typeof bus.claim>) => { claims++; return await bus.claim(...query) } }
  const receiver = await startReceiver(t, (_response, { body }) => (body.data.data.number === 1 ? 200 : 500))
  const { webhooks, publish } = setUp(t, { bus: counting, retrySeconds: [1800] })
  await webhooks.create(PROJECT, 'ada', { url: receiver.url })
  await publish(1)
  await publish(2)
  await eventually(async () => (await webhooks.statistics()).deliveries.retried === 1)
  await delay(20)
  const before = claims
  await delay(200)
  t.equal(claims, before)
  t.ok(before <= 8, `${before} claims`)
})
