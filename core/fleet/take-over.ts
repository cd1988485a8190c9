import { join } from 'node:path'
import type { AgentHandle } from '../contracts/index.js'
import { messageOf } from '../errors.js'
import { outputFile } from './agent-files.js'
import type { AgentRecord } from './agent-record.js'
import type { Conclusion } from './conclusion.js'
import type { FleetOptions } from './fleet-options.js'
import { signsOf } from './launch.js'
import type { Supervision } from './supervision.js'

/** Takes over an agent of an earlier run of the sidecar: it is adopted where it is alive, else lost. */
export async function takeOver (options: FleetOptions, supervision: Supervision, conclusion: Conclusion, record: AgentRecord): Promise<void> {
  const handle = await adopt(options, record)
  if (handle !== undefined) {
    const age = options.clock() - Date.parse(record.started_at ?? record.created_at)
    record.state = 'running'
    supervision.add(record, handle, record.timeout_seconds * 1000 - age)
    options.log.info({ agent: record.agent_id, pid: handle.process_id }, 'an agent of an earlier run was adopted')
    return
  }
  options.log.warn({ agent: record.agent_id }, 'an agent of an earlier run is gone')
  await conclusion.conclude(record, 'lost', 'the sidecar was restarted and the agent was gone')
}

/** The agent of an earlier run, or `undefined`: then what it left is ended. */
async function adopt (options: FleetOptions, record: AgentRecord): Promise<AgentHandle | undefined> {
  const { spawners, log, findResult, storage } = options
  const spawner = spawners.get(record.spawner)
  try {
    // What it stored while nobody watched counts as well.
    const stored = await findResult(record)
    if (stored !== undefined) {
      record.result_id = stored.id
      record.result_status = stored.status
    }
    if (record.reference === null) return undefined
    const handle = await spawner?.adopt?.(record.reference, {
      log_file: outputFile(join(storage, 'agents', record.agent_id)),
      on_sign: signsOf(options, record)
    })
    if (handle === undefined) await spawner?.clean?.(record.reference)
    return handle
  } catch (error) {
    log.error({ agent: record.agent_id, reason: messageOf(error) }, 'an agent of an earlier run could not be taken over')
    return undefined
  }
}
