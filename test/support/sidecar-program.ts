/** A sidecar in a process of its own, to be killed by tests; its configuration is the argument, its address the first message. */
import { createSidecar, loadConfig, type Settings } from '../../index.js'

const { storage, root, settings } = JSON.parse(process.argv[2]!) as { storage: string, root: string, settings: Record<string, string> }
const config = await loadConfig({ flags: { 'overload-enabled': 'false', ...settings, storage }, env: {}, project: root, home: `${storage}-home` })
const sidecar = await createSidecar({
  settings: config.settings as Settings,
  project: { id: 'sample', root },
  projects: [],
  plugins: [],
  trusted: true,
  environment: process.env
})
process.once('SIGTERM', () => {
  sidecar.close().then(() => process.exit(0), () => process.exit(1))
})
// The test is gone: nobody else would end this.
process.once('disconnect', () => process.exit(2))
process.send!(await sidecar.app.listen({ host: '127.0.0.1', port: config.settings.port }))
