import type { Sidecar } from '../../index.js'

const CUT_EVERY_MS = 250

/**
 * Closes a sidecar; from `graceMs` on, connections that are still open are cut. Node's server waits for those that have
 * never carried a request (a browser's spare one, a load balancer's probe) until its request time-out ends them.
 */
export async function closeSidecar ({ app, close }: Pick<Sidecar, 'app' | 'close'>, graceMs: number): Promise<void> {
  let cutting: NodeJS.Timeout | undefined
  const grace = setTimeout(() => {
    cutting = setInterval(() => { app.server.closeAllConnections() }, CUT_EVERY_MS)
  }, graceMs)
  try {
    await close()
  } finally {
    clearTimeout(grace)
    clearInterval(cutting)
  }
}
