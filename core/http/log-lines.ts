/** Where log lines go. */
export interface LineSink {
  write (line: string): void
}

let pending = ''
let isWatched = false

function flush (): void {
  const text = pending
  pending = ''
  if (text !== '') process.stdout.write(text)
}

/**
 * Standard output, written once in each turn of the event loop: a system call for each line costs more than all else that is done about it.
 * What is pending at the end of the process is written then.
 */
export const standardOutput: LineSink = {
  write (line) {
    if (!isWatched) {
      isWatched = true
      process.once('exit', flush)
      // Whoever read the log has gone, or the terminal that showed it; that is no reason to end.
      process.stdout.on('error', (error: NodeJS.ErrnoException) => { if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error })
    }
    if (pending === '') setImmediate(flush)
    pending += line
  }
}
