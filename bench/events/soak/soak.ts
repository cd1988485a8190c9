import { runProgram } from '../../shared/program.js'
import { progressInLines } from '../../shared/progress.js'
import { killChildren } from '../../speed/child.js'
import { readOptions } from './options.js'

await runProgram({
  readOptions,
  async load () {
    const { soak } = await import('./run.js')
    return { run: async (options: ReturnType<typeof readOptions>, folder: string) => await soak(options, folder, progressInLines) }
  },
  stop: killChildren
})
