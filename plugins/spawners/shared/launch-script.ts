import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LaunchRequest } from '../../../core/plugin-api.js'

const NAME = 'launch.sh'
const SCRIPT_MODE = 0o700

/** Variables that the sidecar sets for every agent and that are no secrets. */
const DOCUMENTED = ['AGENT_ID', 'AGENT_TYPE', 'ISSUE_ID', 'PROJECT_ID', 'SIDECAR_URL', 'SIDECAR_CA', 'CONTEXT_FILE', 'CORRELATION_ID', 'TASK']
/** What a shell sets by itself; the agent gets the environment that it was given and nothing else. */
const OF_THE_SHELL = ['PWD', 'OLDPWD', 'SHLVL', '_']

/** What is to run. */
export interface Launch {
  /** Absolute path of the program. */
  program: string
  args: readonly string[]
  /** Variables that the spawner adds for its program. Their values are written down: nothing secret. */
  variables?: Readonly<Record<string, string>>
  /** Variables that the program must not see. */
  unset?: readonly string[]
  /** File that is the program's standard input; nothing is without it. */
  input?: string
}

/** Writes the script that starts an agent into its folder; gives its path. No token and no value that a caller gave stands in it. */
export async function writeLaunchScript (request: LaunchRequest, launch: Launch): Promise<string> {
  const path = join(request.directory, NAME)
  await writeFile(path, launchScript(request, launch), { mode: SCRIPT_MODE })
  // An earlier one keeps its mode.
  await chmod(path, SCRIPT_MODE)
  return path
}

export function launchScript ({ agent_id: id, environment, project_root: root }: LaunchRequest, { program, args, variables = {}, unset = [], input }: Launch): string {
  const given = DOCUMENTED.filter((name) => environment[name] !== undefined)
  const others = Object.keys(environment).filter((name) => !given.includes(name)).sort()
  const command = [program, ...args].map(quote).join(' \\\n  ')
  return [
    '#!/bin/sh',
    `# What ran for the agent ${id}. It can be run again by hand.`,
    '# Not written down, because they may be secret, but to be set:',
    // A name with a line feed would otherwise be a command.
    ...others.map((name) => `#   ${name.replace(/[^\w.-]/g, '?')}`),
    ...given.map((name) => `export ${name}=${quote(environment[name]!)}`),
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${quote(value)}`),
    `cd -- ${quote(root)} || exit 126`,
    `unset ${[...OF_THE_SHELL.filter((name) => environment[name] === undefined), ...unset].join(' ')}`,
    `exec ${command} < ${quote(input ?? '/dev/null')}`,
    ''
  ].join('\n')
}

/** One word of a shell, whatever it holds. */
function quote (text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll('\'', '\'\\\'\'')}'`
}
