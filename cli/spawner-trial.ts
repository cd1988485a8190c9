import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SPAWNERS, type AgentSign, type Spawner } from '../index.js'
import { messageOf } from '../core/errors.js'
import { createFromPlugin, createPluginContext } from '../core/testing/index.js'
import { loadConfiguration } from './configuration.js'
import { wrongUsage } from './failure.js'
import { CANNED_ANSWER, startModelStub } from './model-stub.js'
import type { Terminal } from './terminal.js'

const STOP_GRACE_MS = 2000

export interface SpawnerFacts {
  name: string
  program: string | null
  version: string | null
  /** Why there is no program; `null` where there is one. */
  problem: string | null
}

export interface Trial extends SpawnerFacts {
  session: 'worked' | 'failed' | 'not tried'
  /** What came of the session, or why there was none. */
  detail: string
  /** `null` where no session was tried. */
  duration_ms: number | null
}

interface Found { name: string, spawner: Spawner, environment: Record<string, string> }

/** The names of the spawners that can be tried. */
export const SPAWNER_NAMES: readonly string[] = SPAWNERS.builtins.map(({ name }) => name)

/** A spawner with the options that the configuration gives it, and the environment that its agents get. */
async function find (name: string, terminal: Terminal, storage: string, given: Record<string, unknown> = {}): Promise<Found> {
  const builtin = SPAWNERS.builtins.find((each) => each.name === name)
  if (builtin === undefined) throw wrongUsage(`There is no spawner '${name}'. Known: ${SPAWNER_NAMES.join(', ')}.`)
  const { settings, plugins } = await loadConfiguration({}, terminal)
  const configured = plugins.findLast(({ use }) => use === name || use === `spawner/${name}`)
  const options = { ...SPAWNERS.impliedOptions(settings)[`spawner/${name}`], ...configured?.options, ...given }
  const { default: plugin } = await builtin.load()
  const spawner = await createFromPlugin<'spawner'>(plugin, options, createPluginContext({ storage, clock: Date.now }))
  return { name, spawner, environment: SPAWNERS.agentEnvironment(terminal.env, settings.spawn.environment, {}, {}) }
}

async function factsOf ({ name, spawner, environment }: Found): Promise<SpawnerFacts> {
  try {
    const { program, version } = await spawner.probe!(environment)
    return { name, program, version, problem: null }
  } catch (error) {
    return { name, program: null, version: null, problem: messageOf(error) }
  }
}

/** What each spawner would start. */
export async function listSpawners (terminal: Terminal): Promise<SpawnerFacts[]> {
  return await Promise.all(SPAWNER_NAMES.map(async (name) => await factsOf(await find(name, terminal, tmpdir()))))
}

/** Looks for the program of a spawner, and has it answer once in an empty folder, with a stand-in for its model. */
export async function trySpawner (name: string, terminal: Terminal, { options, timeoutMs }: { options: Record<string, unknown>, timeoutMs: number }): Promise<Trial> {
  const directory = await mkdtemp(join(tmpdir(), 'cco-trial-'))
  try {
    const found = await find(name, terminal, directory, options)
    const facts = await factsOf(found)
    const notTried = (detail: string): Trial => ({ ...facts, session: 'not tried', detail, duration_ms: null })
    if (facts.problem !== null) return notTried('there is no program to try')
    const stub = await startModelStub()
    try {
      const variables = found.spawner.trial?.(stub.address)
      if (variables === undefined) return notTried('no variable gives its agents another model, and a session with the real one may cost money')
      return { ...facts, ...await runSession(found, directory, variables, timeoutMs) }
    } finally {
      await stub.close()
    }
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** In a home of its own: neither the user's login nor his settings are touched. */
async function runSession ({ spawner, environment }: Found, directory: string, variables: Record<string, string>, timeoutMs: number): Promise<Pick<Trial, 'session' | 'detail' | 'duration_ms'>> {
  const [root, own, home] = ['project', 'agent', 'home'].map((folder) => join(directory, folder)) as [string, string, string]
  for (const folder of [root, own, home]) await mkdir(folder, { mode: 0o700 })
  const signs: AgentSign[] = []
  const began = performance.now()
  let timer: NodeJS.Timeout | undefined
  /** Under way when the session took too long. */
  let stopping: Promise<void> | undefined
  try {
    const handle = await spawner.start({
      agent_id: 'trial',
      agent_type: 'trial',
      project_id: 'trial',
      issue_id: 'trial',
      project_root: root,
      directory: own,
      environment: { ...environment, HOME: home, ...variables, AGENT_ID: 'trial', JWT_TOKEN: 'none' },
      prompt: 'You are being tried.',
      task: `Answer with one word: ${CANNED_ANSWER}.`,
      tools: ['Read'],
      model: 'haiku',
      max_turns: 2,
      log_file: join(own, 'output.log'),
      on_sign: (sign) => { signs.push(sign) }
    })
    timer = setTimeout(() => {
      stopping = handle.stop({ graceMs: STOP_GRACE_MS })
    }, timeoutMs)
    await handle.exited
    await stopping
    const duration_ms = Math.round(performance.now() - began)
    const word = signs.findLast((sign) => sign.kind === 'result')
    if (word?.status === 'success') return { session: 'worked', detail: word.text, duration_ms }
    return { session: 'failed', detail: stopping !== undefined ? `it had not ended after ${timeoutMs / 1000} seconds` : word?.text ?? 'it ended without a word', duration_ms }
  } catch (error) {
    return { session: 'failed', detail: messageOf(error), duration_ms: Math.round(performance.now() - began) }
  } finally {
    clearTimeout(timer)
    await spawner.close?.()
  }
}
