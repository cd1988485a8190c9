import { connect, type Socket } from 'node:net'
import { Connection } from '../speed/client.js'
import { percentile } from '../speed/figures.js'

const AT_ONCE = 200
const PUBLISHES = 300
/** Longer than the server gives a head to arrive. */
const MOST_WAIT_MS = 90_000

export interface Flood {
  opened: number
  /** Milliseconds of a publish, before and while they are open. */
  before: number
  during: number
  /** Connections that the server has closed by itself in the end. */
  closed: number
}

/** Connections with half a head each, while somebody publishes, until the server lets them go. */
export async function flood (port: number, count: number, publish: string): Promise<Flood> {
  const connection = await Connection.open(port)
  const p99 = async (): Promise<number> => {
    const times: number[] = []
    for (let round = 0; round < PUBLISHES; round++) times.push((await connection.send(publish)).milliseconds)
    return percentile(times, 0.99)
  }
  const sockets: Socket[] = []
  let closed = 0
  let allClosed = (): void => {}
  const closing = new Promise<void>((resolve) => { allClosed = resolve })
  const open = async (): Promise<void> => await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('GET /health HTTP/1.1\r\nhost: a\r\nx-half')
      sockets.push(socket)
      resolve()
    })
    // The server answers with 408 and closes.
    socket.resume()
    socket.on('error', () => resolve())
    socket.on('close', () => { if (++closed === count) allClosed() })
  })
  try {
    await p99()
    const before = await p99()
    for (let opened = 0; opened < count; opened += AT_ONCE) await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - opened) }, open))
    const opened = sockets.length
    const during = await p99()
    let timer: NodeJS.Timeout | undefined
    await Promise.race([closing, new Promise<void>((resolve) => { timer = setTimeout(resolve, MOST_WAIT_MS) })])
    clearTimeout(timer)
    return { opened, before, during, closed }
  } finally {
    for (const socket of sockets) socket.destroy()
    connection.close()
  }
}
