import { once } from 'node:events'
import { constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { loadConfig } from '../../../core/config/load.js'
import { createHttpServer } from '../../../core/http/http-server.js'
import { eventually } from '../../core/http/eventually.js'
import { makeCertificate } from '../../support/certificate.js'
import { FLAG, FRAME, GET, answerOf, fields, frame, openFrames, openHttp2 } from '../../support/http2-client.js'
import { portOf } from '../../support/raw-http.js'
import { setUpOverload, type OverloadStage } from './overload-stage.js'

const { cert, key } = makeCertificate()
const home = t.testdir()
const { settings } = await loadConfig({ flags: {}, env: {}, project: home, home })

interface Http2Stage extends OverloadStage {
  port: number
  /** What was asked for, as it came, and as it began. */
  arrived: string[]
  begun: string[]
  /** What began when its stream was known to be reset. */
  inVain: string[]
  /** Resolves when the next request begins. */
  nextBegun (): Promise<void>
}

/** A server for HTTP/2 as the sidecar has it. */
async function setUp (t: Test, options: { perTurn?: number, holds?: boolean } = {}): Promise<Http2Stage> {
  const app = Fastify({ serverFactory: (handler) => createHttpServer(settings, handler, { cert, key, minVersion: 'TLSv1.3' }) })
  const [arrived, begun, inVain]: [string[], string[], string[]] = [[], [], []]
  const gone = new Set<string>()
  let hasBegun = (): void => {}
  app.addHook('onRequest', (request, _reply, done) => {
    arrived.push(request.url)
    request.raw.once('aborted', () => { gone.add(request.url) })
    done()
  })
  app.addHook('preHandler', (request, _reply, done) => {
    begun.push(request.url)
    if (gone.has(request.url)) inVain.push(request.url)
    hasBegun()
    done()
  })
  const stage = await setUpOverload(t, { ...options, app })
  return { ...stage, port: await portOf(app), arrived, begun, inVain, nextBegun: async () => await new Promise((resolve) => { hasBegun = resolve }) }
}

t.test('while the loop is late, streams of one session are refused in the order of their priority, and the session goes on', async (t) => {
  const { load, extension, pass, port } = await setUp(t)
  const { ask, session } = await openHttp2(t, port, cert)
  const statuses = async (): Promise<Record<string, number>> => Object.fromEntries(await Promise.all(['low', 'reads', 'normal', 'writes', 'waits', 'always'].map(async (path) =>
    [path, (await ask(`/${path}`, { method: path === 'writes' ? 'POST' : 'GET' })).status] as const)))
  t.strictSame(await statuses(), { low: 200, reads: 200, normal: 200, writes: 200, waits: 200, always: 200 })
  load.delayMs = 15
  t.equal(await pass(20), 1)
  t.strictSame(await statuses(), { low: 503, reads: 503, normal: 200, writes: 200, waits: 200, always: 200 })
  load.delayMs = 1000
  t.ok(await pass(20) > 2.5)
  const high = await Promise.all(Array.from({ length: 20 }, async () => await ask('/high')))
  const refused = high.filter(({ status }) => status === 503)
  t.ok(refused.length > 0 && refused.length < 20, 'of the highest priority some pass')
  t.match(refused[0], { headers: { 'retry-after': '3' }, body: { code: 'SRV_002', error: 'unavailable' } })
  t.strictSame(await statuses(), { low: 503, reads: 503, normal: 503, writes: 503, waits: 503, always: 200 })
  t.match(extension.figures!().shed, { low: 4, normal: 3 })
  load.delayMs = 0
  t.equal(await pass(60), 0)
  t.strictSame(await statuses(), { low: 200, reads: 200, normal: 200, writes: 200, waits: 200, always: 200 })
  t.notOk(session.closed)
})

t.test('bodies that are on their way when their requests are refused are not read on, and leave the session its window', async (t) => {
  const { load, pass, port } = await setUp(t)
  const { ask, open } = await openHttp2(t, port, cert)
  load.delayMs = 15
  t.equal(await pass(20), 1)
  load.delayMs = 30
  t.equal(await pass(20), 2)
  // Each fills a window, of which the session has one for all its streams.
  for (let count = 0; count < 3; count++) {
    const post = open({ ':method': 'POST', ':path': '/writes', 'content-type': 'application/json' })
    let text = ''
    post.setEncoding('utf8').on('data', (part: string) => { text += part })
    const answered = Promise.all([once(post, 'response'), once(post, 'end')])
    post.on('error', () => {}).write(' '.repeat(200_000))
    const [[headers]] = await answered
    t.match([headers[':status'], JSON.parse(text).code], [503, 'SRV_002'])
    // The rest is not wanted (RFC 9113, 8.1).
    await eventually(() => post.closed)
    t.equal(post.rstCode, constants.NGHTTP2_NO_ERROR)
  }
  load.delayMs = 0
  t.equal(await pass(60), 0)
  t.equal((await ask('/writes', { method: 'POST', body: { text: 'x'.repeat(100_000) } })).status, 200)
})

t.test('of streams that come at once, those of the highest priority begin first', async (t) => {
  const { extension, port, arrived, begun } = await setUp(t, { perTurn: 1 })
  const client = await openFrames(t, port, cert)
  const paths = [...Array<string>(10).fill('/low'), ...Array<string>(5).fill('/normal'), ...Array<string>(5).fill('/high')]
  // One write is one record of TLS, which the server reads in one turn.
  client.send(...paths.map((path, index) => frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, index * 2 + 1, fields(GET(path)))))
  await eventually(() => begun.length === paths.length)
  t.strictSame(arrived, paths)
  t.strictSame(begun, ['/low', ...paths.slice(1).reverse()], 'after the one that found nobody before it')
  t.equal(extension.figures!().queued, 0)
})

