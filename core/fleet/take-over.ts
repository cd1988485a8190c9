import type { AgentHandle } from '../contracts/index.js'
import { messageOf } from '../errors.js'
import { outputFile } from './agent-files.js'
import type { AgentRecord } from './agent-record.js'
import type { AgentRecords } from './agent-records.js'
import type { Conclusion } from './conclusion.js'
import { judge } from './ending.js'
import type { FleetOptions } from './fleet-options.js'
import type { Governor } from './governor/governor.js'
import { belongingOf, isOfAnotherStorage } from './supervision/belonging.js'
import type { Supervision } from './supervision/supervision.js'

interface Parts {
  options: FleetOptions
  records: AgentRecords
  governor: Governor
  supervision: Supervision
  conclusion: Conclusion
}

/**
 * Takes over an agent of an earlier run of the sidecar: it is adopted where it is alive, else lost, and what it left is
 * ended. One whose record has no reference was being started when the sidecar was killed. Nobody can say how far it came
 * or what it was told, so its process, if there is one, is found by its environment and ended, and it is tried again.
 */
export async function takeOver (parts: Parts, record: AgentRecord): Promise<void> {
  const { options: { clock, log, spawners }, governor, supervision, conclusion } = parts
  governor.adopt(record)
  if (await worksElsewhere(parts, record)) {
    log.warn({ agent: record.agent_id, pid: record.process_id }, 'an agent of this record works for a sidecar with another storage: it is left alone')
    await conclusion.conclude(record, { state: 'lost', failure: 'lost', isFinal: true, reason: 'it works for another sidecar, with another storage' })
    return
  }
  const handle = await adopt(parts, record)
  if (handle !== undefined) {
    supervision.add(record, handle, {
      elapsedMs: clock() - Date.parse(record.started_at ?? record.created_at),
      spawner: spawners.get(record.spawner)!
    })
    log.info({ agent: record.agent_id, pid: handle.process_id }, 'an agent of an earlier run was adopted')
    return
  }
  supervision.forget(record.agent_id)
  log.warn({ agent: record.agent_id }, 'an agent of an earlier run is gone')
  // It has done what it was there for: how it ended after that nobody can say, as with one that was adopted.
  if (record.result_id !== undefined) {
    record.exit = { code: null, signal: null }
    await conclusion.conclude(record, judge(record))
    return
  }
  await conclusion.conclude(record, { state: 'lost', failure: 'lost', reason: 'the sidecar was restarted and the agent was gone' })
}

/** Where the storage is a copy of one in use, its records name processes of others. Nobody does their work twice. */
async function worksElsewhere ({ records }: Parts, { agent_id: id, process_id: pid }: AgentRecord): Promise<boolean> {
  const belonging = pid === null ? undefined : await belongingOf(pid)
  return belonging?.agent_id === id && await isOfAnotherStorage(belonging, records.directoryOf(id))
}

/** The agent of an earlier run, or `undefined`: then what it left is ended. */
async function adopt ({ options: { spawners, log, findResult }, records, supervision }: Parts, record: AgentRecord): Promise<AgentHandle | undefined> {
  const { agent_id: id, reference } = record
  const spawner = spawners.get(record.spawner)
  try {
    // What it stored while nobody watched counts as well.
    const stored = await findResult(record)
    if (stored !== undefined) {
      record.result_id = stored.id
      record.result_status = stored.status
    }
    supervision.expect(id)
    const handle = reference === null
      ? undefined
      : await spawner?.adopt?.(reference, { log_file: outputFile(records.directoryOf(id)), on_sign: (sign) => supervision.sign(id, sign) })
    if (handle !== undefined) return handle
    if (reference !== null) await spawner?.clean?.(reference)
    await supervision.endLeftovers(id)
  } catch (error) {
    log.error({ agent: id, reason: messageOf(error) }, 'an agent of an earlier run could not be taken over')
  }
  return undefined
}
