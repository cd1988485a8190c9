import { relative, resolve } from 'node:path'
import { Argument, type Command } from 'commander'
import { examples, jsonObject } from '../command-line.js'
import { calling, connect, withFormat, type CallingOptions } from '../connect.js'
import { Failure } from '../failure.js'
import { counted, duration, oneLine, printable, show, table, type Format } from '../output.js'
import { TEMPLATES, type TemplateKind } from '../templates/index.js'
import type { Terminal } from '../terminal.js'

const LEFT_OPEN_MS = 3000

interface Loaded { kind: string, name: string, description?: string, source: string, location: string, options: Record<string, unknown> }
interface VerifyOptions { format: Format, options: Record<string, unknown> }

/** `cco plugin`: what is loaded, and tools for who writes one. */
export function addPlugin (program: Command, terminal: Terminal): void {
  const group = program.command('plugin').description('which plugins are loaded, and tools for who writes one')
  addList(group, terminal)
  addCreate(group, terminal)
  addVerify(group, terminal)
  examples(group, 'cco plugin create context-strategy terraform-plans', 'cco plugin verify ./terraform-plans.js')
}

function addList (group: Command, terminal: Terminal): void {
  const list = calling(group.command('list').description('plugins of a running sidecar'))
    .action(async (options: CallingOptions) => {
      const client = await connect(options, terminal)
      const answer = await client.call<{ plugins: Loaded[] }>('GET', '/api/plugins')
      show(terminal, options.format, answer, ({ plugins }, colors) => table(plugins, [
        { title: 'KIND', value: (plugin) => plugin.kind },
        { title: 'NAME', value: (plugin) => plugin.name },
        { title: 'FROM', value: (plugin) => plugin.source === 'built-in' ? 'built-in' : `${plugin.source} ${plugin.location}` },
        { title: 'WHAT', value: (plugin) => oneLine(plugin.description ?? '-', 60) },
        { title: 'OPTIONS', value: (plugin) => Object.keys(plugin.options ?? {}).length === 0 ? '-' : oneLine(JSON.stringify(plugin.options), 60) }
      ], colors))
    })
  examples(list, 'cco plugin list')
}

function addCreate (group: Command, terminal: Terminal): void {
  const kinds = Object.keys(TEMPLATES) as TemplateKind[]
  const create = group.command('create')
    .description('write a working plugin and its test')
    .addArgument(new Argument('<kind>', 'what it does').choices(kinds))
    .argument('<name>', 'lower case words joined by \'-\'; the files are named after it')
    .option('--directory <dir>', 'where to write it', '.')
    .addHelpText('after', `\nKinds:\n${kinds.map((kind) => `  ${kind.padEnd(18)}${TEMPLATES[kind].about}`).join('\n')}`)
    .action(async (kind: TemplateKind, name: string, options: { directory: string }) => {
      const { missingFor, writePlugin } = await import('../plugin-files.js')
      const folder = resolve(terminal.cwd, options.directory)
      const files = (await writePlugin(TEMPLATES[kind], name, folder)).map((file) => relative(terminal.cwd, file))
      for (const file of files) terminal.out(file)
      const missing = missingFor(folder)
      if (missing.length > 0) terminal.err(terminal.colors.yellow(`To run there it needs ${missing.join(' and ')}.`))
      terminal.err(terminal.colors.dim(`Check it with: cco plugin verify ${files[0]!}, or node --test ${files[1]!}\nUse it with "plugins": ["<path from there>/${name}.js"] in .cco/config.json.`))
    })
  examples(create, 'cco plugin create context-strategy terraform-plans', 'cco plugin create result-store ledger --directory plugins')
}

function addVerify (group: Command, terminal: Terminal): void {
  const verify = withFormat(group.command('verify')
    .description('load a plugin as the sidecar would and run the contract suite of its kind')
    .argument('<path>', 'file or package of the plugin')
    .option('--options <json>', 'options that it is given', jsonObject, {}))
    .action(async (use: string, { format, options }: VerifyOptions) => {
      const { verifyPlugin } = await import('../plugin-verify.js')
      const human = format === 'human'
      const { green, red, dim, bold } = terminal.colors
      const began = performance.now()
      const verification = await verifyPlugin({
        use,
        cwd: terminal.cwd,
        options,
        onLoaded ({ kind, name }) { if (human) terminal.out(bold(`${kind}/${name}`)) },
        onOutcome ({ name, ok, error, duration_ms: took }) {
          if (!human) return
          terminal.out(`${ok ? green('✓') : red('✗')} ${name} ${dim(duration(took))}`)
          if (!ok) terminal.out(printable(error instanceof Error ? error.message : String(error)).replace(/^/gm, '    '))
        }
      })
      const failed = verification.tests.filter(({ ok }) => !ok).length
      if (!human) terminal.out(JSON.stringify(verification, null, 2))
      else if (verification.note !== undefined) terminal.out(verification.note)
      else terminal.out(`${failed === 0 ? green('passed') : red(`${failed} failed`)}: ${counted(verification.tests.length, 'test')} in ${duration(performance.now() - began)}`)
      terminal.endUnlessIdle(LEFT_OPEN_MS, 'The plugin left something open (a timer, a socket, a process), which close() has to end.')
      if (failed > 0) throw new Failure('')
    })
  examples(verify, 'cco plugin verify ./strategies/terraform-plans.js', 'cco plugin verify @acme/cco-spawner-nomad --options \'{"region": "eu"}\' --format json')
}
