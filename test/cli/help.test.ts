import type { Command } from 'commander'
import t from 'tap'
import { SETTING_NAMES } from '../../core/config/settings.js'
import { createProgram, run } from '../../cli/program.js'
import { PACKAGE } from '../../core/package-root.js'
import { stubTerminal } from './stub-terminal.js'

/** Every command by the words that one types. */
function commandsOf (command: Command, words: string[] = []): string[][] {
  return command.commands.flatMap((each) => [[...words, each.name()], ...commandsOf(each, [...words, each.name()])])
}

async function outcomeOf (args: string[]): Promise<{ code: number, stdout: string, stderr: string }> {
  const terminal = stubTerminal({ env: { HOME: t.testdirName } })
  const code = await run(args, terminal)
  return { code, stdout: terminal.stdout(), stderr: terminal.stderr() }
}

t.test('the help of every command shows an example of that command', async (t) => {
  const all = commandsOf(await createProgram(['start'], stubTerminal()))
  t.ok(all.length >= 30, `${all.length} commands`)
  for (const words of [[], ...all]) {
    const { code, stdout } = await outcomeOf([...words, '--help'])
    t.equal(code, 0, words.join(' '))
    t.match(stdout, /\nExamples?:\n {2}\$ (export JWT_TOKEN="\$\()?cco /, `cco ${words.join(' ')}`)
    const shown = stdout.slice(stdout.search(/\nExamples?:\n/))
    t.ok(shown.includes(`cco ${words.join(' ')}`), `the example of '${words.join(' ')}' is one of it`)
  }
})

t.test('start has a flag for every setting, under all its names', async (t) => {
  for (const words of [['start'], ['orchestration-server'], ['orchestration', 'start']]) {
    const { stdout } = await outcomeOf([...words, '--help'])
    for (const { flag } of SETTING_NAMES) t.match(stdout, new RegExp(`--${flag} [<[]`), `${words.join(' ')} --${flag}`)
    t.match(stdout, '--config <file>')
  }
})

t.test('`cco help <command>` says the same as `cco <command> --help`', async (t) => {
  for (const words of [['start'], ['events']]) t.equal((await outcomeOf(['help', ...words])).stdout, (await outcomeOf([...words, '--help'])).stdout)
})

t.test('the version is that of the package', async (t) => {
  t.same(await outcomeOf(['--version']), { code: 0, stdout: PACKAGE.version, stderr: '' })
})

t.test('wrong usage ends with 2 and the nearest known name', async (t) => {
  const cases: [string[], RegExp][] = [
    [['stauts'], /unknown command 'stauts'\n\(Did you mean status\?\)/],
    [['events', 'subscrieb', 'x'], /Did you mean subscribe\?/],
    [['start', '--prot', '1'], /unknown option '--prot'\n\(Did you mean --port\?\)/],
    [['events', 'list', '--limit', 'many'], /It must be a whole number from 1 to 1000/],
    [['events', 'publish', 'x'], /required option '--topic <topic>' not specified/],
    [['events', 'publish', 'x', '--topic', 'y', '--data', '[1]'], /It must be a JSON object/],
    [['events', 'publish', 'x', '--topic', 'y', '--data', '{'], /It is no valid JSON/],
    [['agent', 'spawn', 'x', '--issue', 'i', '--task', 't', '--env', '=x'], /It must look like NAME=value/],
    [['results', 'list', '--format', 'yaml'], /Allowed choices are human, json/],
    [['token'], /missing required argument 'agent_type'/],
    [['health', 'extra'], /too many arguments/],
    [['plugin', 'create', 'cake', 'x'], /Allowed choices are context-strategy/],
    [['plugin', 'create', 'spawner', 'My Plugin'], /'My Plugin' is no name of a plugin/]
  ]
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await outcomeOf(args)
    t.equal(code, 2, args.join(' '))
    t.match(stderr, message)
    t.equal(stdout, '', 'nothing on standard output')
  }
  for (const group of [[], ['agent'], ['orchestration']]) t.equal((await outcomeOf(group)).code, 2, 'a group alone shows its help and is wrong usage')
})
