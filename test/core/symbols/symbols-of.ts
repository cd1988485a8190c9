import t from 'tap'
import { extractSymbols, type Definition, type FileSymbols } from '../../../core/project/worker/symbols/symbols.js'

/** In a snippet that is a raw template itself. */
export const TICK = '`'
export const DOLLAR = '$'

/**
 * What a parser finds in a text, in a form to read. Definitions are `kind Outer.name start line head end`, the numbers those of lines
 * from 0. `stripped` are the comments that are whole lines.
 */
export async function symbolsOf (language: string, text: string): Promise<{ definitions: string[], imports: string[], references: string, stripped: string[] }> {
  const symbols = await extractSymbols(language, text)
  t.equal(symbols.by, 'tree-sitter', `${language} has a parser`)
  const lines = text.split('\n')
  return {
    definitions: describe(symbols),
    imports: symbols.imports,
    references: symbols.references.join(' '),
    stripped: symbols.comments.flatMap(([first, last]) => lines.slice(first, last + 1)).map((line) => line.trim()).filter((line) => line !== '')
  }
}

export function describe ({ definitions }: FileSymbols): string[] {
  const nameOf = ({ name, parent }: Definition): string => (parent < 0 ? name : `${nameOf(definitions[parent]!)}.${name}`)
  return definitions.map((definition) => `${definition.kind} ${nameOf(definition)} ${definition.start} ${definition.line} ${definition.head} ${definition.end}`)
}
