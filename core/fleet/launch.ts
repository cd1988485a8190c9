import { chmod, writeFile } from 'node:fs/promises'
import { FILE_MODE, makeDirectory } from '../durable-file.js'
import { apiError, messageOf } from '../errors.js'
import type { AgentHandle, LaunchRequest, OnSign, Spawner } from '../contracts/index.js'
import { contextFile, outputFile } from './agent-files.js'
import type { AgentRecord } from './agent-record.js'
import type { AgentRecords } from './agent-records.js'
import { agentEnvironment, trustVariables } from './environment.js'
import type { FleetOptions } from './fleet-options.js'
import { spendingOf, turnsOf } from './governor/spending.js'
import { taskOf } from './retries/retry-task.js'

export interface Launched {
  handle: AgentHandle
  token: string
  contextInjected: boolean
  spawner: Spawner
}

/** A CLI may refuse to start for nothing. */
const LEAST_USD = 0.01

/**
 * Gives an agent its folder, token and context, and starts it. The record says `starting` before the process is made: a
 * sidecar that is killed in between finds that record, and by the AGENT_ID of it the process. `mayStart` is asked last.
 */
export async function launch (options: FleetOptions, records: AgentRecords, record: AgentRecord, hooks: { mayStart (): void, onSign: OnSign }): Promise<Launched> {
  const address = options.address()
  if (address === undefined) throw apiError('AGT_001', 'The agent could not be started: the sidecar does not listen on any address.')
  const spawner = options.spawners.get(record.spawner)
  if (spawner === undefined) throw apiError('AGT_001', `The agent could not be started: there is no spawner '${record.spawner}' any more.`)
  const project = options.project(record.project_id)
  const profile = project.profile(record.agent_type)
  const directory = records.directoryOf(record.agent_id)
  await makeDirectory(directory)
  const saved = records.save(record)
  const [, task, { token }, root, contextInjected] = await allOf([
    saved,
    taskOf(record, directory),
    options.auth.issue(
      { agent_id: record.agent_id, agent_type: record.agent_type, project_id: record.project_id, permissions: profile.permissions.filter((permission) => record.permissions?.includes(permission) ?? true) },
      { ttlSeconds: options.tokenSeconds }
    ),
    options.workspaces.begin(record, project.root),
    writeContext(options, record, saved, contextFile(directory))
  ])
  hooks.mayStart()
  const handle = await spawner.start({
    agent_id: record.agent_id,
    agent_type: record.agent_type,
    project_id: record.project_id,
    issue_id: record.issue_id,
    project_root: root,
    directory,
    environment: agentEnvironment(options.inherited, options.limits.environment, record.environment, {
      AGENT_ID: record.agent_id,
      AGENT_TYPE: record.agent_type,
      ISSUE_ID: record.issue_id,
      PROJECT_ID: record.project_id,
      SIDECAR_URL: `${address}/api`,
      ...trustVariables(options.authority(), options.inherited),
      JWT_TOKEN: token,
      CONTEXT_FILE: contextFile(directory),
      TASK: task,
      ...(record.correlation_id === undefined ? {} : { CORRELATION_ID: record.correlation_id })
    }),
    prompt: profile.spawn.prompt,
    task,
    tools: profile.spawn.tools ?? [],
    model: profile.model.tier,
    ...boundsOf(options, record),
    log_file: outputFile(directory),
    on_sign: hooks.onSign
  })
  return { handle, token, contextInjected, spawner }
}

/** What the attempts before have left of its budget, for a CLI that keeps to it by itself: it ends in order, and is not cut off. */
function boundsOf ({ limits: { run_max_usd: usd, run_max_turns: turns }, clock }: FleetOptions, record: AgentRecord): Pick<LaunchRequest, 'max_turns' | 'max_cost_usd'> {
  return {
    ...(turns === 0 ? {} : { max_turns: Math.max(1, turns - turnsOf(record)) }),
    ...(usd === 0 ? {} : { max_cost_usd: Math.max(LEAST_USD, usd - spendingOf(record, clock()).usd) })
  }
}

/** As `Promise.all`, but nothing is under way any more when it rejects: what failed is cleared up then. */
async function allOf<Values extends readonly unknown[]> (promises: readonly [...{ [Index in keyof Values]: Promise<Values[Index]> }]): Promise<Values> {
  await Promise.allSettled(promises)
  return await Promise.all(promises) as unknown as Values
}

/** A context that cannot be gathered does not keep the agent from starting: it can ask for it itself. Nothing stands in the folder of an agent before its record does. */
async function writeContext ({ context, log }: FleetOptions, record: AgentRecord, saved: Promise<void>, path: string): Promise<boolean> {
  try {
    const content = await context(record)
    await saved
    await writeFile(path, content, { mode: FILE_MODE })
    await chmod(path, FILE_MODE)
    return true
  } catch (error) {
    log.warn({ agent: record.agent_id, reason: messageOf(error) }, 'the context of a new agent could not be written')
    return false
  }
}
