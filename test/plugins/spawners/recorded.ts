import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AgentSign } from '../../../core/contracts/index.js'
import { PACKAGE_ROOT } from '../../../core/package-root.js'
import type { SidecarPlugin } from '../../../core/plugin-host/define-plugin.js'
import claude from '../../../plugins/spawners/claude-code.js'
import codex from '../../../plugins/spawners/codex.js'
import gemini from '../../../plugins/spawners/gemini.js'
import opencode from '../../../plugins/spawners/opencode.js'

const FOLDER = join(PACKAGE_ROOT, 'test', 'fixtures', 'fake-cli')

/** Plays recorded sessions; its first argument is the name of a spawner. */
export const FAKE_CLI = join(FOLDER, 'fake-cli.mjs')

/** Of every session below; a command that the agent runs and what it prints may hold it. */
export const SECRET_OF_A_COMMAND = 'secret-of-the-agent'

export interface Recorded {
  name: string
  plugin: SidecarPlugin
  /** The real program. */
  program: string
  /** Variables that the spawner adds. */
  adds: string[]
  /** What is told of the session in which all goes well, without `alive`. */
  signs: AgentSign[]
  /** The `rate_limited` signs of the session that is limited; numbers are after now. */
  limits: ({ after: number } | { until: number | null })[]
  /** Final word of the session that fails. */
  failure: string
}

type Part = 'start' | 'work' | 'limit' | 'done' | 'failed'

/** Lines of a recorded session. */
export function linesOf (name: string, ...parts: Part[]): string[] {
  const recorded = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as Record<Part, object[]>
  return parts.flatMap((part) => recorded[part]).map((event) => JSON.stringify(event))
}

const TEXT = 'Made größe larger.'
const progress = (message: string): AgentSign => ({ kind: 'progress', message })
const usage = (input: number, output: number, cached: number, cost: number | null, turns: number | null): AgentSign =>
  ({ kind: 'usage', usage: { input_tokens: input, output_tokens: output, cached_tokens: cached, cost_usd: cost, turns } })
const success: AgentSign = { kind: 'result', status: 'success', text: TEXT }

export const RECORDED: Recorded[] = [
  {
    name: 'claude-code',
    plugin: claude,
    program: 'claude',
    adds: [],
    signs: [
      progress('session with model-of-the-day'), progress('MCP server not reached: cco'),
      usage(120, 5, 1000, null, 1), progress('uses Read on src/größe.ts'), usage(120, 30, 1000, null, 1),
      progress('uses Bash'), usage(130, 37, 2100, null, 2), usage(130, 41, 2100, 0.0123, 3), success
    ],
    limits: [{ after: 4000 }, { until: 1_900_000_000_000 }],
    failure: 'API Error: 401 invalid x-api-key'
  },
  {
    name: 'codex',
    plugin: codex,
    program: 'codex',
    adds: [],
    signs: [progress('runs a command'), progress('uses cco.wait'), progress('changes files'), usage(500, 41, 1500, null, null), success],
    limits: [{ after: 1500 }],
    failure: 'You\'ve hit your usage limit.'
  },
  {
    name: 'opencode',
    plugin: opencode,
    program: 'opencode',
    adds: ['OPENCODE_CONFIG', 'OPENCODE_CONFIG_CONTENT'],
    signs: [progress('uses bash'), progress('uses read on src/größe.ts'), usage(681, 10, 21_415, 0.001, 1), usage(781, 18, 43_415, 0.003, 2), success],
    limits: [],
    failure: 'Too Many Requests: retry after 30 seconds'
  },
  {
    name: 'gemini',
    plugin: gemini,
    program: 'gemini',
    adds: ['GEMINI_CLI_HOME', 'GEMINI_CLI_TRUST_WORKSPACE'],
    signs: [progress('session with model-of-the-day'), progress('uses read_file on /srv/src/größe.ts'), progress('uses run_shell_command'), usage(500, 41, 1500, null, null), success],
    limits: [{ after: 20_000 }],
    failure: 'API key not valid.'
  }
]
