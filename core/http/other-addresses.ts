import { lookup } from 'node:dns/promises'
import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Settings } from '../config/settings.js'
import { messageOf } from '../errors.js'
import { tellOfDrops } from './address-bound.js'
import { readCertificate } from './certificate.js'
import { createHttpServer } from './http-server.js'
import { refuseMalformed } from './hygiene.js'

/** `localhost` is two addresses, and a server listens on the first of them: others take the rest. One that cannot be had, as without IPv6, is left. */
export async function listenOnOtherAddresses (
  app: FastifyInstance,
  settings: Pick<Settings, 'host' | 'requests' | 'tls'>,
  addressesOf: (host: string) => Promise<{ address: string }[]> = async (host) => await lookup(host, { all: true })
): Promise<Server[]> {
  if (settings.host !== 'localhost') return []
  const { address: first, port } = app.server.address() as AddressInfo
  const addresses = new Set((await addressesOf(settings.host)).map(({ address }) => address))
  addresses.delete(first)
  const servers = await Promise.all([...addresses].map(async (host) => await new Promise<Server | undefined>((resolve) => {
    const server = createHttpServer(settings, app.routing, readCertificate(settings))
    server.on('drop', tellOfDrops(app.log))
    server.on('clientError', (error, socket) => { refuseMalformed(error, socket as Socket) })
    server.once('error', (error) => {
      app.log.debug({ host, reason: messageOf(error) }, 'this address of localhost is not listened on')
      resolve(undefined)
    })
    server.listen({ host, port }, () => { resolve(server) })
  })))
  return servers.filter((server) => server !== undefined)
}
