import { codeOf } from '../core/errors.js'

/** 128 + SIGPIPE: what a shell reports of a program that the signal ended (POSIX, Shell Command Language, 2.8.2). Node ignores the signal. */
export const UNREAD = 141

let goesOn = false

/** Nobody is at the other end: of a pipe, or of a terminal that was closed. */
function isUnread (error: unknown): boolean {
  return ['EPIPE', 'EIO'].includes(codeOf(error) ?? '')
}

/**
 * Ends the program quietly once nobody reads what it writes, as when `head` has seen enough. A program that takes SIGTERM ends in that way, in
 * its own time; any other at once. Either exits with 141.
 */
export function endWhenUnread (): void {
  let isEnding = false
  const onError = (error: unknown): void => {
    if (!isUnread(error)) throw error
    if (isEnding || goesOn) return
    isEnding = true
    if (process.listenerCount('SIGTERM') === 0) process.exit(UNREAD)
    process.once('exit', () => { process.exitCode = UNREAD })
    process.emit('SIGTERM', 'SIGTERM')
  }
  process.stdout.on('error', onError)
  process.stderr.on('error', onError)
}

/** For a server: it goes on when whoever read its first lines is gone. */
export function goOnWhenUnread (): void {
  goesOn = true
}
