import t from 'tap'
import { extractSymbols, type Definition, type FileSymbols } from '../../../core/project/worker/symbols/symbols.js'

/** Languages that have a parser. */
export const PARSED = ['typescript', 'javascript', 'python', 'go', 'rust', 'java', 'c', 'cpp', 'csharp', 'ruby', 'php', 'swift', 'dart', 'kotlin', 'shell']

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

/** What every result must keep to, or what is wrong with it. */
export function fault ({ definitions, references, imports, comments }: FileSymbols, text: string): string | undefined {
  const lines = text.split('\n').length
  for (const [index, { name, start, line, head, end, parent }] of definitions.entries()) {
    if (name === '') return 'a definition without a name'
    if (!(start >= 0 && start <= line && line <= head && head <= end && end < lines)) return `lines of ${name}: ${start} ${line} ${head} ${end}`
    if (index > 0 && definitions[index - 1]!.line > line) return `${name} before one that stands above it`
    if (parent >= index || parent < -1) return `parent of ${name}: ${parent} of ${index}`
    const outer = definitions[parent]
    if (outer !== undefined && (outer.start > start || outer.end < end || outer.line > line)) return `${name} is not within ${outer.name}`
  }
  let last = -2
  for (const [first, end] of comments) {
    if (first <= last + 1 || end < first || end >= lines) return `comment lines ${first} to ${end}`
    last = end
  }
  if (new Set(references).size !== references.length || references.length > 2000) return 'references'
  return new Set(imports).size === imports.length ? undefined : 'imports'
}
