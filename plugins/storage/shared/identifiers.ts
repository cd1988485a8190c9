import { apiError, type ResultStatus } from '../../../core/plugin-api.js'

const IDENTIFIER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
const STATUSES: readonly string[] = ['success', 'failed', 'partial'] satisfies ResultStatus[]

export function isIdentifier (value: unknown): value is string {
  return typeof value === 'string' && IDENTIFIER.test(value)
}

/** Every name passes here before it becomes part of a path or a key: no separator, no `..`, nothing hidden. */
export function checkIdentifier (value: unknown, member: string): string {
  if (isIdentifier(value)) return value
  throw refused(member, "must begin with a letter or digit and hold at most 128 letters, digits, '.', '_' and '-'")
}

/** The status is part of a file name too. */
export function checkStatus (value: unknown): ResultStatus {
  if (STATUSES.includes(value as string)) return value as ResultStatus
  throw refused('status', `must be one of ${STATUSES.map((status) => `'${status}'`).join(', ')}`)
}

function refused (path: string, message: string): Error {
  return apiError('VAL_001', `${path}: ${message}.`, { details: { issues: [{ path, message }] } })
}
