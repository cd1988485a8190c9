import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { boundGarbage } from '../../cli/server/heap-growth.js'
import { processor } from '../shared/processor.js'
import { startSidecar } from '../shared/sidecar.js'
import { answerCalls } from './child.js'
import { UnsentConnection, type Unsent } from './unsent.js'

const [root, folder] = process.argv.slice(2) as [string, string]
// As the program does.
boundGarbage()
const { app, operator } = await startSidecar(root, folder)
await app.listen({ port: 0, host: '127.0.0.1' })

let unsent: UnsentConnection | undefined

const RESOLUTION_MS = 1
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
/** What was blocked before the work that is watched has still to be told, and the last of it when it is over. */
const settle = async (): Promise<void> => { await wait(5 * RESOLUTION_MS) }

const handlers = {
  address: () => ({ port: (app.server.address() as AddressInfo).port, operator }),
  /** Asks as over HTTP, without sending. */
  async inject ({ url, token }: { url: string, token: string }): Promise<Unsent> {
    if (unsent?.writable !== true) unsent = new UnsentConnection(app.server)
    return await unsent.get(url, { authorization: `Bearer ${token}` })
  },
  async watchLoop () {
    await settle()
    delay.reset()
    delay.enable()
  },
  /** For how long the loop was held since `watchLoop`, milliseconds. */
  async loop () {
    await settle()
    delay.disable()
    return { p99: Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS), longest: Math.max(0, delay.max / 1e6 - RESOLUTION_MS) }
  },
  processor
}

export type ServerCalls = typeof handlers

answerCalls(handlers)
