import { mkdir, readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { createSidecar, loadConfig, type Settings } from '../../index.js'
import { answerCalls } from './child.js'

const [root, folder] = process.argv.slice(2) as [string, string]
const storage = join(folder, 'storage')
const home = join(folder, 'home')
await mkdir(home, { recursive: true })
const { settings } = await loadConfig({
  flags: { storage, 'log-level': 'silent', 'rate-limit-enabled': 'false', 'auth-token-ttl-seconds': '86400', 'context-timeout-seconds': '600' },
  env: {},
  project: root,
  home
}) as { settings: Settings }
const { app } = await createSidecar({
  settings,
  project: { id: 'bench', root },
  projects: [],
  plugins: ['event-bus/memory', 'result-store/memory'].map((use) => ({ use, base: root, origin: 'the benchmark' })),
  trusted: false,
  environment: { PATH: process.env.PATH }
})
await app.listen({ port: 0, host: '127.0.0.1' })
const operator = (await readFile(join(storage, 'operator.token'), 'utf8')).trim()

export interface Injected { status: number, etag: string, bytes: number, milliseconds: number }

const RESOLUTION_MS = 1
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
/** What was blocked before the work that is watched has still to be told, and the last of it when it is over. */
const settle = async (): Promise<void> => { await wait(5 * RESOLUTION_MS) }

const handlers = {
  address: () => ({ port: (app.server.address() as AddressInfo).port, operator }),
  /** Asks as over HTTP, without sending. */
  async inject ({ url, token }: { url: string, token: string }): Promise<Injected> {
    const started = performance.now()
    const answer = await app.inject({ method: 'GET', url, headers: { authorization: `Bearer ${token}` } })
    const milliseconds = performance.now() - started
    return { status: answer.statusCode, etag: String(answer.headers.etag), bytes: answer.rawPayload.length, milliseconds }
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
  /** Processor time so far, milliseconds. */
  processor: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
}

export type ServerCalls = typeof handlers

answerCalls(handlers)
