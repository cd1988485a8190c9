import { Failure } from './failure.js'
import type { Terminal } from './terminal.js'

/** Asks a person; throws with `hint` when there is nobody to ask. */
export async function confirm (question: string, hint: string, terminal: Terminal): Promise<boolean> {
  if (!terminal.answering) throw new Failure(`There is no terminal to ask on; ${hint}`)
  const { createInterface } = await import('node:readline/promises')
  const dialogue = createInterface({ input: process.stdin, output: process.stderr })
  // Ctrl-C and Ctrl-D close the dialogue without an answer.
  const closed = new Promise<string>((resolve) => { dialogue.once('close', () => { resolve('') }) })
  const answer = await Promise.race([dialogue.question(`${question} [y/N] `), closed])
  dialogue.close()
  return /^y(es)?$/i.test(answer.trim())
}
