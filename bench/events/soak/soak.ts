import { runProgram } from '../../shared/program.js'
import { killChildren } from '../../speed/child.js'
import { readOptions } from './options.js'

/** One line on a terminal that is written over; a line of its own elsewhere. */
function say (text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
  else if (text !== '') console.error(text)
}

await runProgram({
  readOptions,
  async load () {
    const { soak } = await import('./run.js')
    return { run: async (options: ReturnType<typeof readOptions>, folder: string) => await soak(options, folder, say) }
  },
  stop: killChildren
})
