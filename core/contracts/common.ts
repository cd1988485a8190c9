/** Any value that survives a round trip through JSON. */
export type Json = string | number | boolean | null | Json[] | { [member: string]: Json }

export interface JsonObject { [member: string]: Json }

/** The subset of a pino logger that the core and its plugins use. */
export interface Logger {
  debug (details: object, message?: string): void
  info (details: object, message?: string): void
  warn (details: object, message?: string): void
  error (details: object, message?: string): void
}

/** Milliseconds since the epoch; injected so that tests decide what time it is. */
export type Clock = () => number

/**
 * What every plugin instance may have. `open` runs once, before the instance is used; `close` runs in reverse order
 * of opening, also after an `open` that failed, and may be called twice.
 */
export interface Lifecycle {
  open? (): Promise<void>
  close? (): Promise<void>
  /** Names what is wrong, or resolves. Asked by `/health`, so it must answer within a second. */
  check? (): Promise<void>
}
