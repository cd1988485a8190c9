import Fastify from 'fastify'
import fc from 'fast-check'
import t from 'tap'
import { mountErrors } from '../../../core/http/errors.js'
import type { RequestPriority } from '../../../core/http/types.js'
import { createOverload } from '../../../plugins/http/overload/overload.js'
import { CLASSES, Pressure } from '../../../plugins/http/overload/pressure.js'
import { eventually } from '../../core/http/eventually.js'
import { startSidecar } from '../../support/sidecar.js'

const CALM = { delay: 0, heap: 0, requests: 0 }

t.test('a class is refused whole before the next one is touched, and some always pass', (t) => {
  const sources = fc.record({ delay: fc.double({ min: 0, max: 5, noNaN: true }), heap: fc.double({ min: 0, max: 2, noNaN: true }), requests: fc.double({ min: 0, max: 5, noNaN: true }) })
  fc.assert(fc.property(fc.array(fc.tuple(sources, fc.boolean()), { maxLength: 80 }), (samples) => {
    const pressure = new Pressure()
    for (const [sample, busy] of samples) pressure.sample(sample, busy)
    const refused = CLASSES.map((_, place) => Array.from({ length: 200 }, () => pressure.refuses(place)).filter(Boolean).length)
    const shares = CLASSES.map((_, place) => Math.min(1, Math.max(0, pressure.shedding - place)))
    return refused.every((count, place) => Math.abs(count - shares[place]! * 200) <= 1) &&
      refused.every((count, place) => count === 0 || place === 0 || refused[place - 1] === 200) &&
      refused[2]! < 200
  }), { numRuns: 300 })
  t.end()
})

t.test('what is refused grows while a limit is exceeded, stays in between, and falls when it is calm', (t) => {
  for (const source of ['delay', 'heap', 'requests'] as const) {
    const pressure = new Pressure()
    const at = (value: number, times: number): number => {
      for (let count = 0; count < times; count++) pressure.sample({ ...CALM, [source]: value }, true)
      return pressure.shedding
    }
    t.equal(at(0.99, 50), 0, `${source} below its limit`)
    const risen = at(3, 10)
    t.ok(risen > 1, `${source} above its limit`)
    // The mean of the delay takes a few measurements to come down.
    const settled = at(0.75, 20)
    t.ok(settled >= risen)
    t.equal(at(0.75, 50), settled, `${source} between the two bounds changes nothing`)
    t.ok(at(0.75, 50) === settled && at(0, 3) < settled && at(0, 40) === 0, `${source} calm`)
  }
  const idle = new Pressure()
  for (let count = 0; count < 50; count++) idle.sample({ ...CALM, delay: 9 }, false)
  t.equal(idle.shedding, 0, 'a loop that stands still for another reason than requests')
  t.end()
})

