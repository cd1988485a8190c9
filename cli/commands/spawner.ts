import type { Command } from 'commander'
import { examples, jsonObject, wholeNumber } from '../command-line.js'
import { withFormat } from '../connect.js'
import { Failure } from '../failure.js'
import { duration, pairs, show, table, type Format } from '../output.js'
import type { Terminal } from '../terminal.js'

interface TestOptions { format: Format, options: Record<string, unknown>, timeout: number }

/** `cco spawner`: whether the programs that agents are made of can be started here. Needs no running sidecar. */
export function addSpawner (program: Command, terminal: Terminal): void {
  const group = program.command('spawner').description('whether what agents are made of can be started here')
  const list = withFormat(group.command('list').description('spawners that ship, and the programs that they find'))
    .action(async ({ format }: { format: Format }) => {
      const { listSpawners } = await import('../spawner-trial.js')
      show(terminal, format, { spawners: await listSpawners(terminal) }, ({ spawners }, colors) => table(spawners, [
        { title: 'NAME', value: ({ name }) => name },
        { title: 'VERSION', value: ({ version }) => version },
        { title: 'PROGRAM', value: ({ program, problem }) => program ?? problem, paint: (text, { problem }) => (problem === null ? text : colors.yellow(text)) }
      ], colors))
    })
  examples(list, 'cco spawner list', 'cco spawner list --format json')
  addTest(group, terminal)
  examples(group, 'cco spawner list', 'cco spawner test claude-code')
}

function addTest (group: Command, terminal: Terminal): void {
  const test = withFormat(group.command('test')
    .description('find the program of a spawner, and have it answer once; exit code 1 when it cannot')
    .argument('<name>', 'for example claude-code')
    .option('--options <json>', 'options instead of those of the configuration', jsonObject, {})
    .option('--timeout <seconds>', 'how long the session may take', wholeNumber(1, 3600), 60)
    .addHelpText('after', `
The session runs in an empty folder with a home of its own, and asks a stand-in for its model on this machine: it costs
nothing and touches no login. Where a program takes no other model by a variable, no session is tried, and it says so.

Exit codes: 0 it can be started, 1 it cannot or its session failed, 2 wrong usage.`))
    .action(async (name: string, { format, options, timeout }: TestOptions) => {
      const { trySpawner } = await import('../spawner-trial.js')
      const trial = await trySpawner(name, terminal, { options, timeoutMs: timeout * 1000 })
      show(terminal, format, trial, (facts, colors) => pairs([
        ['spawner', facts.name],
        ['program', facts.program ?? facts.problem],
        ['version', facts.version],
        ['session', sessionOf(facts), facts.session === 'worked' ? colors.green : facts.session === 'failed' ? colors.red : colors.yellow]
      ], colors))
      if (trial.problem !== null || trial.session === 'failed') throw new Failure('')
    })
  examples(test, 'cco spawner test claude-code', 'cco spawner test codex --options \'{"command": ["/opt/codex/bin/codex"]}\'')
}

function sessionOf ({ session, detail, duration_ms: took }: { session: string, detail: string, duration_ms: number | null }): string {
  return took === null ? `${session}: ${detail}` : `${session} in ${duration(took)}: ${detail}`
}
