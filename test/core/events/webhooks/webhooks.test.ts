import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { Slots } from '../../../../core/events/webhooks/slots.js'
import { eventually } from '../../http/eventually.js'
import { isSignedBy, startReceiver } from './receiver.js'
import { memoryBus, NEIGHBOUR, numbersOf, PROJECT, setUp } from './set-up.js'

t.test('a webhook begins where it is told to', async (t) => {
  const { webhooks, publish } = setUp(t)
  const receiver = await startReceiver(t)
  await publish(1)
  const id = await publish(2)
  await publish(3)
  await webhooks.create(PROJECT, 'ada', { url: receiver.url, since: id })
  await eventually(() => receiver.received.length === 1)
  await webhooks.create(PROJECT, 'ada', { url: receiver.url, since: 'earliest' })
  await eventually(() => receiver.received.length === 4)
  await webhooks.create(PROJECT, 'ada', { url: receiver.url })
  await publish(4)
  await eventually(() => receiver.received.length === 7)
  t.strictSame(numbersOf(receiver.received), [3, 1, 2, 3, 4, 4, 4])
})

t.test('what is there at the start is pushed to, and groups of agents are left alone', async (t) => {
  const bus = memoryBus()
  const receiver = await startReceiver(t)
  const { webhooks: first, publish } = setUp(t, { bus })
  await first.create(NEIGHBOUR, 'ada', { url: receiver.url })
  await first.close(0)
  await bus.openGroup(NEIGHBOUR, 'workers', { after: (await bus.locate(NEIGHBOUR, { at: 'earliest' }))!, purpose: 'webhook' })
  await publish(1, {}, NEIGHBOUR)
  const { webhooks } = setUp(t, { bus })
  await eventually(() => receiver.received.length === 1)
  t.equal((await webhooks.list(NEIGHBOUR, null)).length, 1)
  t.match((await bus.groups(NEIGHBOUR)).find(({ group }) => group === 'workers'), { lag: 1, held: [] })
})

t.test('a group that no sidecar of this version has made is said and left alone', async (t) => {
  const bus = memoryBus()
  const after = (await bus.locate(PROJECT, { at: 'earliest' }))!
  for (const [id, purpose] of [['garbage', 'no json'], ['newer', '{"version":2}'], ['empty', 'null']] as const) await bus.openGroup(PROJECT, `webhook:${id}`, { after, purpose })
  const { webhooks, log } = setUp(t, { bus })
  t.strictSame(await webhooks.list(PROJECT, null), [])
  t.strictSame(await webhooks.list(PROJECT, null), [])
  t.strictSame(log.said.warn, Array(3).fill('a webhook cannot be read and is not pushed to'), 'once')
  await t.rejects(webhooks.get(PROJECT, null, 'newer'), { code: 'NOT_001' })
})

t.test('changes at once are all kept', async (t) => {
  const { webhooks, bus } = setUp(t)
  const { webhook: { webhook_id: id } } = await webhooks.create(PROJECT, 'ada', { url: 'http://127.0.0.1:9/' })
  const secret = `whsec_${Buffer.alloc(32, 3).toString('base64')}`
  await Promise.all([webhooks.disable(PROJECT, 'ada', id, 'by hand'), webhooks.rotate(PROJECT, 'ada', id, secret), webhooks.disable(PROJECT, 'ada', id, 'once more')])
  const definition = JSON.parse((await bus.groups(PROJECT))[0]!.purpose) as { disabled: unknown, secrets: { secret: string }[] }
  t.match(definition, { disabled: { reason: 'by hand' }, secrets: [{ secret, until: null }, { until: String }] })
  await webhooks.rotate(PROJECT, 'ada', id, secret)
  t.match(JSON.parse((await bus.groups(PROJECT))[0]!.purpose), { secrets: [{ secret, until: null }] }, 'the same again is no second one')
})

