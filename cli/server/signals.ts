import { closeSync, constants, openSync } from 'node:fs'
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
  /** Says what SIGHUP is to do, other than at the end of the terminal. */
  onHangup (reload: () => void): void
  /** Whether a signal came. */
  readonly asked: boolean
}

/**
 * SIGTERM and SIGINT drain and exit 0, a second one exits at once; what nobody caught is told in one line and exits 1. SIGHUP means two things: that the
 * terminal is gone, which drains, and to a server without one, or while it is there, that it should read anew.
 */
export function installShutdown (
  terminal: Terminal,
  exit: (code: number, byHangup: boolean) => void = endProcess,
  now: () => number = () => performance.now(),
  hasTerminal: () => boolean = hasControllingTerminal
): Shutdown {
  const hadTerminal = hasTerminal()
  let reload: (() => void) | undefined
  let close: (() => Promise<void>) | undefined
  let askedAt: number | undefined
  let isHungUp = false
  const end = (code: number): void => { exit(code, isHungUp) }
  const drain = (): void => {
    if (close === undefined) return
    setTimeout(() => {
      terminal.err(`The sidecar did not drain within ${DRAIN_MS / 1000} s and was ended; what it had acknowledged is on disk.`)
      end(1)
    }, DRAIN_MS).unref()
    close().then(() => { end(0) }, (error: unknown) => {
      terminal.err(`${terminal.colors.red('error:')} The sidecar did not close cleanly: ${messageOf(error)}`)
      end(1)
    })
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    if (askedAt !== undefined) {
      if (now() - askedAt < SAME_SIGNAL_MS) return
      terminal.err(`${signal} again: ended without draining.`)
      end(1)
      return
    }
    askedAt = now()
    if (terminal.watched) terminal.err(`${signal}: draining; once more ends at once.`)
    drain()
  }
  const onFault = (error: unknown): void => {
    terminal.err(`${terminal.colors.red('error:')} unexpected: ${redactSecrets(messageOf(error)).split('\n')[0]}`)
    if (terminal.env.CCO_DEBUG !== undefined && error instanceof Error) terminal.err(redactSecrets(error.stack ?? ''))
    end(1)
  }
  const onHangup = (): void => {
    if (!hadTerminal || hasTerminal()) {
      reload?.()
      return
    }
    isHungUp = true
    // It comes more than once: from the system, and from the shell.
    if (askedAt === undefined) onSignal('SIGHUP')
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal).on('SIGHUP', onHangup)
  process.on('uncaughtException', onFault).on('unhandledRejection', onFault)
  return {
    guard (closing) {
      close = closing
      if (askedAt !== undefined) drain()
    },
    onHangup (run) { reload = run },
    get asked () { return askedAt !== undefined }
  }
}

/** Whether the process belongs to a terminal: one that was closed can be opened no more (tty(4): ENXIO). */
function hasControllingTerminal (): boolean {
  try {
    closeSync(openSync('/dev/tty', constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK))
    return true
  } catch {
    return false
  }
}

/** At its end Node restores the state of the terminal, and aborts when that is gone; then the signal ends the process, as it does those that do not catch it. */
function endProcess (code: number, byHangup: boolean): void {
  if (!byHangup) process.exit(code)
  process.removeAllListeners('SIGHUP')
  process.kill(process.pid, 'SIGHUP')
}
