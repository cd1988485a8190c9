import t from 'tap'
import { createFromPlugin, createPluginContext, spawnerContract } from '../../../core/testing/index.js'
import { temporaryFolder } from '../../support/temporary.js'
import { linesOf, RECORDED } from './recorded.js'

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
