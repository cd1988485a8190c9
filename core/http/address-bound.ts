import type { Server } from 'node:http'
import type { DropArgument } from 'node:net'
import type { Logger } from '../contracts/index.js'
import { networkOf } from '../connection.js'

/** Closes a connection at once, before anything is read of it, where its address has as many already. Those of this machine are not counted: all its agents have one address. */
export function boundByAddress (server: Server, most: number): void {
  const open = new Map<string, number>()
  server.on('connection', (socket) => {
    const network = networkOf(socket.remoteAddress)
    if (network === undefined) return
    const count = open.get(network) ?? 0
    if (count >= most) {
      socket.destroy()
      // As Node says of those beyond `maxConnections`.
      server.emit('drop', { remoteAddress: socket.remoteAddress })
      return
    }
    open.set(network, count + 1)
    socket.once('close', () => {
      const left = open.get(network)! - 1
      if (left === 0) open.delete(network)
      else open.set(network, left)
    })
  })
}

const TOLD_EVERY_MS = 60_000

/** Says at most once a minute that connections were closed at once, how many, and from where the last of them came: nobody else sees it. */
export function tellOfDrops (log: Pick<Logger, 'warn'>, now: () => number = () => performance.now()): (dropped?: DropArgument) => void {
  let told = -Infinity
  let closed = 0
  return (dropped) => {
    closed++
    if (now() - told < TOLD_EVERY_MS) return
    told = now()
    log.warn({ closed, address: dropped?.remoteAddress ?? null }, 'connections beyond the bounds of the settings requests.max_connections and requests.max_connections_per_address were closed')
    closed = 0
  }
}
