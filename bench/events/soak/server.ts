/** A sidecar with the journal, to be killed; the argument is its folder, the first message its port. */
import { mkdir } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createSidecar, loadConfig, type Settings } from '../../../index.js'

const folder = process.argv[2]!
const roots = { alpha: join(folder, 'alpha'), beta: join(folder, 'beta') }
for (const path of [...Object.values(roots), join(folder, 'home')]) await mkdir(path, { recursive: true })
const { settings } = await loadConfig({
  flags: { storage: join(folder, 'storage'), 'log-level': 'silent', 'rate-limit-enabled': 'false', 'events-retention-count': '10000000', 'events-retention-mb': '65536' }, env: {}, project: roots.alpha, home: join(folder, 'home')
}) as { settings: Settings }
const { app } = await createSidecar({
  settings,
  project: { id: 'alpha', root: roots.alpha },
  projects: [{ project_id: 'beta', root: roots.beta }],
  plugins: [{ use: fileURLToPath(new URL('../../shared/open-auth.js', import.meta.url)), base: folder, origin: 'the soak' }],
  trusted: true,
  environment: { PATH: process.env.PATH }
})
await app.listen({ port: 0, host: '127.0.0.1' })
// Whoever kills it is gone: nobody else would end this.
process.once('disconnect', () => process.exit(2))
process.send!((app.server.address() as AddressInfo).port)
