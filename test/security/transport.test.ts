import { once } from 'node:events'
import { deflateSync, brotliCompressSync, gzipSync } from 'node:zlib'
import t from 'tap'
import { checkConventions } from '../core/http/documented.js'
import { start } from '../cli/run-program.js'
import { openRaw } from '../support/raw-http.js'
import { temporaryFolder } from '../support/temporary.js'
import { openArena, type Attack } from './arena.js'

const arena = await openArena(t, { settings: { 'requests-headers-seconds': '0.5', 'requests-request-seconds': '1', 'requests-max-connections': '300' } })
const { attack, send, operator: token, port, calm } = arena

/** What is written on a connection, and the statuses that may come of it; the connection is then closed or answers nothing more. */
async function written (t: Parameters<typeof openRaw>[0], text: string | Buffer): Promise<{ statuses: number[], text: string }> {
  const connection = await openRaw(t, port)
  connection.socket.end(text)
  const answer = await connection.closed()
  return { statuses: [...answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status)), text: answer }
}

t.test('requests that two servers would read in two ways', async (t) => {
  const body = '{"topic":"coordination"}'
  const post = (headers: string[], content = body): string => `POST /api/events/smuggled HTTP/1.1\r\n${['host: localhost', `authorization: Bearer ${token}`, 'content-type: application/json', 'connection: close', ...headers].map((header) => `${header}\r\n`).join('')}\r\n${content}`
  const inner = `GET /api/plugins HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n\r\n`
  const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
  const ambiguous: Record<string, string> = {
    'length and chunks': post(['content-length: 5', 'transfer-encoding: chunked'], `0\r\n\r\n${inner}`),
    'chunks and length': post(['transfer-encoding: chunked', 'content-length: 5'], `0\r\n\r\n${inner}`),
    'two lengths': post([`content-length: ${body.length}`, 'content-length: 0']),
    'two lengths in one': post([`content-length: ${body.length}, 0`]),
    'a length with a sign': post([`content-length: +${body.length}`]),
    'a negative length': post(['content-length: -1']),
    'a length in hexadecimal': post(['content-length: 0x18']),
    'a length beyond all numbers': post([`content-length: ${'9'.repeat(40)}`]),
    'a length with a point': post(['content-length: 24.0']),
    'an empty length': post(['content-length:']),
    'chunks under a name of their own': post(['transfer-encoding: xchunked'], chunked),
    'chunks that are not last': post(['transfer-encoding: chunked, identity'], chunked),
    'chunks twice': post(['transfer-encoding: chunked, chunked'], chunked),
    'white space before the colon': post(['transfer-encoding : chunked'], chunked),
    'a header that is folded': post(['x-a: b\r\n transfer-encoding: chunked'], chunked),
    'a vertical tab': post(['transfer-encoding:\u000bchunked'], chunked),
    'a NUL in a header': post(['x-a: b\0c'], body),
    'a bare line feed': 'GET /api/plugins HTTP/1.1\nhost: localhost\n\n',
    'a bare carriage return': 'GET /api/plugins HTTP/1.1\rhost: localhost\r\r',
    'a header without a name': post([': x'], body),
    'a name with a space': post(['x y: z'], body),
    'a size that is none': post(['transfer-encoding: chunked'], `xyz\r\n${body}\r\n0\r\n\r\n`),
    'a size beyond all numbers': post(['transfer-encoding: chunked'], `FFFFFFFFFFFFFFFFF\r\n${body}\r\n0\r\n\r\n`),
    'a negative size': post(['transfer-encoding: chunked'], `-1\r\n${body}\r\n0\r\n\r\n`),
    'a chunk longer than its size': post(['transfer-encoding: chunked'], `1\r\n${body}\r\n0\r\n\r\n`),
    'an extension of 100 kB': post(['transfer-encoding: chunked'], `18;${'x'.repeat(100_000)}\r\n${body}\r\n0\r\n\r\n`),
    'HTTP/0.9': 'GET /api/plugins\r\n\r\n',
    'HTTP/2 in clear text': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'HTTP/9.9': 'GET /api/plugins HTTP/9.9\r\nhost: localhost\r\n\r\n',
    'a method that is none': 'G\u00c9T / HTTP/1.1\r\nhost: localhost\r\n\r\n',
    'a method in small letters': 'get /api/plugins HTTP/1.1\r\nhost: localhost\r\n\r\n',
    'a TLS greeting': '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
    'an address with a space': 'GET /api/plugins extra HTTP/1.1\r\nhost: localhost\r\n\r\n',
    'an address with a tab': 'GET /api/\tplugins HTTP/1.1\r\nhost: localhost\r\n\r\n',
    'another server\'s address': `GET http://169.254.169.254/latest HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n\r\n`,
    'an address that is only a name': 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: localhost\r\n\r\n',
    'two hosts': `GET /api/plugins HTTP/1.1\r\nhost: localhost\r\nhost: b\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n\r\n`,
    'two tokens': `GET /api/plugins HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer x\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n\r\n`,
    'two types': post(['content-type: text/plain', `content-length: ${body.length}`])
  }
  for (const [name, text] of Object.entries(ambiguous)) {
    const { statuses, text: answer } = await written(t, text)
    t.ok(statuses.every((status) => status >= 400 && status < 500) && statuses.length <= 1, `${name}: ${statuses.join(', ')}`)
    const end = answer.indexOf('\r\n\r\n')
    if (end !== -1 && !/\r\ncontent-length: 0\r\n/i.test(answer)) t.match(JSON.parse(answer.slice(end + 4)), { error: String, message: String, code: String, timestamp: String, request_id: String }, name)
  }
  const { body: { events } } = await send({ path: '/api/events?type=smuggled', token })
  t.strictSame(events, [], 'nothing of them came through')
  await calm(t)
})

