import t from 'tap'
import { createFromPlugin, createPluginContext, spawnerContract } from '../../../core/testing/index.js'
import { createProcessStarts } from '../../../plugins/spawners/shared/process-starts.js'
import { temporaryFolder } from '../../support/temporary.js'
import { linesOf, RECORDED } from './recorded.js'

// Beside those under test, so that the process which starts agents is not made anew for each of them; with the plugin `process` it is.
const starts = createProcessStarts({ prepareMs: 0 })
starts.prepare()
t.teardown(async () => await starts.close())

for (const { name, plugin, adds, signs } of RECORDED) {
  t.test(`spawner/${name}`, async (t) => {
    spawnerContract({
      test: t.test,
      directory: await temporaryFolder(t),
      transcript: { lines: linesOf(name, 'start', 'work', 'done'), signs },
      adds,
      create: async ({ clock, directory: storage, command }) => ({
        instance: await createFromPlugin<'spawner'>(plugin, { command }, createPluginContext({ storage, clock })),
        dispose: async () => {}
      })
    })
  })
}
