import { definePlugin, Type, type LaunchRequest, type Static } from '../../core/plugin-api.js'
import { writeForAgent } from './shared/agent-folder.js'
import { cliOptions, MCP_NAME, modelArguments, rightsOf, START_SECONDS, TOKEN_VARIABLE } from './shared/cli-options.js'
import { createCliSpawner } from './shared/cli-spawner.js'
import { membersOf, numberOf, textOf, type Event } from './shared/json-lines.js'
import type { Launch } from './shared/launch-script.js'
import { messageFor, NO_USAGE, shorten, tellLimit, toolMessage, type Session, type SessionOptions } from './shared/session.js'
import { promptAndTask } from './shared/task-text.js'

const SHELL_TOOL = 'run_shell_command'

const options = cliOptions('gemini', {}, {
  authType: Type.String({ default: 'gemini-api-key', description: 'How the CLI authenticates; with `gemini-api-key` name GEMINI_API_KEY in spawn.environment.' }),
  ownHome: Type.Boolean({ default: true, description: 'Whether each agent gets settings of its own instead of those of the user, whose login then does not apply.' })
})

/** Runs the Gemini CLI without a terminal. */
export function prepareGemini ({ authType, ownHome, mcpUrl, ...common }: Static<typeof options>) {
  if (!ownHome && mcpUrl !== '') throw new Error('The option mcpUrl of the spawner \'gemini\' needs ownHome: the address stands in settings of the agent\'s own.')
  return async (request: LaunchRequest): Promise<Omit<Launch, 'program'>> => {
    const rights = rightsOf(request)
    if (ownHome) {
      await writeForAgent(request, '.gemini/settings.json', {
        security: { auth: { selectedType: authType } },
        privacy: { usageStatisticsEnabled: false },
        general: { disableAutoUpdate: true },
        tools: { allowed: rights.run ? [SHELL_TOOL] : [] },
        mcpServers: mcpUrl === '' ? {} : { [MCP_NAME]: { httpUrl: mcpUrl, headers: { Authorization: `Bearer $${TOKEN_VARIABLE}` }, trust: true } }
      })
    }
    return {
      args: [
        // Comes after what stands on standard input, and tells the CLI that there is no person.
        '-p', 'Do the task above.',
        '-o', 'stream-json',
        '--approval-mode', rights.change ? 'auto_edit' : 'default',
        ...modelArguments('-m', { ...common, mcpUrl }, request)
      ],
      variables: { ...(ownHome ? { GEMINI_CLI_HOME: request.directory } : {}), GEMINI_CLI_TRUST_WORKSPACE: 'true' },
      input: await writeForAgent(request, 'task.md', promptAndTask(request, { calls: ownHome && rights.run }))
    }
  }
}

/** The events of `-o stream-json`. */
export function geminiSession (options: SessionOptions): Session {
  const { tell } = options
  let text = ''
  let done = false
  const readers: Record<string, (event: Event) => void> = {
    init (event) {
      tell({ kind: 'progress', message: messageFor(`session with ${textOf(event, 'model') ?? 'a model that is not named'}`) })
    },
    message (event) {
      if (textOf(event, 'role') !== 'assistant') return
      const content = textOf(event, 'content') ?? ''
      // Comes in pieces, each of them a line.
      text = shorten(event.delta === true ? text + content : content)
    },
    tool_use (event) {
      // What it says before it uses a tool is not its last word.
      text = ''
      tell({ kind: 'progress', message: toolMessage(textOf(event, 'tool_name') ?? 'a tool', membersOf(event, 'parameters')) })
    },
    error (event) {
      const message = textOf(event, 'message') ?? 'an error without a message'
      tellLimit(options, message)
      tell({ kind: 'progress', message: messageFor(message) })
    },
    result (event) {
      done = true
      const stats = membersOf(event, 'stats')
      const [input, cached] = [numberOf(stats, 'input_tokens'), numberOf(stats, 'cached')]
      tell({ kind: 'usage', usage: { ...NO_USAGE, input_tokens: input === null ? null : Math.max(0, input - (cached ?? 0)), output_tokens: numberOf(stats, 'output_tokens'), cached_tokens: cached } })
      const success = textOf(event, 'status') === 'success'
      const message = textOf(membersOf(event, 'error'), 'message')
      if (message !== undefined) tellLimit(options, message)
      tell({ kind: 'result', status: success ? 'success' : 'failed', text: success ? text : shorten(message ?? text) })
    }
  }
  return {
    get done () { return done },
    read (event) {
      if (Object.hasOwn(readers, event.type)) readers[event.type]!(event)
    }
  }
}

export default definePlugin({
  kind: 'spawner',
  name: 'gemini',
  description: 'Runs the Gemini CLI for each agent',
  options,
  create: (options, context) => createCliSpawner({
    prepare: prepareGemini(options),
    session: geminiSession,
    firstSignSeconds: START_SECONDS,
    trial: (address) => ({ GOOGLE_GEMINI_BASE_URL: address, GEMINI_API_KEY: 'none' })
  }, options, context)
})
