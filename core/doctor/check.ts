import { codeOf, messageOf } from '../errors.js'
import type { Check, Finding, Place } from './finding.js'

/** Names the findings of a check; what it could not look at is a problem of its own. */
export function check (name: string, look: (place: Place) => Promise<Omit<Finding, 'check'>[]>): Check {
  return async (place) => {
    try {
      return (await look(place)).map((finding) => ({ check: name, ...finding }))
    } catch (error) {
      return [{ check: name, state: 'problem', text: `It cannot be looked at: ${messageOf(error)}.`, ...(codeOf(error) === 'EACCES' ? { advice: 'Start it as the user whom the files belong to.' } : {}) }]
    }
  }
}
