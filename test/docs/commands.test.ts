import type { Command } from 'commander'
import t from 'tap'
import { createProgram } from '../../cli/program.js'
import { stubTerminal } from '../cli/stub-terminal.js'
import { inlineCodeOf, listPages, snippets } from './pages.js'
import { readPage } from './tables.js'

interface Line {
  where: string
  text: string
  /** Whether it is to be typed as it stands, not only mentioned. */
  isWhole: boolean
}

/** Words as a shell would make them, as far as the documentation needs it. */
function words (text: string): string[] {
  return [...text.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) => word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'))
}

function linesNaming (program: string): Line[] {
  const typed = snippets('sh').flatMap(({ page, line, text }) => text.split('\n').map((each, index) => ({ where: `${page}:${line + index + 1}`, text: each.replace(/\s+#.*$/, ''), isWhole: true })))
  const mentioned = listPages().flatMap((page) => inlineCodeOf(page).map((text) => ({ where: page, text, isWhole: false })))
  return [...typed, ...mentioned].map((line) => ({ ...line, text: line.text.replace(/^npx /, '') })).filter(({ text }) => text.startsWith(`${program} `))
}

/** The command that the words mean, and what is left of them. */
function find (program: Command, given: readonly string[]): { command: Command, rest: string[] } {
  const [first, ...rest] = given
  const command = program.commands.find((each) => each.name() === first || (first !== undefined && each.aliases().includes(first)))
  return command === undefined ? { command: program, rest: [...given] } : find(command, rest)
}

t.test('every line with cco names a command, options and arguments that exist', async (t) => {
  const lines = linesNaming('cco')
  t.ok(lines.length > 20, `${lines.length} lines`)
  for (const { where, text, isWhole } of lines) {
    const given = words(text).slice(1)
    const program = await createProgram(given, stubTerminal())
    const { command, rest } = find(program, given)
    const { operands, unknown } = command.parseOptions(rest.filter((word) => word !== '--help'))
    t.same(unknown, [], `${where}: ${text}`)
    if (command.commands.length > 0) {
      t.same(operands, [], `${where}: ${text}`)
      continue
    }
    const { registeredArguments: all } = command
    t.ok(operands.length <= all.length, `${where}: ${text}`)
    if (isWhole) t.ok(operands.length >= all.filter(({ required }) => required).length, `${where}: ${text}`)
  }
})

t.test('every line with npm names a script that exists', async (t) => {
  const { scripts } = JSON.parse(readPage('package.json')) as { scripts: Record<string, string> }
  for (const { where, text } of linesNaming('npm')) {
    const [, verb = '', name = ''] = words(text)
    if (verb === 'run') t.ok(Object.hasOwn(scripts, name), `${where}: ${text}`)
    else t.ok(['start', 'test', 'install', 'pack'].includes(verb), `${where}: ${text}`)
  }
})

t.test('a wrong line would be found', async (t) => {
  const program = await createProgram([], stubTerminal())
  t.same(find(program, ['health', '--prot', '1']).command.parseOptions(['--prot', '1']).unknown, ['--prot', '1'])
  t.same(find(program, ['helath']).rest, ['helath'])
})
