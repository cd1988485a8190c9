import fc from 'fast-check'
import t from 'tap'
import { CLASSES, Pressure } from '../../../plugins/http/overload/pressure.js'
import { Turnstile } from '../../../plugins/http/overload/turnstile.js'
import { eventually } from '../../core/http/eventually.js'
import { startSidecar } from '../../support/sidecar.js'
import { setUpOverload } from './overload-stage.js'

const CALM = { delay: 0, heap: 0, queue: 0 }

t.test('a class is refused whole before the next one is touched, and some always pass', (t) => {
  const sources = fc.record({ delay: fc.double({ min: 0, max: 5, noNaN: true }), heap: fc.double({ min: 0, max: 2, noNaN: true }), queue: fc.double({ min: 0, max: 2, noNaN: true }) })
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
  for (const source of ['delay', 'heap', 'queue'] as const) {
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

t.test('the turnstile lets so many begin in each turn, the highest class first, and nobody twice or never', async (t) => {
  await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 5, max: 40 }), async (places, perTurn, mostWaiting) => {
    const turnstile = new Turnstile({ classes: 3, perTurn, mostWaiting, longestMs: Infinity })
    let turn = -1
    const outcomes: { place: number, order: number, turn: number, refusal: string | undefined }[][] = places.map(() => [])
    let order = 0
    for (const [index, place] of places.entries()) turnstile.enter(place, (refusal) => outcomes[index]!.push({ place, order: order++, turn, refusal }))
    for (turn = 0; turnstile.waiting > 0; turn++) await new Promise((resolve) => { setImmediate(resolve) })
    const all = outcomes.flat()
    const begun = all.filter(({ refusal }) => refusal === undefined)
    const perEach = begun.reduce((counts, { turn }) => counts.set(turn, (counts.get(turn) ?? 0) + 1), new Map<number, number>())
    // Behind the first turn, in which all who came first began.
    const later = begun.filter(({ turn }) => turn >= 0).sort((a, b) => a.order - b.order)
    return outcomes.every(({ length }) => length === 1) &&
      [...perEach.values()].every((count) => count <= perTurn) &&
      later.every(({ place }, index) => index === 0 || later[index - 1]!.place >= place) &&
      // Who is refused for want of room leaves it to who is worth as much or more.
      all.filter(({ refusal }) => refusal === 'full').length === Math.max(0, places.length - perTurn - mostWaiting) &&
      Math.max(-1, ...all.filter(({ refusal }) => refusal === 'full').map(({ place }) => place)) <= Math.min(3, ...later.slice(mostWaiting - 1).map(({ place }) => place))
  }), { numRuns: 200 })
})

t.test('who waits too long is refused, each in its line and the first of it first', async (t) => {
  let now = 0
  const turnstile = new Turnstile({ classes: 3, perTurn: 1, mostWaiting: 100, longestMs: 100, now: () => now })
  const told: string[] = []
  const enter = (name: string, place: number): void => turnstile.enter(place, (refusal) => told.push(`${name} ${refusal ?? 'begins'}`))
  enter('a', 0)
  enter('b', 0)
  enter('c', 2)
  now = 90
  enter('d', 0)
  turnstile.expire()
  t.strictSame(told, ['a begins'])
  now = 101
  turnstile.expire()
  t.strictSame(told, ['a begins', 'b late', 'c late'])
  t.equal(turnstile.waiting, 1)
  await eventually(() => turnstile.waiting === 0)
  t.strictSame(told.at(-1), 'd begins')
})

t.test('while the loop is late, requests are refused in the order of their priority, and health answers', async (t) => {
  const { app, load, extension, pass } = await setUpOverload(t)
  const statuses = async (): Promise<Record<string, number>> => Object.fromEntries(await Promise.all(['low', 'reads', 'normal', 'writes', 'waits', 'always'].map(async (path) =>
    [path, (await app.inject({ url: `/${path}`, method: path === 'writes' ? 'POST' : 'GET' })).statusCode] as const)))

  t.strictSame(await statuses(), { low: 200, reads: 200, normal: 200, writes: 200, waits: 200, always: 200 })
  load.delayMs = 15
  t.equal(await pass(20), 1)
  // Whole, and nothing else: what is touched next needs twice the delay.
  t.strictSame(await statuses(), { low: 503, reads: 503, normal: 200, writes: 200, waits: 200, always: 200 })
  load.delayMs = 30
  t.equal(await pass(20), 2)
  t.strictSame(await statuses(), { low: 503, reads: 503, normal: 503, writes: 503, waits: 503, always: 200 })
  load.delayMs = 1000
  t.ok(await pass(20) > 2.5)
  const high = await Promise.all(Array.from({ length: 20 }, async () => await app.inject('/high')))
  const refused = high.filter(({ statusCode }) => statusCode === 503)
  t.ok(refused.length > 0 && refused.length < 20, 'of the highest priority some pass')
  t.match(refused[0]!.headers, { 'retry-after': '3' })
  t.match(refused[0]!.json(), { code: 'SRV_002', error: 'unavailable' })
  t.match(await statuses(), { always: 200 })
  const { shed } = extension.figures!()
  t.ok(shed!.low! >= 4 && shed!.normal! >= 3 && shed!.high! >= refused.length)
  load.delayMs = 0
  t.equal(await pass(60), 0)
  t.strictSame(await statuses(), { low: 200, reads: 200, normal: 200, writes: 200, waits: 200, always: 200 })
})

t.test('when many are refused, some at once, the others are held back', async (t) => {
  const { app, load, extension, held, pass } = await setUpOverload(t, { holds: true })
  load.delayMs = 15
  t.equal(await pass(20), 1)
  let answered = 0
  const low = Array.from({ length: 100 }, async () => {
    const { statusCode } = await app.inject('/low')
    answered++
    return statusCode
  })
  await eventually(() => held.length === 75 && answered === 25)
  t.equal(extension.figures!().shed!.low, 100)
  for (const answer of held) answer()
  t.ok((await Promise.all(low)).every((status) => status === 503))
  load.delayMs = 0
  t.equal(await pass(60), 0)
  t.equal((await app.inject({ url: '/low', method: 'HEAD' })).statusCode, 200)
})

t.test('a sidecar tells of it', async (t) => {
  const { ask } = await startSidecar(t, { settings: { 'overload-enabled': 'true', 'overload-heap-percent': '100', 'overload-loop-delay-ms': '60000' } })
  t.equal((await ask('GET', '/health')).body.checks.shedding, 'none')
  const { text } = await ask('GET', '/metrics')
  t.match(text, /^sidecar_shed_requests_total\{priority="low"\} 0$/m)
  t.match(text, /^sidecar_shedding 0$/m)
  t.match(text, /^sidecar_queued_requests 0$/m)
})
