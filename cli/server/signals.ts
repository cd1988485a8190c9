import { messageOf } from '../../core/errors.js'
import { redactSecrets } from '../../core/secret-text.js'
import type { Terminal } from '../terminal.js'

/** The contract's bound: drained, and gone, within 10 s. */
const DRAIN_MS = 10_000
/** Ctrl-C under `npm start` arrives twice at once: from the terminal, and from npm, which passes it on. */
const SAME_SIGNAL_MS = 250

export interface Shutdown {
  /** Says what to drain, once there is something; drains at once when a signal came before. */
  guard (close: () => Promise<void>): void
  /** Whether a signal came. */
  readonly asked: boolean
}

/** SIGTERM and SIGINT drain and exit 0, a second one exits at once; what nobody caught is told in one line and exits 1. */
export function installShutdown (
  terminal: Terminal,
  exit: (code: number) => void = (code) => process.exit(code),
  now: () => number = () => performance.now()
): Shutdown {
  let close: (() => Promise<void>) | undefined
  let askedAt: number | undefined
  const drain = (): void => {
    if (close === undefined) return
    setTimeout(() => {
      terminal.err(`The sidecar did not drain within ${DRAIN_MS / 1000} s and was ended; what it had acknowledged is on disk.`)
      exit(1)
    }, DRAIN_MS).unref()
    close().then(() => { exit(0) }, (error: unknown) => {
      terminal.err(`${terminal.colors.red('error:')} The sidecar did not close cleanly: ${messageOf(error)}`)
      exit(1)
    })
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    if (askedAt !== undefined) {
      if (now() - askedAt < SAME_SIGNAL_MS) return
      terminal.err(`${signal} again: ended without draining.`)
      exit(1)
      return
    }
    askedAt = now()
    if (terminal.watched) terminal.err(`${signal}: draining; once more ends at once.`)
    drain()
  }
  const onFault = (error: unknown): void => {
    terminal.err(`${terminal.colors.red('error:')} unexpected: ${redactSecrets(messageOf(error)).split('\n')[0]}`)
    if (terminal.env.CCO_DEBUG !== undefined && error instanceof Error) terminal.err(redactSecrets(error.stack ?? ''))
    exit(1)
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  process.on('uncaughtException', onFault).on('unhandledRejection', onFault)
  return {
    guard (closing) {
      close = closing
      if (askedAt !== undefined) drain()
    },
    get asked () { return askedAt !== undefined }
  }
}
