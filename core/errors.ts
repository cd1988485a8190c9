/** Every error code of the wire contract, and what it means there. The one table. */
export const API_ERRORS = {
  AUTH_001: { status: 401, error: 'unauthorized' },
  AUTH_002: { status: 401, error: 'token_expired' },
  AUTH_003: { status: 403, error: 'forbidden' },
  VAL_001: { status: 400, error: 'invalid_request' },
  NOT_001: { status: 404, error: 'not_found' },
  PRJ_001: { status: 404, error: 'project_not_found' },
  CTX_001: { status: 500, error: 'context_failed' },
  CTX_002: { status: 413, error: 'context_too_large' },
  EVT_001: { status: 503, error: 'event_bus_unavailable' },
  EVT_002: { status: 400, error: 'invalid_event' },
  EVT_003: { status: 403, error: 'publisher_mismatch' },
  STR_001: { status: 503, error: 'storage_write_failed' },
  STR_002: { status: 503, error: 'storage_read_failed' },
  AGT_001: { status: 500, error: 'spawn_failed' },
  AGT_002: { status: 404, error: 'unknown_agent_type' },
  AGT_003: { status: 429, error: 'concurrency_limit' },
  RATE_001: { status: 429, error: 'rate_limited' },
  SRV_001: { status: 500, error: 'internal_error' },
  SRV_002: { status: 503, error: 'unavailable' }
} as const

/** Faults that stop the start; they never reach the wire. */
export const START_ERRORS = [
  'SIDECAR_ERR_CONFIG_INVALID',
  'SIDECAR_ERR_CONFIG_UNREADABLE',
  'SIDECAR_ERR_PLUGIN_NOT_FOUND',
  'SIDECAR_ERR_PLUGIN_LOAD',
  'SIDECAR_ERR_PLUGIN_MANIFEST',
  'SIDECAR_ERR_PLUGIN_OPTIONS',
  'SIDECAR_ERR_PLUGIN_DUPLICATE',
  'SIDECAR_ERR_PLUGIN_DEPENDENCY',
  'SIDECAR_ERR_PLUGIN_CREATE',
  'SIDECAR_ERR_PLUGIN_INSTANCE',
  'SIDECAR_ERR_PLUGIN_OPEN',
  'SIDECAR_ERR_PROFILE_INVALID',
  'SIDECAR_ERR_PROFILE_REQUIREMENT',
  'SIDECAR_ERR_PROJECT_INVALID',
  'SIDECAR_ERR_STORAGE_INVALID',
  'SIDECAR_ERR_STORAGE_LOCKED',
  'SIDECAR_ERR_LISTEN'
] as const

export type ApiErrorCode = keyof typeof API_ERRORS
export type StartErrorCode = (typeof START_ERRORS)[number]

export interface ErrorContext {
  details?: Record<string, unknown>
  cause?: unknown
  headers?: Record<string, string>
}

/** An error that a person can act on. Compare by `code`, never by class. */
export class SidecarError<Code extends string = string> extends Error {
  readonly code: Code
  readonly details: Record<string, unknown> | undefined
  readonly headers: Record<string, string> | undefined

  constructor (code: Code, message: string, context: ErrorContext = {}) {
    super(message, 'cause' in context ? { cause: context.cause } : undefined)
    this.name = 'SidecarError'
    this.code = code
    this.details = context.details
    this.headers = context.headers
  }
}

export function apiError (code: ApiErrorCode, message: string, context?: ErrorContext): SidecarError<ApiErrorCode> {
  return new SidecarError(code, message, context)
}

/** `RATE_001` with all that the wire contract wants of it: `limit` is what was exceeded, `waitMs` the time until it pays to try again. */
export function rateLimited (what: string, limit: number, waitMs: number): SidecarError<ApiErrorCode> {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000))
  return apiError('RATE_001', `${what}; try again in ${seconds} s.`, {
    details: { retry_after_seconds: seconds, limit },
    headers: { 'retry-after': String(seconds), 'x-ratelimit-limit': String(limit), 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(seconds) }
  })
}

export function startError (code: StartErrorCode, message: string, context?: ErrorContext): SidecarError<StartErrorCode> {
  return new SidecarError(code, message, context)
}

/** The code of anything that was thrown, or `undefined`. */
export function codeOf (error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

export function isApiError (error: unknown): error is SidecarError<ApiErrorCode> {
  const code = codeOf(error)
  return code !== undefined && Object.hasOwn(API_ERRORS, code)
}

/** The message of anything that was thrown. */
export function messageOf (error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The known name nearest to a mistyped one, or `undefined` when none is near. */
export function nearest (name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase(), bestDistance)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Optimal string alignment distance, or `limit` as soon as it cannot be less. */
function editDistance (a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1
      let distance = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + cost)
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        distance = Math.min(distance, beforeLast[column - 2]! + 1)
      }
      current.push(distance)
    }
    beforeLast = last
    last = current
  }
  return Math.min(last[b.length]!, limit)
}
