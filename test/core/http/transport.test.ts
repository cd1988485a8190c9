import { linkSync, statSync, writeFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import t from 'tap'
import { newestFirst } from '../../../core/audit/read.js'
import type { Settings } from '../../../core/config/settings.js'
import { reloadCertificate } from '../../../core/http/certificate.js'
import { listenOnOtherAddresses } from '../../../core/http/other-addresses.js'
import { eventually } from '../../../core/testing/expectations.js'
import { loadConfig } from '../../../index.js'
import { makeCertificate } from '../../support/certificate.js'
import { startSidecar } from '../../support/sidecar.js'
import { quickFolder } from '../../support/temporary.js'

const folder = await quickFolder(t)
const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
function install (made: { cert: string, key: string }): string {
  writeFileSync(cert, made.cert)
  writeFileSync(key, made.key)
  return made.cert
}

let ca = install(makeCertificate())
const secure = await startSidecar(t, { settings: { 'tls-cert': cert, 'tls-key': key, 'access-hosts': 'shop.example', 'rate-limit-address-per-minute': '20', 'access-trust-proxy': '10.1.0.0/16', 'cors-loopback': 'true', 'cors-origins': 'https://board.example' } })
await secure.sidecar.app.listen({ port: 0, host: '127.0.0.1' })
const { port } = secure.sidecar.app.server.address() as AddressInfo

async function textOf (response: IncomingMessage, until?: RegExp): Promise<string> {
  let text = ''
  for await (const chunk of response) {
    text += String(chunk)
    if (until?.test(text) === true) break
  }
  return text
}

async function get (path: string, { method = 'GET', body, headers = {} }: { method?: string, body?: unknown, headers?: Record<string, string> } = {}): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    const sent = httpsRequest({ host: '127.0.0.1', port, path, method, ca, agent: false, headers: { authorization: `Bearer ${secure.operator}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers } }, resolve)
    sent.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body))
  })
}

async function peer (options: object = {}): Promise<TLSSocket> {
  return await new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca, ...options }, () => { resolve(socket) })
    socket.once('error', reject)
  })
}

t.test('TLS 1.3 and nothing below', async (t) => {
  const socket = await peer()
  t.equal(socket.getProtocol(), 'TLSv1.3')
  socket.destroy()
  await t.rejects(peer({ maxVersion: 'TLSv1.2' }))
  await t.rejects(peer({ ca: makeCertificate().cert }), 'somebody else\'s certificate')
  t.equal((await get('/api/plugins')).statusCode, 200)
})

t.test('waits and streams go through it', async (t) => {
  const waiting = get('/api/events/wait/note?timeout=60000')
  const stream = await get('/api/events/stream?type=note&since=earliest')
  t.match(stream.headers['content-type'], 'text/event-stream')
  const published = await get('/api/events/note', { method: 'POST', body: { topic: 'coordination', data: { n: 1 } } })
  t.equal(published.statusCode, 202)
  t.match(await textOf(stream, /event_id/), /"n":1/)
  t.match(await textOf(await waiting), /"n":1/)
})

t.test('a certificate is exchanged while the server runs, and a wrong one is not taken', async (t) => {
  const serial = async (): Promise<string> => {
    const socket = await peer()
    const { serialNumber } = socket.getPeerCertificate()
    socket.destroy()
    return serialNumber
  }
  const before = await serial()
  const open = await peer()
  ca = install(makeCertificate())
  secure.sidecar.reloadCertificate()
  const after = await serial()
  t.not(after, before)
  t.equal(open.destroyed, false, 'connections that are open stay')
  open.destroy()
  for (const wrong of [{ cert: 'x', key: makeCertificate().key }, { cert: makeCertificate().cert, key: makeCertificate().key }]) {
    install(wrong)
    t.throws(() => { secure.sidecar.reloadCertificate() }, { code: 'SIDECAR_ERR_CONFIG_INVALID', message: /no certificate with its key/ })
    t.equal(await serial(), after)
  }
  await t.rejects(startSidecar(t, { settings: { 'tls-cert': cert } }), { code: 'SIDECAR_ERR_CONFIG_INVALID', message: /belong together/ })
  await t.rejects(startSidecar(t, { settings: { 'tls-cert': cert, 'tls-key': join(folder, 'absent') } }), { code: 'SIDECAR_ERR_CONFIG_INVALID', message: /tls\.key cannot be read/ })
  await t.rejects(startSidecar(t, { settings: { 'access-trust-proxy': 'nonsense' } }), { code: 'SIDECAR_ERR_CONFIG_INVALID', message: /access\.trust_proxy/ })
})

t.test('localhost is listened on at all of its addresses, with the same certificate', { skip: process.platform !== 'linux' && 'other systems have one address of loopback' }, async (t) => {
  install(makeCertificate())
  const { settings } = await loadConfig({ flags: { host: 'localhost', 'tls-cert': cert, 'tls-key': key }, env: {}, project: folder, home: folder }) as { settings: Settings }
  const addresses = async (): Promise<{ address: string, family: number }[]> => ['127.0.0.1', '127.0.0.2', '192.0.2.1'].map((address) => ({ address, family: 4 }))
  const servers = await listenOnOtherAddresses(secure.sidecar.app, settings, addresses)
  t.teardown(async () => await Promise.all(servers.map(async (server) => await new Promise((resolve) => { server.close(resolve) }))))
  t.strictSame(servers.map((server) => server.address()), [{ address: '127.0.0.2', family: 'IPv4', port }], 'without those that cannot be had')
  ca = install(makeCertificate())
  reloadCertificate([secure.sidecar.app.server, ...servers], settings)
  for (const host of ['127.0.0.1', '127.0.0.2']) {
    const socket = await peer({ host, servername: 'localhost' })
    t.equal(socket.authorized, true)
    socket.destroy()
  }
})

t.test('a page whose name was pointed here gets nothing', async (t) => {
  const ask = async (host: string, url = '/health'): Promise<number> => (await secure.sidecar.app.inject({ url, headers: { host } })).statusCode
  for (const host of ['localhost', 'localhost:3001', 'LOCALHOST:1', '127.0.0.1', '127.0.0.1:3001', '[::1]', '[::1]:3001', 'shop.example', 'Shop.Example:443']) t.equal(await ask(host), 200, host)
  for (const host of ['evil.example', 'localhost.evil.example', 'evil.example:3001', '127.0.0.1.evil.example', 'localhost:x', 'localhost:', '127.0.0.2', '0.0.0.0', 'x.shop.example', '::1']) t.equal(await ask(host), 421, host)
  const { body, headers } = await secure.ask('GET', '/health', { headers: { host: 'evil.example' } })
  t.match(body, { error: 'misdirected_request', code: 'VAL_001' })
  t.equal(headers['x-content-type-options'], 'nosniff')
  t.equal(await ask('evil.example', '/no-such-route'), 421)
})

t.test('pages of configured origins and of this machine may call, others not', async (t) => {
  const allowed = async (origin: string): Promise<unknown> => (await secure.sidecar.app.inject({ method: 'OPTIONS', url: '/api/plugins', headers: { origin, 'access-control-request-method': 'GET' } })).headers['access-control-allow-origin']
  for (const origin of ['https://board.example', 'http://localhost:5173', 'http://127.0.0.1:8080', 'http://[::1]:3000', 'http://localhost']) t.equal(await allowed(origin), origin)
  for (const origin of ['https://evil.example', 'http://localhost.evil.example', 'http://localhost:5173.evil.example', 'null', 'https://board.example.evil.example', 'http://evil.example?http://localhost']) t.notOk(await allowed(origin), origin)
})

t.test('who forwards a request is believed only where he is named', async (t) => {
  const addressOf = async (remoteAddress: string, forwarded: string): Promise<string | undefined> => {
    await secure.sidecar.app.inject({ url: '/api/plugins', remoteAddress, headers: { 'x-forwarded-for': forwarded } })
    await secure.agent('test-engineer')
    for await (const { action, address } of newestFirst(join(secure.storage, 'audit'))) if (action === 'token.refused') return address
    return undefined
  }
  t.equal(await addressOf('10.1.2.3', '203.0.113.7'), '203.0.113.7')
  t.equal(await addressOf('10.2.2.3', '203.0.113.8'), '10.2.2.3')
  t.equal(await addressOf('10.1.2.3', '203.0.113.9, 10.2.2.2'), '10.2.2.2', 'nor what was forwarded to it')
})

t.test('an address that asks in vain too often is in the audit log, once', async (t) => {
  const statuses: number[] = []
  for (let again = 0; again < 25; again++) statuses.push((await secure.sidecar.app.inject({ url: '/api/plugins', remoteAddress: '198.51.100.7', headers: { authorization: 'Bearer x' } })).statusCode)
  t.ok(statuses.includes(401) && statuses.includes(429))
  await secure.agent('test-engineer')
  const breaches: unknown[] = []
  for await (const { action, address, code, actor } of newestFirst(join(secure.storage, 'audit'))) if (action === 'limit.exceeded') breaches.push({ address, code, actor })
  t.strictSame(breaches, [{ address: '198.51.100.7', code: 'RATE_001', actor: null }])
})

t.test('a unix socket is the owner\'s alone, and one that a crash left is cleared away', async (t) => {
  const path = join(folder, 'cco.sock')
  const started = await startSidecar(t)
  // A socket without a program behind it.
  const other = createServer()
  await new Promise<void>((resolve) => { other.listen(join(folder, 'other.sock'), resolve) })
  linkSync(join(folder, 'other.sock'), path)
  await t.rejects(started.sidecar.listenOnSocket(path), { code: 'SIDECAR_ERR_LISTEN', message: /another program listens/ })
  await new Promise((resolve) => { other.close(resolve) })
  await started.sidecar.listenOnSocket(path)
  t.equal(statSync(path).mode & 0o777, 0o600)
  const ask = async (url: string, headers: Record<string, string> = {}): Promise<IncomingMessage> => await new Promise((resolve, reject) => {
    httpRequest({ socketPath: path, path: url, headers, agent: false }, resolve).on('error', reject).end()
  })
  t.equal((await ask('/health')).statusCode, 200)
  t.equal((await ask('/status')).statusCode, 401, 'it is no loopback connection')
  t.equal((await ask('/api/plugins', { authorization: `Bearer ${started.operator}` })).statusCode, 200)
  t.equal((await ask('/health', { host: 'evil.example' })).statusCode, 421)
  const waiting = ask('/api/events/wait/note?timeout=60000', { authorization: `Bearer ${started.operator}` })
  await eventually(async () => (await started.ask('GET', '/status')).body.events.active_subscriptions === 1, 'the wait is held')
  const writing = join(folder, 'file')
  writeFileSync(writing, 'precious')
  await t.rejects(started.sidecar.listenOnSocket(writing), { code: 'SIDECAR_ERR_LISTEN', message: /something else in its place/ })
  await t.rejects(started.sidecar.listenOnSocket(join(folder, 'x'.repeat(120))), { code: 'SIDECAR_ERR_LISTEN', message: /longer than 103/ })
  await started.close()
  t.ok([200, 503].includes((await waiting).statusCode!), 'a wait is answered by the shutdown')
  t.throws(() => statSync(path), { code: 'ENOENT' })
})
