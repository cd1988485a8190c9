import { runProgram } from '../shared/program.js'
import { readOptions } from './options.js'

await runProgram({ readOptions, load: async () => await import('./run.js') })
