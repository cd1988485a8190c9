import { CommanderError } from 'commander'
import { codeOf, messageOf } from '../core/errors.js'
import { redactSecrets } from '../core/secret-text.js'
import type { Terminal } from './terminal.js'

/** The two ways to end badly: something went wrong, or the command was used wrongly. */
export const FAILED = 1
export const WRONG_USAGE = 2

/** Ends the program with one sentence on standard error, or silently where everything was said. */
export class Failure extends Error {
  readonly exitCode: number
  /** A code of the wire contract, where the sidecar gave one. */
  readonly code: string | undefined

  constructor (message: string, { exitCode = FAILED, code, cause }: { exitCode?: number, code?: string | undefined, cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'Failure'
    this.exitCode = exitCode
    this.code = code
  }
}

export function wrongUsage (message: string): Failure {
  return new Failure(message, { exitCode: WRONG_USAGE })
}

/** Says what went wrong and answers the exit code. */
export function reportFailure (error: unknown, terminal: Terminal): number {
  // Commander has written its message, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE
  const code = codeOf(error)
  const known = error instanceof Failure || code?.startsWith('SIDECAR_ERR_') === true
  const message = redactSecrets(messageOf(error))
  if (message !== '') terminal.err(`${terminal.colors.red('error:')} ${known ? '' : 'unexpected: '}${message}${code === undefined ? '' : ` [${code}]`}`)
  if (!known && terminal.env.CCO_DEBUG !== undefined && error instanceof Error) terminal.err(redactSecrets(error.stack ?? ''))
  return error instanceof Failure ? error.exitCode : FAILED
}
