import { once } from 'node:events'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { excessOf } from '../../../core/http/body.js'
import { openRaw, portOf } from '../../support/raw-http.js'
import { startSidecar, type Answer } from '../../support/sidecar.js'
import { eventually } from './eventually.js'

const MEBIBYTE = 1024 * 1024

t.test('items and values of a JSON text are counted as they are in its value', (t) => {
  const sizesOf = (value: unknown): { items: number, values: number } => {
    if (typeof value !== 'object' || value === null) return { items: 0, values: 1 }
    const parts = Object.values(value).map(sizesOf)
    return { items: Math.max(parts.length, ...parts.map(({ items }) => items)), values: 1 + parts.reduce((sum, { values }) => sum + values, 0) }
  }
  const text = fc.string({ unit: fc.constantFrom(',', '[', ']', '{', '"', '\\', 'a'), maxLength: 5 })
  const value = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4, withCrossShrink: true }, text, fc.array(tie('value'), { maxLength: 5 }), fc.dictionary(text, tie('value'), { maxKeys: 5 }))
  })).value
  fc.assert(fc.property(value, fc.integer({ min: 1, max: 7 }), (given, items) =>
    (excessOf(JSON.stringify(given), { depth: 100, items, values: Infinity }) !== undefined) === (sizesOf(given).items > items)), { numRuns: 500 })
  fc.assert(fc.property(value, (given) => {
    // Counted are commas and brackets: of n values at least half, and never more than all and the brackets.
    const { values } = sizesOf(given)
    const isExcess = (most: number): boolean => excessOf(JSON.stringify(given), { depth: 100, items: Infinity, values: most }) !== undefined
    return !isExcess(values * 2) && (values < 4 || isExcess(Math.floor(values / 2) - 1))
  }), { numRuns: 500 })
  // Text that is no JSON harms nobody either.
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('{', '}', '[', ']', ',', '"', '\\', 'a') }), (given) => excessOf(given, { depth: 3, items: 3, values: 5 }) !== ''))
  t.end()
})

t.test('a body of too many values is refused, and one below the bound is taken', async (t) => {
  const { ask } = await startSidecar(t, { settings: { 'requests-json-items': '100', 'requests-json-values': '300', 'requests-json-depth': '8' } })
  const publish = async (data: unknown): Promise<Answer> => await ask('POST', '/api/events/note', { body: { topic: 'coordination', data } })
  const list = (length: number): unknown[] => Array.from({ length }, () => 1)
  t.equal((await publish({ list: list(100) })).status, 202)
  t.match((await publish({ list: list(101) })).body, { code: 'VAL_001', message: 'The body holds more than 100 items in one array or object.' })
  t.equal((await publish({ a: list(90), b: list(90), c: list(90) })).status, 202)
  t.match((await publish({ a: list(90), b: list(90), c: list(90), d: list(90) })).body, { code: 'VAL_001', message: /more than 300 values/ })
  t.match((await publish({ a: [[[[[[[]]]]]]] })).body, { code: 'VAL_001', message: /deeper than 8 levels/ })
})

t.test('the head of a request is bounded, and so is what it may say', async (t) => {
  const { sidecar, operator } = await startSidecar(t, { settings: { 'requests-header-kb': '24', 'requests-max-headers': '50', 'requests-max-parameters': '40' } })
  const port = await portOf(sidecar.app)
  const speak = async (text: string): Promise<Answer> => {
    const connection = await openRaw(t, port)
    connection.write(text)
    return await connection.answer()
  }
  const get = (path: string, headers: string[], version = '1.1'): string =>
    `GET ${path} HTTP/${version}\r\n${['connection: close', `authorization: Bearer ${operator}`, ...headers].map((header) => `${header}\r\n`).join('')}\r\n`
  const extra = (count: number): string[] => Array.from({ length: count }, (_, index) => `x-${index}: 1`)
  t.equal((await speak(get('/api/plugins', ['host: localhost', ...extra(47)]))).status, 200)
  const query = (count: number): string => Array.from({ length: count }, (_, index) => `p${index}=1`).join('&')
  const refused: [what: string, text: string, status: number, message: RegExp][] = [
    ['one header too many', get('/api/plugins', ['host: localhost', ...extra(48)]), 400, /50 headers/],
    ['FAULT 19: 1,500 headers', get('/api/plugins', ['host: localhost', ...extra(1500)]), 400, /50 headers/],
    ['headers that are too large', get('/api/plugins', ['host: localhost', `x: ${'a'.repeat(25_000)}`]), 431, /too large/],
    ['FAULT 19: 1,500 parameters', get(`/api/plugins?${query(1500)}`, ['host: localhost']), 400, /40 parameters/],
    ['one parameter too many', get(`/api/plugins?${query(41)}`, ['host: localhost']), 400, /40 parameters/],
    ['FAULT 19: an absolute-form target', get('http://evil.example/api/plugins', ['host: localhost']), 400, /must begin with/],
    ['no host', get('/api/plugins', []), 400, /host is missing/],
    ['FAULT 19: two Host headers', get('/api/plugins', ['host: localhost', 'host: b']), 400, /host may come once/],
    ['FAULT 19: two Authorization headers', get('/api/plugins', ['host: localhost', 'authorization: Bearer x']), 400, /authorization may come once/],
    ['FAULT 19: content-length with transfer-encoding', 'POST /api/events/note HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', 400, /no valid HTTP/]
  ]
  for (const [what, text, status, message] of refused) {
    const answer = await speak(text)
    t.equal(answer.status, status, what)
    t.match(answer.body, { code: 'VAL_001', message }, what)
  }
  t.equal((await speak(get('/health', [], '1.0'))).status, 200, 'HTTP/1.0 knows no host')
  t.equal((await speak(get(`/api/events?type=${'a,'.repeat(60)}a`, ['host: localhost']))).status, 200, 'a long address with one parameter')
})