t.test('what was changed while the bus was being read is not taken back', async (t) => {
  const bus = memoryBus()
  const receiver = await startReceiver(t)
  const { webhooks: first } = setUp(t, { bus })
  const { webhook: { webhook_id: id } } = await first.create(PROJECT, 'ada', { url: receiver.url })
  await first.close(0)
  let read = (): void => {}
  const change = new Promise<void>((resolve) => { read = resolve })
  let reads = 0
  const slow = {
    ...bus,
    async findGroup (...query: Parameters<typeof bus.findGroup>) {
      const found = await bus.findGroup(...query)
      if (reads++ === 0) await change
      return found
    }
  }
  const { webhooks, publish } = setUp(t, { bus: slow })
  await eventually(() => reads === 1)
  await webhooks.disable(PROJECT, null, id, 'by hand')
  read()
  await publish(1)
  await delay(50)
  t.equal((await webhooks.get(PROJECT, null, id)).state, 'disabled')
  t.strictSame(receiver.received, [])
})

t.test('a secret that was replaced signs for a day', async (t) => {
  let ahead = 0
  const { webhooks } = setUp(t, { clock: () => Date.now() + ahead })
  const receiver = await startReceiver(t)
  const { webhook: { webhook_id: id }, secret: old } = await webhooks.create(PROJECT, 'ada', { url: receiver.url })
  const { secret } = await webhooks.rotate(PROJECT, null, id, undefined)
  for (ahead of [86_000_000, 86_401_000]) await webhooks.test(PROJECT, null, id)
  t.strictSame(receiver.received.map((message) => [old!, secret!].map((key) => isSignedBy(key, message))), [[true, true], [false, true]])
})

t.test('a bus that fails is asked again, and what was published meanwhile is pushed', async (t) => {
  const bus = memoryBus()
  let ahead = 0
  let isBroken = true
  const failing = {
    ...bus,
    async claim (...query: Parameters<typeof bus.claim>) {
      if (isBroken) throw Object.assign(new Error('away'), { code: 'EVT_001' })
      return await bus.claim(...query)
    }
  }
  const receiver = await startReceiver(t)
  const { webhooks, publish, log } = setUp(t, { bus: failing, clock: () => Date.now() + ahead })
  const { webhook } = await webhooks.create(PROJECT, 'ada', { url: receiver.url })
  await eventually(() => log.said.warn.length === 1)
  for (let number = 1; number <= 5; number++) await publish(number)
  await delay(50)
  t.equal(log.said.warn.length, 1, 'it is not asked by every event')
  isBroken = false
  ahead = 6000
  webhooks.wake(PROJECT, `webhook:${webhook.webhook_id}`)
  await eventually(() => receiver.received.length === 5)
})

t.test('nothing is begun after the end', async (t) => {
  const { webhooks, publish } = setUp(t)
  const receiver = await startReceiver(t)
  await webhooks.create(PROJECT, 'ada', { url: receiver.url })
  await webhooks.close(0)
  await webhooks.close(0)
  await publish(1)
  await webhooks.create(PROJECT, 'ada', { url: receiver.url, since: 'earliest' })
  await delay(30)
  t.strictSame(receiver.received, [])
})

t.test('places are given in the order of asking, within the bounds of all and of a project', async (t) => {
  const slots = new Slots(3, 2)
  const given: string[] = []
  const { signal } = new AbortController()
  const take = (name: string, by = signal): Promise<(() => void) | undefined> => slots.take(name[0]!, by).then((release) => {
    given.push(release === undefined ? `no ${name}` : name)
    return release
  })
  const gone = new AbortController()
  const [a1, , , b1, lost] = [take('a1'), take('a2'), take('a3'), take('b1'), take('b2', gone.signal), take('c1')]
  await b1
  t.strictSame(given, ['a1', 'a2', 'b1'])
  gone.abort()
  t.equal(await lost, undefined)
  const release = (await b1)!
  release()
  release()
  await delay(1)
  t.strictSame(given.slice(3), ['no b2', 'c1'], 'a3 waits for a place of its project')
  ;(await a1)!()
  await delay(1)
  t.equal(given.at(-1), 'a3')
  t.equal(await slots.take('d', gone.signal), undefined)
  t.equal(slots.tryTake('d'), undefined, 'all are taken')
  const free = new Slots(3, 2)
  const places = [free.tryTake('a'), free.tryTake('a'), free.tryTake('a')]
  t.strictSame(places.map((place) => place === undefined), [false, false, true])
  const later = free.take('a', signal)
  t.equal(free.tryTake('b'), undefined, 'somebody was there before')
  places[0]!()
  await later
  t.ok(free.tryTake('b'))
})
