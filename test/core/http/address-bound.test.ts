import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createConnection, type AddressInfo } from 'node:net'
import { Duplex } from 'node:stream'
import t from 'tap'
import { loadConfig } from '../../../core/config/load.js'
import { tellOfDrops } from '../../../core/http/address-bound.js'
import { createHttpServer } from '../../../core/http/http-server.js'
import { createLogSpy } from '../../support/log-spy.js'

/** A connection that came from somewhere else. */
function connected (server: Server, remoteAddress: string): Duplex {
  const socket = Object.assign(new Duplex({ read () {}, write (_chunk, _encoding, done) { done() } }), { remoteAddress, setTimeout () {}, setNoDelay () {} })
  server.emit('connection', socket)
  return socket
}

t.test('an address holds so many connections, others and this machine are not held up, and one that ends makes room', async (t) => {
  const home = t.testdir()
  const { settings } = await loadConfig({ flags: { 'requests-max-connections-per-address': '3' }, env: {}, project: home, home })
  const server = createHttpServer(settings, (_request, response) => { response.end() }).listen(0, '127.0.0.1')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  const dropped: unknown[] = []
  server.on('drop', (drop) => { dropped.push(drop) })
  await once(server, 'listening')
  const held = Array.from({ length: 3 }, () => connected(server, '192.0.2.7'))
  t.strictSame(held.map(({ destroyed }) => destroyed), [false, false, false])
  t.equal(connected(server, '::ffff:192.0.2.7').destroyed, true, 'the same one, written in another way')
  t.strictSame(dropped, [{ remoteAddress: '::ffff:192.0.2.7' }])
  t.equal(connected(server, '192.0.2.8').destroyed, false, 'a neighbour')
  const [one, two, three, four] = ['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8::4'].map((address) => connected(server, address))
  t.strictSame([one, two, three, four].map((socket) => socket?.destroyed), [false, false, false, true], 'whoever has an IPv6 address has a network of them')
  held[0]!.destroy()
  await once(held[0]!, 'close')
  t.equal(connected(server, '192.0.2.7').destroyed, false)
  t.equal(connected(server, '192.0.2.7').destroyed, true)

  const local = Array.from({ length: 10 }, () => createConnection((server.address() as AddressInfo).port, '127.0.0.1'))
  t.teardown(() => { for (const socket of local) socket.destroy() })
  for (const socket of local) {
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await once(socket, 'data')
  }
  t.ok(local.every(({ destroyed }) => !destroyed), 'this machine')
})

t.test('that connections were closed is said once a minute, with how many', async (t) => {
  let now = 0
  const log = createLogSpy()
  const server = createServer()
  server.on('drop', tellOfDrops(log, () => now))
  for (let n = 0; n < 5; n++) server.emit('drop', { remoteAddress: '192.0.2.7' })
  now = 60_000
  server.emit('drop', { remoteAddress: '192.0.2.8' })
  t.match(log.lines, [{ level: 'warn', details: { closed: 1, address: '192.0.2.7' } }, { level: 'warn', details: { closed: 5, address: '192.0.2.8' } }])
  t.equal(log.lines.length, 2)
})