t.test('while the loop is late, requests are refused in the order of their priority, and health answers', async (t) => {
  const app = Fastify()
  mountErrors(app)
  let delayMs = 0
  const extension = createOverload(app, { loopDelayMs: 10, heapPercent: 85, maxRequests: 1000, retryAfterSeconds: 3 }, () => ({
    read: () => ({ delayMs, heapShare: 0.1 }), close () {}
  }))
  t.teardown(async () => await extension.close!())
  t.teardown(async () => await app.close())
  await extension.open!()
  const shedding = (): number => extension.figures!().shedding!
  for (const priority of ['low', 'normal', 'high', 'always'] satisfies RequestPriority[]) app.get(`/${priority}`, { config: { priority } }, async () => 'ok')
  app.get('/reads', async () => 'ok')
  app.post('/writes', async () => 'ok')
  app.get('/waits', { config: { longLived: true } }, async () => 'ok')
  let release = (): void => {}
  const released = new Promise<void>((resolve) => { release = resolve })
  app.get('/held', { config: { priority: 'always' } }, async () => await released)
  app.get('/work', { config: { priority: 'high' } }, async () => await released)
  const statuses = async (): Promise<Record<string, number>> => Object.fromEntries(await Promise.all(['low', 'reads', 'normal', 'writes', 'waits', 'always'].map(async (path) =>
    [path, (await app.inject({ url: `/${path}`, method: path === 'writes' ? 'POST' : 'GET' })).statusCode] as const)))

  delayMs = 1000
  t.strictSame(await statuses(), { low: 200, reads: 200, normal: 200, writes: 200, waits: 200, always: 200 }, 'few requests are not what makes it late')
  // Enough that the loop has something to do.
  const work = Array.from({ length: 30 }, async () => await app.inject('/work'))
  t.equal((await statuses()).always, 200)
  delayMs = 12
  await eventually(shedding, (value) => value >= 1)
  delayMs = 1000
  await eventually(shedding, (value) => value > 2.5)
  t.match(await statuses(), { low: 503, reads: 503, normal: 503, writes: 503, waits: 503, always: 200 })
  const high = await Promise.all(Array.from({ length: 20 }, async () => await app.inject('/high')))
  const refused = high.filter(({ statusCode }) => statusCode === 503)
  t.ok(refused.length > 0 && refused.length < 20, 'of the highest priority some pass')
  t.match(refused[0]!.headers, { 'retry-after': '3' })
  t.match(refused[0]!.json(), { code: 'SRV_002', error: 'unavailable' })
  const figures = extension.figures!()
  t.equal(figures.shed!.high, refused.length)
  t.ok(figures.shed!.low! >= 2 && figures.shed!.normal! >= 3)
  delayMs = 0
  await eventually(shedding, (value) => value === 0)
  t.strictSame(await statuses(), { low: 200, reads: 200, normal: 200, writes: 200, waits: 200, always: 200 })
  release()
  await Promise.all(work)
  t.equal(extension.figures!().in_flight, 0)
})

t.test('so many refusals are quick, and the others are held back; nobody counts twice', async (t) => {
  const app = Fastify()
  mountErrors(app)
  const extension = createOverload(app, { loopDelayMs: 10, heapPercent: 85, maxRequests: 1, retryAfterSeconds: 1 }, () => ({ read: () => ({ delayMs: 0, heapShare: 0.1 }), close () {} }))
  t.teardown(async () => await extension.close!())
  t.teardown(async () => await app.close())
  await extension.open!()
  let release = (): void => {}
  const released = new Promise<void>((resolve) => { release = resolve })
  app.get('/work', { config: { priority: 'high' } }, async () => await released)
  app.get('/low', async () => 'ok')
  const work = Array.from({ length: 20 }, async () => await app.inject('/work'))
  await eventually(() => extension.figures!().shedding!, (value) => value >= 1)
  let answered = 0
  const low = Array.from({ length: 600 }, async () => {
    const { statusCode } = await app.inject('/low')
    answered++
    return statusCode
  })
  await eventually(() => extension.figures!().shed!.low === 600)
  t.ok(answered < 600, 'some wait')
  await eventually(() => extension.figures!().in_flight, (count) => count === 20)
  t.ok((await Promise.all(low)).every((status) => status === 503))
  release()
  await Promise.all(work)
  await eventually(() => extension.figures!().shedding === 0)
  t.equal((await app.inject({ url: '/low', method: 'HEAD' })).statusCode, 200)
  t.equal(extension.figures!().in_flight, 0)
})

t.test('a sidecar tells of it, and requests that break off count no longer', async (t) => {
  const { ask, sidecar } = await startSidecar(t, { settings: { 'overload-enabled': 'true', 'overload-heap-percent': '100', 'overload-loop-delay-ms': '60000' } })
  t.equal((await ask('GET', '/health')).body.checks.shedding, 'none')
  const metrics = async (): Promise<string> => (await ask('GET', '/metrics')).text
  t.match(await metrics(), /^sidecar_shed_requests_total\{priority="low"\} 0$/m)
  t.match(await metrics(), /^sidecar_shedding 0$/m)
  const address = await sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const gone = new AbortController()
  const body = new ReadableStream({ start (controller) { controller.enqueue(new TextEncoder().encode('{')) } })
  const broken = fetch(`${address}/api/results`, { method: 'POST', body, duplex: 'half', signal: gone.signal, headers: { 'content-type': 'application/json' } } as RequestInit)
  const refused = await Promise.race([broken.then(({ status }) => status), Promise.resolve()])
  t.equal(refused, undefined)
  gone.abort()
  await broken.catch(() => {})
  await eventually(metrics, (text) => /^sidecar_requests_in_flight 0$/m.test(text))
})
