import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createClient, type Client, type ClientOptions } from '../../cli/client.js'
import { addressOf, connect } from '../../cli/connect.js'
import { Failure } from '../../cli/failure.js'
import { stubTerminal } from './stub-terminal.js'

async function serverFor (t: Test, answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', () => { resolve() }) })
  t.teardown(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => { server.close(resolve) })
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function clientFor (url: string, options: Partial<ClientOptions> = {}): Client {
  return createClient({ url, token: async () => 'token-1', ...options })
}

async function failureOf (call: Promise<unknown>): Promise<Failure> {
  try {
    await call
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
  throw new Error('the call succeeded')
}

const json = (status: number, body: object, headers: Record<string, string> = {}): RequestListener => (_request, response) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

async function bodyOf (request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of request) text += String(part)
  return text
}

t.test('a call sends its method, query, token and body, and answers the JSON', async (t) => {
  const url = await serverFor(t, (request, response) => {
    bodyOf(request).then((body) => {
      json(201, { method: request.method, url: request.url, authorization: request.headers.authorization, body: JSON.parse(body) as unknown })(request, response as never)
    }, (error: unknown) => { response.destroy(error as Error) })
  })
  const answer = await clientFor(`${url}/api/`).call('POST', '/api/things', { query: { a: 'x y&z', b: undefined, c: 0, d: true }, body: { n: 1, left: undefined } })
  t.same(answer, { method: 'POST', url: '/api/things?a=x+y%26z&c=0&d=true', authorization: 'Bearer token-1', body: { n: 1 } })
})

t.test('an error body becomes its sentence and its code', async (t) => {
  const url = await serverFor(t, json(400, { error: 'invalid_request', message: 'The query is not valid', code: 'VAL_001', details: { issues: [{ path: 'limit', message: 'must be >= 1' }] } }))
  const failure = await failureOf(clientFor(url).call('GET', '/'))
  t.equal(failure.message, 'The query is not valid; limit: must be >= 1')
  t.equal(failure.code, 'VAL_001')
  t.equal(failure.exitCode, 1)
})

t.test('an answer that is none of a sidecar is named as such', async (t) => {
  for (const answer of [json(404, { hello: 'world' }), (_request, response) => { response.writeHead(200).end('<html>') }] satisfies RequestListener[]) {
    const url = await serverFor(t, answer)
    t.match((await failureOf(clientFor(url).call('GET', '/'))).message, /is another program listening there\?$/)
  }
  const url = await serverFor(t, json(302, {}, { location: 'http://127.0.0.1:1/' }))
  t.match((await failureOf(clientFor(url).call('GET', '/'))).message, /No sidecar answers/, 'nobody is sent elsewhere with a token')
})

t.test('a connection refused says how to start a sidecar', async (t) => {
  const url = await serverFor(t, json(200, {}))
  const port = Number(new URL(url).port)
  const closed = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address() as AddressInfo
      server.close(() => { resolve(free) })
    })
  })
  t.not(closed, port)
  const failure = await failureOf(clientFor(`http://127.0.0.1:${closed}`).call('GET', '/'))
  t.equal(failure.message, `No sidecar answers at http://127.0.0.1:${closed}. Start one with: cco start`)
})

t.test('every call has a time-out, and can be aborted', async (t) => {
  const url = await serverFor(t, () => {})
  t.equal((await failureOf(clientFor(url, { timeoutMs: 50 }).call('GET', '/'))).message, `The sidecar at ${url} did not answer within 0.05 s.`)
  const abort = new AbortController()
  setTimeout(() => { abort.abort() }, 20)
  await t.rejects(clientFor(url).call('GET', '/', { signal: abort.signal }), { name: 'AbortError' })
  const connectionCut = await serverFor(t, (request) => { request.socket.destroy() })
  t.match((await failureOf(clientFor(connectionCut).call('GET', '/'))).message, /^No sidecar answers at/)
})

t.test('what is no address is said to be none', async (t) => {
  for (const url of ['nonsense', 'ftp://127.0.0.1:1']) t.match((await failureOf(clientFor(url).call('GET', '/'))).message, /is no address of a sidecar/)
})

