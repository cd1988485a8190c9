/** A sidecar that is killed and started again on what it left; the argument is its folder, the first message its port, the same in each life. */
import { readFile, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createSidecar, loadConfig, type Settings } from '../../../index.js'
import { FIRST_SIGN_SECONDS, MAX_OUTPUT_MB } from './behaviours.js'

const folder = process.argv[2]!
const portFile = join(folder, 'port')
const root = join(folder, 'project')
const { settings } = await loadConfig({
  flags: {
    storage: join(folder, 'storage'),
    'log-level': 'silent',
    'rate-limit-enabled': 'false',
    'spawn-command': `/bin/sh '${join(folder, 'agent.sh')}'`,
    // Fewer than there are agents, so that some wait.
    'spawn-max-concurrent': '60',
    'spawn-first-sign-seconds': String(FIRST_SIGN_SECONDS),
    'spawn-max-output-mb': String(MAX_OUTPUT_MB),
    // Each kill may cost an attempt, and is not the agent's fault.
    'spawn-max-retries': process.env.SOAK_RETRIES!,
    'spawn-retry-seconds': '0.2',
    // Every third agent fails by design.
    'spawn-breaker-failures': '10000'
  },
  env: {},
  project: root,
  home: join(folder, 'home')
}) as { settings: Settings }
const { app } = await createSidecar({
  settings,
  project: { id: 'soak', root },
  projects: [],
  plugins: [],
  trusted: true,
  environment: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR }
})
// Agents of an earlier life know where to find it.
const known = await readFile(portFile, 'utf8').catch(() => '0')
await app.listen({ port: Number(known), host: '127.0.0.1' })
const { port } = app.server.address() as AddressInfo
await writeFile(portFile, String(port))
// Whoever kills it is gone: nobody else would end this.
process.once('disconnect', () => process.exit(2))
process.send!(port)
