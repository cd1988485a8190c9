import type { Server } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Logger } from './contracts/index.js'
import { messageOf } from './errors.js'
import type { Services } from './http/types.js'
import type { Plugins } from './plugin-host/host.js'
import type { ProjectWorker } from './project/worker/client.js'
import type { StorageLock } from './storage.js'

/** How long pushes under way to webhooks may take; then they are given back, to be pushed at the next start. */
const PUSHES_MS = 2000

/** How long answers under way may take; then what is still open is cut. */
const CONNECTIONS_MS = 3000

/** Node waits for connections that have never carried a request (a browser's spare one, a probe) until they time out. */
async function closeConnections (app: FastifyInstance, sockets: readonly Server[]): Promise<void> {
  const servers = [app.server, ...sockets]
  const cut = setTimeout(() => { for (const server of servers) server.closeAllConnections() }, CONNECTIONS_MS)
  try {
    await Promise.all([app.close(), ...sockets.map(async (server) => await new Promise((resolve) => {
      server.close(resolve)
      server.closeIdleConnections()
    }))])
  } finally {
    clearTimeout(cut)
  }
}

/** Drains and closes, each step also when one before it failed: what still answers and acts first, what it needs last. */
export async function shutDown ({ app, sockets, services, plugins, worker, lock, timers, log }: {
  app: FastifyInstance
  sockets: readonly Server[]
  services: Services
  plugins: Plugins
  worker: ProjectWorker
  lock: StorageLock
  timers: { close (): void }[]
  log: Logger
}): Promise<void> {
  log.info({}, 'draining')
  for (const timer of timers) timer.close()
  services.events.drain()
  // Beside the other steps, because agents and connections take their own time; its fault is told at its step.
  const pushes = services.webhooks.close(PUSHES_MS)
  pushes.catch(() => {})
  const steps: [string, () => Promise<unknown>][] = [
    ['triggers', async () => await services.triggers.close()],
    ['agents', async () => await services.fleet.close()],
    ['workspaces', async () => await services.workspaces.close()],
    ['connections', async () => await closeConnections(app, sockets)],
    ['waits', async () => await services.events.close()],
    ['webhooks', async () => await pushes],
    ['projects', async () => await worker.close()],
    ['plugins', async () => await plugins.close()],
    ['audit', async () => {
      services.audit.note({ action: 'sidecar.stopped', outcome: 'success', actor: 'sidecar' })
      await services.audit.close()
    }],
    ['storage', async () => await lock.release()]
  ]
  for (const [name, step] of steps) {
    try {
      await step()
    } catch (error) {
      log.error({ step: name, reason: messageOf(error) }, 'a step of the shutdown failed')
    }
  }
}
