import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { createConnection, type AddressInfo, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { drained } from '../../../core/http/drained.js'
import { within } from '../../../core/testing/expectations.js'

const ENDS_MS = 20_000

/** A response of which a client has taken nothing, with more in it than all buffers between hold. */
async function stalled (t: Test): Promise<{ response: ServerResponse, client: Socket }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const requested = once(server, 'request') as Promise<[unknown, ServerResponse]>
  const client = createConnection((server.address() as AddressInfo).port, '127.0.0.1')
  client.on('error', () => {})
  client.pause()
  client.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  const [, response] = await requested
  t.teardown(() => {
    client.destroy()
    response.destroy()
    server.close()
  })
  t.notOk(response.write('x'.repeat(30_000_000)))
  return { response, client }
}

t.test('a client that reads is waited for', async (t) => {
  const { response, client } = await stalled(t)
  const waiting = drained(response, new AbortController().signal, ENDS_MS)
  client.resume()
  t.equal(await waiting, true)
})

t.test('one that takes nothing, as a peer that vanished without a word, is waited for so long', async (t) => {
  const { response } = await stalled(t)
  t.equal(await within(ENDS_MS, drained(response, new AbortController().signal, 20), 'the time is up'), false)
  t.equal(response.listenerCount('drain') + response.listenerCount('close'), (await stalled(t)).response.listenerCount('close'), 'nothing is left of the wait')
})

t.test('a client that goes away and a token that ends are seen at once', async (t) => {
  const [leaves, ends] = [await stalled(t), await stalled(t)]
  const end = new AbortController()
  const waiting = [drained(leaves.response, new AbortController().signal, 60_000), drained(ends.response, end.signal, 60_000)]
  leaves.client.resetAndDestroy()
  end.abort()
  t.strictSame(await within(ENDS_MS, Promise.all(waiting), 'both are seen'), [false, false])
  t.equal(await drained(ends.response, end.signal, 60_000), false)
  t.equal(await drained(leaves.response, new AbortController().signal, 60_000), false)
})
