/** One event of a CLI: an object with a `type`. Its members may be anything; what is not as expected is as if it were absent. */
export type Event = Readonly<Record<string, unknown>> & { readonly type: string }
type Members = Readonly<Record<string, unknown>>

/** The event that a line holds, or `undefined` for all that is none. */
export function eventOf (line: string): Event | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  return isMembers(value) && typeof value.type === 'string' ? value as Event : undefined
}

function isMembers (value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const NOTHING: Members = Object.freeze({})

export function membersOf (of: Members, name: string): Members {
  const value = Object.hasOwn(of, name) ? of[name] : undefined
  return isMembers(value) ? value : NOTHING
}

export function listOf (of: Members, name: string): Members[] {
  const value = Object.hasOwn(of, name) ? of[name] : undefined
  return Array.isArray(value) ? value.filter(isMembers) : []
}

export function textOf (of: Members, name: string): string | undefined {
  const value = Object.hasOwn(of, name) ? of[name] : undefined
  return typeof value === 'string' ? value : undefined
}

/** A number that is not negative; costs, counts and times are not. */
export function numberOf (of: Members, name: string): number | null {
  const value = Object.hasOwn(of, name) ? of[name] : undefined
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null
}
