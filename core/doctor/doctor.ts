import { messageOf } from '../errors.js'
import { keys } from './checks/keys.js'
import { port } from './checks/port.js'
import { agentPrograms, git } from './checks/programs.js'
import { configuration, plugins, profiles } from './checks/project.js'
import { clock, diskSpace, lock, storageRights } from './checks/storage.js'
import type { Check, Finding, Place } from './finding.js'

/** In the order in which a start would meet them. */
const CHECKS: readonly Check[] = [configuration, git, storageRights, diskSpace, clock, lock, keys, port, profiles, plugins, agentPrograms]

export interface Diagnosis extends Omit<Finding, 'fix' | 'advice' | 'state'> {
  state: Finding['state'] | 'fixed'
  advice: string | null
  fixable: boolean
}

export interface Report {
  /** Whether no problem is left. */
  healthy: boolean
  findings: Diagnosis[]
}

/** Looks at everything, and with `fix` does what is safe to do; then what was done away with is `fixed`. */
export async function examine (place: Place, { fix }: { fix: boolean }): Promise<Report> {
  const findings: Diagnosis[] = []
  for (const look of CHECKS) {
    for (const finding of await look(place)) findings.push(fix && finding.fix !== undefined ? await repair(look, place, finding) : shown(finding))
  }
  return { healthy: findings.every(({ state }) => state !== 'problem'), findings }
}

/** Whether it helped is looked at, not believed. */
async function repair (look: Check, place: Place, finding: Finding): Promise<Diagnosis> {
  try {
    await finding.fix!()
  } catch (error) {
    return { ...shown(finding), text: `${finding.text} It could not be repaired: ${messageOf(error)}.` }
  }
  const isLeft = (await look(place)).some(({ fix }) => fix !== undefined)
  return isLeft ? shown(finding) : { ...shown(finding), state: 'fixed', advice: null, fixable: false }
}

function shown ({ check, state, text, advice, fix }: Finding): Diagnosis {
  return { check, state, text, advice: advice ?? null, fixable: fix !== undefined }
}
