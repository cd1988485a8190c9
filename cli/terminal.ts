import pc from 'picocolors'

export type Colors = ReturnType<typeof pc.createColors>

/** What a command sees of the world, so that tests can give it another one. */
export interface Terminal {
  /** Writes text and a line end to standard output. */
  out (text: string): void
  /** Writes text and a line end to standard error. */
  err (text: string): void
  /** Shows on a terminal, on one line that is written over, how far something is; the empty text takes it away. Elsewhere nothing is written. */
  progress (text: string): void
  env: Record<string, string | undefined>
  cwd: string
  /** Whether a person watches standard output. */
  watched: boolean
  /** Whether a person can be asked. */
  answering: boolean
  colors: Colors
  /** Ends the program with 1 and a message when something still keeps it alive after so many milliseconds. */
  endUnlessIdle (afterMs: number, message: string): void
}

export function processTerminal (): Terminal {
  const { stdin, stdout, stderr, env } = process
  return {
    out (text) { stdout.write(`${text}\n`) },
    err (text) { stderr.write(`${text}\n`) },
    progress (text) { if (stderr.isTTY && env.TERM !== 'dumb') stderr.write(`\r\u001b[K${text}`) },
    env,
    cwd: process.cwd(),
    watched: stdout.isTTY,
    answering: stdin.isTTY && stderr.isTTY,
    colors: pc.createColors(wantsColors(stdout.isTTY, env)),
    endUnlessIdle (afterMs, message) {
      setTimeout(() => {
        stderr.write(`${message}\n`)
        process.exit(1)
      }, afterMs).unref()
    }
  }
}

/** Colours are for people: on a terminal that knows them, and unless NO_COLOR (https://no-color.org) is set to anything. */
export function wantsColors (isTTY: boolean | undefined, env: Terminal['env']): boolean {
  return isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb'
}
