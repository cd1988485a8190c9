import { roleOf } from './roles.mjs'

/**
 * The whole results of the agents that worked on this issue before, by role: `{ 'chief-architect': { agentType, id, artifacts, metrics } }`.
 * The context's `previous_agent_outputs` is a summary; the artifacts are only in the results.
 * What a role is asked for and has not stored is absent from the answer and named in `warnings`.
 */
export async function readEarlierWork (sidecar, roles) {
  const work = {}
  const warnings = []
  const records = await sidecar.results()
  for (const role of roles) {
    const newest = records.find((record) => roleOf(record.agent_type) === role && statusOf(record) !== 'failed')
    if (!newest) {
      warnings.push(`No usable result of the ${role} is stored for this issue, so nothing here builds on it`)
      continue
    }
    const record = await sidecar.result(newest.id)
    work[role] = { agentType: record.agent_type, id: record.id, artifacts: record.result.artifacts ?? {}, metrics: record.result.metrics ?? {} }
  }
  return { work, warnings }
}

function statusOf (record) {
  return record.status ?? record.result?.status
}
