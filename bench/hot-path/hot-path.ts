import { runProgram } from '../shared/program.js'
import { killChildren } from '../speed/child.js'
import { readOptions } from './options.js'

await runProgram({ readOptions, load: async () => await import('./run.js'), stop: killChildren })
