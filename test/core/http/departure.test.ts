import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { createConnection, type AddressInfo } from 'node:net'
import t from 'tap'
import { Departure } from '../../../core/http/departure.js'

t.test('a client that goes away is told of once, one that was answered is not, and one that was gone before is known', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => { server.close() })
  await once(server, 'listening')
  for (const isAnswered of [false, true]) {
    const requested = once(server, 'request') as Promise<[unknown, ServerResponse]>
    const client = createConnection((server.address() as AddressInfo).port, '127.0.0.1')
    client.on('error', () => {})
    client.resume()
    client.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
    const [, response] = await requested
    const departure = new Departure(response)
    const [told, left] = [{ times: 0, handleEvent () { this.times++ } }, { times: 0, handleEvent () { this.times++ } }]
    departure.addEventListener('abort', left)
    departure.removeEventListener()
    departure.addEventListener('abort', told)
    t.equal(departure.aborted, false)
    const closed = once(response, 'close')
    if (isAnswered) response.end('whole')
    else client.resetAndDestroy()
    await closed
    client.destroy()
    t.strictSame([departure.aborted, told.times, left.times], [!isAnswered, isAnswered ? 0 : 1, 0])
    if (!isAnswered) t.equal(new Departure(response).aborted, true)
  }
})
