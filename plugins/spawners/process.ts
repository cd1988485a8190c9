import { apiError, definePlugin, Type, type Logger, type OnSign, type Spawner } from '../../core/plugin-api.js'
import { adoptProcess, cleanProcess, startProcess, type Attend } from './shared/agent-process.js'
import { pathOf } from './shared/probe.js'
import { createProcessStarts } from './shared/process-starts.js'
import { createReadings, type Readings } from './shared/readings.js'

/** Runs one command for every agent, in a process group of its own, its output in the log file. That it writes something is its sign. */
export function createProcessSpawner ({ command, log }: { command: readonly string[], log: Logger }): Spawner {
  const readings = createReadings(log)
  const starts = createProcessStarts()
  return {
    supports: { adopt: true, signs: 'output' },
    async start (request) {
      const [program, ...args] = named(command)
      return await startProcess(starts, request, { command: program, args }, outputOf(readings, request))
    },
    adopt: async (reference, options) => await adoptProcess(reference, outputOf(readings, options)),
    clean: cleanProcess,
    // What its arguments mean nobody knows, so it is not asked for its version.
    probe: async (environment) => ({ program: await pathOf(named(command)[0], environment), version: null }),
    open: async () => starts.prepare(),
    async close () {
      await readings.close()
      await starts.close()
    }
  }
}

function named (command: readonly string[]): [program: string, ...args: string[]] {
  const [program, ...args] = command
  if (program !== undefined) return [program, ...args]
  throw apiError('AGT_001', 'No command is set for the process spawner: set spawn.command in the configuration, --spawn-command or CCO_SIDECAR_SPAWN_COMMAND.')
}

function outputOf (readings: Readings, { log_file: path, on_sign: onSign }: { log_file: string, on_sign: OnSign }): Attend {
  return () => {
    const reading = readings.start(path, { onBytes: () => onSign({ kind: 'alive' }), onRestart: () => {} })
    return {
      async finish (exit) {
        await reading.finish()
        return exit
      }
    }
  }
}

const WORD = /(?:"[^"]*"|'[^']*'|[^\s"'])+/g
const QUOTED = /"([^"]*)"|'([^']*)'/g

/** Splits a command at white space; quotes keep words together. No shell has a say. Throws for a quote that is not closed. */
export function splitCommand (text: string): string[] {
  if (text.replace(WORD, '').trim() !== '') throw new SyntaxError(`A quote is not closed in the command: ${text}`)
  return (text.match(WORD) ?? []).map((word) => word.replace(QUOTED, '$1$2'))
}

export default definePlugin({
  kind: 'spawner',
  name: 'process',
  description: 'Runs a command for each agent',
  options: Type.Object({
    command: Type.String({ default: '', description: 'Command with arguments, split at white space; quotes keep words together.' })
  }, { additionalProperties: false }),
  create: (options, { log }) => createProcessSpawner({ command: splitCommand(options.command), log })
})
