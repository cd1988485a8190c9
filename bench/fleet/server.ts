/** A sidecar as a team runs it, with durable events and results, over a small repository. Arguments: its folder, and its settings by flag name as JSON. */
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createSidecar, loadConfig, type Settings } from '../../index.js'
import { answerCalls } from '../speed/child.js'
import { ballast } from './ballast.js'

const [folder, settingsText] = process.argv.slice(2) as [string, string]
const [storage, root] = [join(folder, 'storage'), join(folder, 'project')]
const { settings } = await loadConfig({
  flags: { storage, 'log-level': 'silent', 'rate-limit-enabled': 'false', 'spawn-max-retries': '0', ...JSON.parse(settingsText) as Record<string, string> },
  env: {},
  project: root,
  home: join(folder, 'home')
}) as { settings: Settings }
const { app, close } = await createSidecar({ settings, project: { id: 'bench', root }, projects: [], plugins: [], trusted: true, environment: { PATH: process.env.PATH } })
await app.listen({ port: 0, host: '127.0.0.1' })
const operator = (await readFile(join(storage, 'operator.token'), 'utf8')).trim()
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()

const handlers = {
  address: () => ({ port: (app.server.address() as AddressInfo).port, operator }),
  ballast,
  /** Longest time, in ms, for which the event loop was blocked since it was asked last. */
  blocked: () => {
    const longest = delay.max / 1e6
    delay.reset()
    return longest
  },
  /** Ends all agents, too. */
  close
}

export type ServerCalls = typeof handlers

answerCalls(handlers)
