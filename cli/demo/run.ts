import { performance } from 'node:perf_hooks'
import type { Client } from '../client.js'
import type { ContextAnswer } from '../context-summary.js'
import type { EventPage } from '../event-facts.js'
import { Failure } from '../failure.js'
import { printable, type Format } from '../output.js'
import type { Terminal } from '../terminal.js'
import { castFor, ISSUE_ID, type Role } from './cast.js'
import { describeResults, describeTotal, reportOf } from './report.js'
import { startDemoServer } from './server.js'
import { momentLine, Timeline } from './timeline.js'
import { problemsOf, type Outcome, type StoredResult } from './verdict.js'
import { listAgents, watchAgents } from './watch.js'

export interface DemoInput {
  /** Root of the repository. */
  root: string
  keep: boolean
  /** Bound of the whole. */
  timeoutMs: number
  format: Format
}

const ISSUE = { title: 'Find out how healthy this repository is', description: 'Map it, examine its code, documents and tests, and audit it. Nothing is changed.' }
/** Cold contexts of five agents of a large repository take a while. */
const SPAWN_MS = 120_000

/** Runs the flow. Rejects with a `Failure` unless every agent completed and everything that it should leave is there. */
export async function runDemo ({ root, keep, timeoutMs, format }: DemoInput, terminal: Terminal): Promise<void> {
  const began = performance.now()
  const human = format === 'human'
  const interrupted = new AbortController()
  const onSignal = (): void => { interrupted.abort() }
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  const deadline = AbortSignal.timeout(timeoutMs)
  const signal = AbortSignal.any([interrupted.signal, deadline])
  const server = await startDemoServer(root, terminal.env)
  try {
    const { client } = server
    const timeline = new Timeline(Date.now(), (moment) => {
      if (human) terminal.out(momentLine(moment, 'documentation-expert'.length, terminal.colors))
    })
    if (human) terminal.out(`${terminal.colors.bold('cco demo')}  ${printable(root)}\n${terminal.colors.dim(`A sidecar at ${client.url}, five agents as processes, the repository is only read.`)}\n`)
    const faults: string[] = []
    let cast: Role[] = []
    try {
      cast = await prepare(client, signal)
      await spawnAll(client, cast, timeoutMs, signal)
      await watchAgents(client, cast.length, timeline, signal)
    } catch (error) {
      if (interrupted.signal.aborted) throw new Failure('Interrupted; the agents and the sidecar were stopped.', { cause: error })
      if (!deadline.aborted) throw error
      faults.push(`The demo was ended after ${timeoutMs / 1000} s (--timeout).`)
    }
    const outcome = await readOutcome(client, cast)
    const report = reportOf(outcome, {
      problems: [...faults, ...problemsOf(outcome)], project: root, duration_ms: Math.round(performance.now() - began), timeline: timeline.moments
    })
    if (keep) report.storage = server.storage
    if (human) {
      terminal.out(`\n${describeResults(outcome, terminal.colors)}\n\n${describeTotal(report, terminal.colors)}`)
      if (keep) terminal.out(`Kept in ${server.storage}`)
    } else {
      terminal.out(JSON.stringify(report, null, 2))
    }
    if (!report.passed) throw new Failure('')
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    await server.stop(keep)
  }
}

/** Says what the issue is, and finds out whom the repository needs. */
async function prepare (client: Client, signal: AbortSignal): Promise<Role[]> {
  await client.call('PUT', `/api/issues/${ISSUE_ID}`, { body: ISSUE, signal })
  const { context } = await client.call<ContextAnswer>('GET', `/api/context/${ISSUE_ID}/chief-architect`, { timeoutMs: SPAWN_MS, signal })
  return castFor(context.metadata.project_type)
}

async function spawnAll (client: Client, cast: readonly Role[], timeoutMs: number, signal: AbortSignal): Promise<void> {
  await Promise.all(cast.map(({ agentType, task }) => client.call('POST', '/api/agents/spawn', {
    body: {
      agent_type: agentType,
      issue_id: ISSUE_ID,
      task,
      environment: { CCO_DEMO_WAIT_SECONDS: String(Math.ceil(timeoutMs / 1000)) }
    },
    timeoutMs: SPAWN_MS,
    signal
  })))
}

/** What the sidecar holds, asked over HTTP as anybody would. */
async function readOutcome (client: Client, cast: readonly Role[]): Promise<Outcome> {
  const [agents, { results }, { events }] = await Promise.all([
    listAgents(client),
    client.call<{ results: StoredResult[] }>('GET', '/api/results', { query: { issue_id: ISSUE_ID, limit: 100 } }),
    client.call<EventPage>('GET', '/api/events', { query: { since: 'earliest', limit: 1000 } })
  ])
  return { cast: cast.map(({ agentType }) => agentType), agents, results, events }
}
