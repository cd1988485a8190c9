import { Agent, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { startSidecar } from '../../support/sidecar.js'

t.test('each request of a connection is judged by its own token, at its own time', async t => {
  const { sidecar, ask, agent, operator } = await startSidecar(t)
  await sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = sidecar.app.server.address() as AddressInfo
  const connection = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => connection.destroy())
  const sockets = new Set<unknown>()
  const get = async (authorization?: string): Promise<[status: number | undefined, code: string | undefined]> => await new Promise((resolve, reject) => {
    const headers = authorization === undefined ? {} : { authorization }
    request({ port, path: '/api/agents', agent: connection, headers }, (response) => {
      text(response).then((body) => resolve([response.statusCode, (JSON.parse(body) as { code?: string }).code]), reject)
    }).on('socket', (socket) => sockets.add(socket)).on('error', reject).end()
  })
  const { token } = await agent('ai-engineer')
  const other = await agent('python-specialist')
  const jti = (JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { jti: string }).jti

  t.strictSame(await get(`Bearer ${token}`), [200, undefined])
  t.strictSame(await get(`Bearer ${token}`), [200, undefined])
  t.strictSame(await get(`Bearer ${token.slice(0, -2)}`), [401, 'AUTH_001'], 'one that is cut short')
  t.strictSame(await get(`Bearer ${token}`), [200, undefined])
  t.strictSame(await get(), [401, 'AUTH_001'], 'none')
  t.strictSame(await get(`Basic ${token}`), [401, 'AUTH_001'], 'another scheme')
  t.strictSame(await get(`Bearer ${other.token}`), [200, undefined])
  t.strictSame(await get(`Bearer ${token}`), [200, undefined])
  t.equal((await ask('POST', '/api/tokens/revoke', { body: { jti } })).status, 200)
  t.strictSame(await get(`Bearer ${token}`), [401, 'AUTH_001'], 'one that was revoked between two requests')
  t.strictSame(await get(`Bearer ${other.token}`), [200, undefined])
  t.equal((await ask('POST', '/api/tokens/revoke', { body: { agent_id: other.agent_id } })).status, 200)
  t.strictSame(await get(`Bearer ${other.token}`), [401, 'AUTH_001'], 'one whose agent was revoked')
  t.strictSame(await get(`Bearer ${operator}`), [200, undefined])
  t.equal(sockets.size, 1)
})