t.test('for who resets streams or leaves while they wait nothing is done, and nobody is held up', async (t) => {
  const { extension, port, arrived, begun, inVain, nextBegun } = await setUp(t, { perTurn: 1 })
  const leave = async (name: string, go: (streams: ClientHttp2Stream[], session: ClientHttp2Session) => void): Promise<void> => {
    const { open, session } = await openHttp2(t, port, cert)
    const first = nextBegun()
    const streams = Array.from({ length: 90 }, (_, number) => open({ ':path': `/low?${name}=${number}` }).on('error', () => {}).end())
    // Each of the others takes a further turn of the event loop to begin.
    await first
    go(streams, session)
    t.equal((await (await openHttp2(t, port, cert)).ask('/normal')).status, 200)
    await eventually(() => extension.figures!().queued === 0)
    const countOf = (urls: string[]): number => urls.filter((url) => url.includes(name)).length
    t.equal(countOf(arrived), 90)
    t.ok(countOf(begun) < 90, `${countOf(begun)} of 90 began`)
    t.strictSame(inVain, [])
  }
  await leave('reset', (streams) => { for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL) })
  await leave('left', (_streams, session) => { session.destroy() })
})

t.test('refusals that are held back are let go when their streams are', async (t) => {
  const { load, extension, held, pass, port } = await setUp(t, { holds: true })
  load.delayMs = 15
  t.equal(await pass(20), 1)
  const { ask, open } = await openHttp2(t, port, cert)
  const streams = Array.from({ length: 60 }, () => open({ ':path': '/low' }).on('error', () => {}).end())
  const kept = streams.slice(0, 30).map(answerOf)
  await eventually(() => held.length === 35)
  t.equal(extension.figures!().shed!.low, 60)
  for (const stream of streams.slice(30)) stream.close(constants.NGHTTP2_CANCEL)
  // Read behind the resets.
  t.equal((await ask('/always')).status, 200)
  for (const answer of held) answer()
  t.ok((await Promise.all(kept)).every(({ status }) => status === 503))
  t.equal((await ask('/always')).status, 200)
})
