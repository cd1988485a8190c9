import { Command, Option } from 'commander'
import type { SettingName } from '../../core/config/settings.js'
import { examples } from '../command-line.js'
import type { Terminal } from '../terminal.js'

/** Words on the command line that mean this command. */
export const START_NAMES: readonly string[] = ['start', 'orchestration-server', 'orchestration']

/** `cco start`, with its older names `cco orchestration-server` and `cco orchestration start`. */
export function addStart (program: Command, terminal: Terminal, settings: readonly SettingName[]): void {
  program.addCommand(inherit(program, startCommand('start', 'cco start', terminal, settings).alias('orchestration-server')))
  const older = inherit(program, new Command('orchestration')).description('older name of `start`, as `cco orchestration start`')
  older.addCommand(inherit(program, startCommand('start', 'cco orchestration start', terminal, settings)))
  program.addCommand(examples(older, 'cco orchestration start --port 3002'), { hidden: true })
}

function inherit (program: Command, command: Command): Command {
  return command.copyInheritedSettings(program)
}

function startCommand (name: string, typed: string, terminal: Terminal, settings: readonly SettingName[]): Command {
  const command = new Command(name)
    .description('serve the repository you stand in')
    .optionsGroup('Configuration:')
    .option('--config <file>', 'further configuration file, read after the project\'s and trusted because you name it')
  const byAttribute = new Map<string, string>()
  for (const setting of settings) {
    const option = optionOf(setting)
    byAttribute.set(option.attributeName(), setting.flag)
    command.addOption(option)
  }
  command.action(async ({ config, ...options }: Record<string, string | true> & { config?: string }) => {
    const flags: Record<string, string> = {}
    for (const [attribute, flag] of byAttribute) {
      const value = options[attribute]
      // A flag without its value is `true`: --rate-limit-enabled.
      if (value !== undefined) flags[flag] = String(value)
    }
    const { serve } = await import('../server/serve.js')
    await serve({ flags, ...(config === undefined ? {} : { file: config }) }, terminal)
  })
  command.addHelpText('after', '\nEvery flag is also a member of `sidecar` in ~/.cco/config.json and <project>/.cco/config.json, and a variable:\n--rate-limit-enabled is {"sidecar": {"rate_limit": {"enabled": …}}} and CCO_SIDECAR_RATE_LIMIT_ENABLED.\nFlags win, then the environment, then --config, then the project\'s file, then the user\'s.')
  return examples(command,
    typed,
    `${typed} --project ~/projects/shop --port 3002`,
    `${typed} --spawn-command "python3 agents/run.py" --log-level debug`)
}

function optionOf ({ flag, schema, path }: SettingName): Option {
  return new Option(`--${flag} ${placeholder(schema, path.at(-1)!)}`, describe(schema))
}

function placeholder (schema: SettingName['schema'], name: string): string {
  if (schema.type === 'boolean') return '[true|false]'
  if (schema.type === 'array') return '<a,b,…>'
  if (schema.enum !== undefined) return `<${schema.enum.join('|')}>`
  if (schema.type === 'integer' || schema.type === 'number') return '<n>'
  return name === 'storage' || name === 'project' ? '<dir>' : '<text>'
}

function describe ({ description = '', default: fallback }: SettingName['schema']): string {
  const text = description.replace(/\.$/, '')
  const lower = /^[A-Z][a-z ]/.test(text) ? text[0]!.toLowerCase() + text.slice(1) : text
  return fallback === undefined || (Array.isArray(fallback) && fallback.length === 0) ? lower : `${lower} (default: ${String(fallback)})`
}
