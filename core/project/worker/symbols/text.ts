import { ranges } from './comments.js'
import type { LineIndex } from './lines.js'
import type { FileSymbols } from './symbols.js'

/** What can be told of a file without a parser of its language. */
export function readText (language: string | undefined, text: string, lines: LineIndex): FileSymbols {
  const marks = new Uint8Array(lines.count)
  return { definitions: [], references: [], imports: [], comments: ranges(marks), by: 'text' }
}