t.test('content that is announced as something else, or packed', async (t) => {
  const publish = { method: 'POST', path: '/api/events/note', token }
  const body = { topic: 'coordination' }
  const typed = (type: string): Attack => ({ ...publish, name: `content-type ${type.slice(0, 60)}`, body, headers: { 'content-type': type }, expect: [415, 'VAL_001'] })
  const packed = (name: string, encoding: string, content: Buffer): Attack => ({ ...publish, name, body: content.toString('latin1'), headers: { 'content-encoding': encoding, 'content-length': '100' }, expect: [415, 'VAL_001'] })
  const bomb = Buffer.alloc(1024 * 1024, 32)
  await attack(t, [
    ...['text/plain', 'text/html', 'application/xml', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'multipart/form-data', 'application/jsonp', 'application/x-json', 'text/json', 'json', '*/*', 'application/*',
      'application/octet-stream', 'application/cbor', 'application/x-msgpack', 'application/yaml', 'application/java-archive', '/', ';', 'a/b/c', 'application/json, text/plain', `text/${'x'.repeat(8000)}`, '\u00ff', '__proto__', 'constructor'
    ].map(typed),
    packed('gzip', 'gzip', gzipSync(bomb)), packed('deflate', 'deflate', deflateSync(bomb)), packed('brotli', 'br', brotliCompressSync(bomb)), packed('gzip twice', 'gzip, gzip', gzipSync(gzipSync(bomb))),
    packed('gzip in capitals', 'GZIP', gzipSync(bomb)), packed('an encoding that is none', 'rot13', bomb.subarray(0, 200)), packed('identity, and then not', 'identity, gzip', gzipSync(bomb)), packed('nothing', '', bomb.subarray(0, 200)),
    { ...publish, name: 'a method in a header', headers: { 'x-http-method-override': 'DELETE' }, path: '/api/cache/all', expect: [404, 'NOT_001'] },
    { name: 'TRACE', method: 'TRACE', path: '/api/plugins', token, expect: [404, 'NOT_001'] },
    { name: 'PROPFIND', method: 'PROPFIND', path: '/api/plugins', token, expect: [404, 'NOT_001'] },
    { name: 'PATCH', method: 'PATCH', path: '/api/issues/x', token, expect: [404, 'NOT_001'] },
    { name: 'a page of another origin', method: 'OPTIONS', path: '/api/tokens', headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' }, expect: [404, 'NOT_001'] }
  ])
})

t.test('CRLF: nothing that is sent gets into the head of an answer', async (t) => {
  const sent = ['a%0d%0aset-cookie:%20evil=1', '%0aevil:%201', '%E5%98%8A%E5%98%8Devil:1', 'a%00%0d%0aevil', '%u000aevil']
  for (const text of sent) {
    for (const path of [`/api/results/${text}`, `/api/events?topic=${text}`, `/nowhere/${text}`, `/docs/${text}`, `/api/context/${text}/ai-engineer`]) {
      const { status, headers } = await send({ path, token })
      t.ok([400, 404].includes(status), `${path}: ${status}`)
      t.notOk('evil' in headers || 'set-cookie' in headers, path)
    }
  }
  for (const id of ['a b', 'a\tb', '<script>', 'x'.repeat(200), '../x', '${jndi:ldap://x}']) { // eslint-disable-line no-template-curly-in-string
    const answer = await send({ token, headers: { 'x-request-id': id, traceparent: id } })
    t.not(answer.headers['x-request-id'], id, 'no request id that is not sane is said again')
    t.notOk('traceparent' in answer.headers)
  }
  await calm(t)
})

t.test('connections that do nothing, or everything at once', async (t) => {
  const silent = await Promise.all(Array.from({ length: 120 }, async () => await openRaw(t, port)))
  const slow = await Promise.all(Array.from({ length: 60 }, async () => await openRaw(t, port)))
  for (const { socket } of slow) socket.write(`POST /api/events/note HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{`)
  t.equal((await send({ path: '/health' })).status, 200, 'others are served meanwhile')
  t.equal((await send({ method: 'POST', path: '/api/events/note', token, body: { topic: 'coordination' } })).status, 202)
  const ends = await Promise.all([...silent, ...slow].map(async (connection) => await connection.closed()))
  t.ok(ends.every((text) => text === '' || text.startsWith('HTTP/1.1 408 ')), 'each was let go')

  const pipelined = await openRaw(t, port)
  const requests = 500
  pipelined.write('GET /api/plugins HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(requests) + 'GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
  const answers = await pipelined.closed()
  t.equal(answers.match(/HTTP\/1\.1 401 /g)?.length, requests, 'each of 500 requests on one connection is asked for its own token')

  const flood = await Promise.all(Array.from({ length: 340 }, async () => await openRaw(t, port)))
  await Promise.any(flood.map(async ({ socket }) => await once(socket, 'close')))
  for (const { socket } of flood) socket.destroy()
  await Promise.all(flood.map(async (connection) => await connection.closed()))
  await calm(t)
})

t.test('log injection: whatever is sent, each line of the log is one of the log', async (t) => {
  const home = await temporaryFolder(t)
  const program = start(['start', '--port', '0', '--storage', `${home}/storage`, '--log-level', 'debug'], { cwd: home, home })
  const [, address] = await program.printed(/listening on http:\/\/127\.0\.0\.1:(\d+)/)
  const secret = 'Bearer eyJhbGciOiJSUzI1NiJ9.c2VjcmV0LXBheWxvYWQ.c2lnbmF0dXJl'
  const forged = ['\n{"level":30,"msg":"forged"}', '\r\n{"level":30,"msg":"forged"}', '\u2028{"msg":"forged"}', '\u001b[2Jforged', '","msg":"forged","x":"', '%s%d%j']
  for (const text of forged) {
    for (const [method, path, body] of [['GET', `/api/results/${encodeURIComponent(text)}`], ['GET', `/nowhere?${encodeURIComponent(text)}`], ['POST', '/api/tokens', { agent_type: text }]] as const) {
      const answer = await fetch(`http://127.0.0.1:${address}${path}`, { method, headers: { authorization: secret, 'content-type': 'application/json', 'user-agent': 'forged' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
      checkConventions({ status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.json(), text: '' })
    }
  }
  program.child.kill('SIGTERM')
  const { code, stdout, stderr } = await program.ended
  t.equal(code, 0)
  const lines = stdout.trim().split('\n').filter((line) => !line.startsWith('cco-sidecar '))
  t.ok(lines.length > forged.length * 3, `${lines.length} lines`)
  for (const line of lines) if ((JSON.parse(line) as { msg: string }).msg === 'forged') t.fail(line)
  t.notOk(['c2VjcmV0', '\u001b[2J'].some((text) => (stdout + stderr).includes(text)), 'neither a token nor a sign that moves the cursor')
})