t.test('FAULT 18: a body that is too large is refused, declared or chunked, and a compressed one unread', async (t) => {
  const { sidecar, operator, ask } = await startSidecar(t, { settings: { 'body-limit-mb': '1' } })
  const port = await portOf(sidecar.app)
  const head = `POST /api/events/note HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${operator}\r\ncontent-type: application/json\r\n`
  const declared = await openRaw(t, port)
  declared.write(`${head}content-length: ${100 * MEBIBYTE}\r\n\r\n{`)
  t.match(await declared.answer(), { status: 413, body: { code: 'VAL_001', error: 'payload_too_large' } }, 'before it was sent')

  const chunked = await openRaw(t, port)
  const before = process.memoryUsage().arrayBuffers
  chunked.write(`${head}transfer-encoding: chunked\r\n\r\n`)
  const piece = `${(64 * 1024).toString(16)}\r\n${' '.repeat(64 * 1024)}\r\n`
  const refused = chunked.answer()
  const progress = { isOver: false }
  const over = refused.finally(() => { progress.isOver = true })
  // A server that reads on for ever would be sent all of it.
  for (let sent = 0; sent < 1024 && !progress.isOver; sent++) {
    if (!chunked.socket.write(piece)) await Promise.race([once(chunked.socket, 'drain'), over])
  }
  t.match(await refused, { status: 413, body: { code: 'VAL_001', error: 'payload_too_large' } })
  t.ok(process.memoryUsage().arrayBuffers - before < 32 * MEBIBYTE, 'what came is not kept')

  const bomb = gzipSync(Buffer.alloc(8 * MEBIBYTE, 32))
  const compressed = await openRaw(t, port)
  compressed.write(`${head}content-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`)
  t.match(await compressed.answer(), { status: 415, body: { code: 'VAL_001', error: 'unsupported_media_type', message: /compressed/ } })
  t.equal((await ask('POST', '/api/events/note', { body: { topic: 'coordination' }, headers: { 'content-encoding': 'identity' } })).status, 202)
})

t.test('FAULT 17: headers, bodies and readers that never come to an end are let go, and others are served meanwhile', async (t) => {
  const { sidecar, operator, ask } = await startSidecar(t, { settings: { 'requests-headers-seconds': '0.4', 'requests-request-seconds': '1.2', 'requests-max-connections': '60' } })
  const port = await portOf(sidecar.app)
  const silent = await Promise.all(Array.from({ length: 25 }, async () => await openRaw(t, port)))
  const halfOpen = await Promise.all(Array.from({ length: 25 }, async () => await openRaw(t, port)))
  for (const connection of halfOpen) connection.write('GET /health HTTP/1.1\r\nhost: localhost\r\nx-slow')
  const dripping = await openRaw(t, port)
  dripping.write(`POST /api/events/note HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${operator}\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n`)
  const drip = setInterval(() => dripping.write(' '), 50)
  t.teardown(() => clearInterval(drip))
  t.equal((await ask('POST', '/api/events/note', { body: { topic: 'coordination' } })).status, 202)
  const ends = await Promise.all([...silent, ...halfOpen, dripping].map(async (connection) => await connection.closed()))
  t.ok(ends.every((text) => text === '' || text.startsWith('HTTP/1.1 408 ')), 'each was told, or just closed')
  t.match(ends.at(-1), /"code":"VAL_001"/)
  await eventually(async () => await new Promise<number>((resolve, reject) => sidecar.app.server.getConnections((error, count) => { if (error === null) resolve(count); else reject(error) })) === 0)

  const most = await Promise.all(Array.from({ length: 60 }, async () => await openRaw(t, port)))
  const beyond = await openRaw(t, port)
  t.equal(await beyond.closed(), '', 'a connection beyond the bound is closed at once')
  for (const { socket } of most) socket.destroy()
})
