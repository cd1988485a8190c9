import pc from 'picocolors'
import type { Terminal } from '../../cli/terminal.js'

export interface StubTerminal extends Terminal {
  /** What was written so far, without the last line end. */
  stdout (): string
  stderr (): string
  /** What was shown on the line that is written over, in order. */
  shown: string[]
}

/** A terminal that nobody watches and that remembers what it was told. */
export function stubTerminal (changes: Partial<Terminal> = {}): StubTerminal {
  const lines = { out: [] as string[], err: [] as string[] }
  const shown: string[] = []
  return {
    out (text) { lines.out.push(text) },
    err (text) { lines.err.push(text) },
    progress (text) { shown.push(text) },
    shown,
    env: {},
    cwd: process.cwd(),
    watched: false,
    answering: false,
    colors: pc.createColors(false),
    endUnlessIdle () {},
    stdout: () => lines.out.join('\n'),
    stderr: () => lines.err.join('\n'),
    ...changes
  }
}