t.test('a refreshed token is taken, and an expired one is asked for again, once', async (t) => {
  const seen: (string | undefined)[] = []
  const url = await serverFor(t, (request, response) => {
    seen.push(request.headers.authorization)
    const expired = request.headers.authorization === 'Bearer old'
    json(expired ? 401 : 200, expired ? { code: 'AUTH_002', message: 'expired' } : {}, seen.length === 2 ? { 'x-refreshed-token': 'fresh' } : {})(request, response as never)
  })
  const tokens = ['old', 'new', 'never']
  const client = clientFor(url, { token: async () => tokens.shift() })
  await client.call('GET', '/')
  await client.call('GET', '/')
  t.same(seen, ['Bearer old', 'Bearer new', 'Bearer fresh'])
  const stale = clientFor(url, { token: async () => 'old' })
  t.equal((await failureOf(stale.call('GET', '/'))).code, 'AUTH_002')
})

t.test('without a token the answer says where one comes from', async (t) => {
  const url = await serverFor(t, json(401, { code: 'AUTH_001', message: 'A token is needed.' }))
  const failure = await failureOf(clientFor(url, { token: async () => undefined, tokenHint: 'Give one with --token.' }).call('GET', '/'))
  t.equal(failure.message, 'A token is needed. Give one with --token.')
})

t.test('address and token come from options, environment and settings, in this order', async (t) => {
  const echo = await serverFor(t, (request, response) => { json(200, { token: request.headers.authorization })(request, response as never) })
  const { port } = new URL(echo)
  const home = t.testdir()
  const storage = join(home, '.cco', 'orchestration')
  const elsewhere = join(home, 'elsewhere')
  for (const [folder, token] of [[storage, 'of-default'], [elsewhere, 'of-elsewhere']] as const) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'operator.token'), `${token}\n`)
  }
  const tokenOf = async (options: object, env: Record<string, string>): Promise<string | undefined> => {
    const client = await connect(options, stubTerminal({ cwd: home, env: { HOME: home, ...env } }))
    return (await client.call<{ token?: string }>('GET', '/')).token
  }
  t.equal(await tokenOf({ url: echo, token: 'of-flag' }, { CCO_SIDECAR_URL: 'http://127.0.0.1:1', CCO_SIDECAR_TOKEN: 'of-env' }), 'Bearer of-flag')
  t.equal(await tokenOf({}, { CCO_SIDECAR_URL: echo, CCO_SIDECAR_TOKEN: 'of-env' }), 'Bearer of-env')
  t.equal(await tokenOf({ port }, { CCO_SIDECAR_URL: 'http://127.0.0.1:1', CCO_SIDECAR_TOKEN: 'of-env' }), 'Bearer of-env', 'a port on the command line wins over an address in the environment')
  t.equal(await tokenOf({}, { CCO_SIDECAR_PORT: port }), 'Bearer of-default')
  t.equal(await tokenOf({ port, storage: elsewhere }, { CCO_SIDECAR_STORAGE: storage }), 'Bearer of-elsewhere')
  t.equal(await tokenOf({ port }, { CCO_SIDECAR_STORAGE: join(home, 'nothing') }), undefined)
  writeFileSync(join(home, '.cco', 'config.json'), JSON.stringify({ sidecar: { port: Number(port), storage: elsewhere } }))
  t.equal(await tokenOf({}, {}), 'Bearer of-elsewhere', 'the user\'s file counts as for the server')
  await t.rejects(tokenOf({}, { CCO_SIDECAR_PROT: '1' }), { code: 'SIDECAR_ERR_CONFIG_INVALID' })
})

t.test('the operator token is not sent to another machine', async (t) => {
  const home = t.testdir({ '.cco': { orchestration: { 'operator.token': 'secret' } } })
  const terminal = stubTerminal({ cwd: home, env: { HOME: home } })
  const echo = await serverFor(t, (request, response) => { json(200, { token: request.headers.authorization ?? null })(request, response as never) })
  // A name that is not written as a loopback address may be anything.
  const disguised = echo.replace('127.0.0.1', '127.0.0.1.localhost')
  const client = await connect({ url: disguised }, terminal)
  const answer = await client.call<{ token: string | null }>('GET', '/').catch((error: unknown) => ({ token: error instanceof Failure ? null : 'other' }))
  t.equal(answer.token, null)
  t.same(await (await connect({ url: echo }, terminal)).call('GET', '/'), { token: 'Bearer secret' })
})

t.test('a server that listens everywhere is called on the loopback address', async (t) => {
  t.same(['0.0.0.0', '::', '::1', '127.0.0.1', '192.168.1.5'].map(addressOf), ['127.0.0.1', '[::1]', '[::1]', '127.0.0.1', '192.168.1.5'])
})
