import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { KeyFacts } from '../../core/contracts/index.js'
import { examples } from '../command-line.js'
import { loadConfiguration } from '../configuration.js'
import { calling, connect, type CallingOptions } from '../connect.js'
import { Failure } from '../failure.js'
import { show, table, time } from '../output.js'
import { projectIdOf } from '../project-folder.js'
import type { Colors, Terminal } from '../terminal.js'

interface Answer { keys: KeyFacts[] }

/** `cco keys`: the keys that sign tokens; of a running sidecar, or of its storage when none runs. */
export function addKeys (program: Command, terminal: Terminal): void {
  const group = program.command('keys').description('the keys that sign tokens')
  const list = calling(group.command('list').description('signing keys, and until when earlier ones verify'))
    .action(async (options: CallingOptions) => {
      show(terminal, options.format, await ask('list', options, terminal), describe)
    })
  examples(list, 'cco keys list', 'cco keys list --format json')
  const rotate = calling(group.command('rotate').description('sign with a new key; tokens that were issued stay valid until they end'))
    .action(async (options: CallingOptions) => {
      show(terminal, options.format, await ask('rotate', options, terminal), describe)
    })
  examples(rotate, 'cco keys rotate', 'cco keys rotate --storage ~/restored')
  examples(group, 'cco keys list', 'cco keys rotate')
}

async function ask (act: 'list' | 'rotate', options: CallingOptions, terminal: Terminal): Promise<Answer> {
  try {
    const client = await connect(options, terminal)
    return await (act === 'list' ? client.call<Answer>('GET', '/api/keys') : client.call<Answer>('POST', '/api/keys/rotate', { body: {} }))
  } catch (error) {
    // Nobody listens there. If a sidecar on another port uses the storage, its lock says so.
    if (!(error instanceof Failure) || error.code !== 'ECONNREFUSED' || options.url !== undefined || options.token !== undefined) throw error
  }
  const config = await loadConfiguration(options.storage === undefined ? {} : { storage: resolve(terminal.cwd, options.storage) }, terminal)
  const { offlineKeys } = await import('../../index.js')
  return {
    keys: await offlineKeys(act, {
      settings: config.settings,
      project: { id: config.settings.project_id ?? projectIdOf(config.root), root: config.root },
      projects: [],
      plugins: config.plugins,
      trusted: config.trusted,
      environment: terminal.env
    })
  }
}

function describe ({ keys }: Answer, colors: Colors): string {
  return table(keys, [
    { title: 'KEY', value: ({ kid }) => kid },
    { title: 'MADE', value: ({ created_at: made }) => time(made) },
    { title: 'STATE', value: ({ state }) => state, paint: (text, { state }) => (state === 'signs' ? colors.green(text) : text) },
    { title: 'VERIFIES UNTIL', value: ({ verifies_until: until }) => (until === null ? '-' : time(until)) }
  ], colors)
}
