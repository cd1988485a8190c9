import { tailOf } from './log-tail.js'

const TOKEN = /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g

/** The last lines that an agent wrote, as they may go into a record: without a token that it printed. */
export async function lastWords (file: string, lines: number, maxCharacters: number): Promise<string> {
  const text = (await tailOf(file, lines)).replace(TOKEN, '[token]')
  return text.length <= maxCharacters ? text : `…${text.slice(-maxCharacters)}`
}
