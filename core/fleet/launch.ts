import { chmod, writeFile } from 'node:fs/promises'
import { FILE_MODE, makeDirectory } from '../durable-file.js'
import { apiError, messageOf } from '../errors.js'
import type { AgentHandle, OnSign } from '../contracts/index.js'
import { contextFile, outputFile } from './agent-files.js'
import type { AgentRecord, AgentRecords } from './agent-record.js'
import { agentEnvironment } from './environment.js'
import type { FleetOptions } from './fleet-options.js'

export interface Launched {
  handle: AgentHandle
  token: string
  contextInjected: boolean
}

/** Gives an agent its folder, token and context, and starts it. `mayStart` is asked last, when only the process is missing. */
export async function launch (options: FleetOptions, records: AgentRecords, record: AgentRecord, mayStart: () => void): Promise<Launched> {
  const address = options.address()
  if (address === undefined) throw apiError('AGT_001', 'The agent could not be started: the sidecar does not listen on any address.')
  const spawner = options.spawners.get(record.spawner)
  if (spawner === undefined) throw apiError('AGT_001', `The agent could not be started: there is no spawner '${record.spawner}' any more.`)
  const project = options.project(record.project_id)
  const profile = project.profile(record.agent_type)
  const directory = records.directoryOf(record.agent_id)
  await makeDirectory(directory)
  await records.save(record)
  const { token } = await options.auth.issue(
    { agent_id: record.agent_id, agent_type: record.agent_type, project_id: record.project_id, permissions: [...profile.permissions] },
    { ttlSeconds: options.tokenSeconds }
  )
  const [root, contextInjected] = await Promise.all([
    options.workspaces.begin(record, project.root),
    writeContext(options, record, contextFile(directory))
  ])
  mayStart()
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
      JWT_TOKEN: token,
      CONTEXT_FILE: contextFile(directory),
      TASK: record.task,
      ...(record.correlation_id === undefined ? {} : { CORRELATION_ID: record.correlation_id })
    }),
    prompt: profile.spawn.prompt,
    task: record.task,
    tools: profile.spawn.tools ?? [],
    model: profile.model.tier,
    log_file: outputFile(directory),
    on_sign: signsOf(options, record)
  })
  return { handle, token, contextInjected }
}

/** Notes that an agent has shown a sign. */
export function signsOf ({ clock }: FleetOptions, record: AgentRecord): OnSign {
  return () => { record.last_sign_at = new Date(clock()).toISOString() }
}

/** A context that cannot be gathered does not keep the agent from starting: it can ask for it itself. */
async function writeContext ({ context, log }: FleetOptions, record: AgentRecord, path: string): Promise<boolean> {
  try {
    await writeFile(path, await context(record), { mode: FILE_MODE })
    await chmod(path, FILE_MODE)
    return true
  } catch (error) {
    log.warn({ agent: record.agent_id, reason: messageOf(error) }, 'the context of a new agent could not be written')
    return false
  }
}
