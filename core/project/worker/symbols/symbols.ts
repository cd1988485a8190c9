import { mergePart } from './changed-part.js'
import { dialectsOf } from './dialects.js'
import { extract } from './extract.js'
import { LineIndex } from './lines.js'
import { parse, type ParseOptions } from './parser.js'
import { readText } from './text/text.js'

export type Kind = 'module' | 'class' | 'interface' | 'type' | 'enum' | 'function' | 'method' | 'field' | 'constant' | 'macro' | 'section'

export interface Definition {
  /** As written, without parameters. A method's class is its `parent`, not part of its name. */
  name: string
  /** A struct or record is a `class`, a trait or protocol an `interface`. A `section` adds to what is defined elsewhere: `impl`, `extension`. */
  kind: Kind
  /** 0-based first line; doc comment, decorators, attributes and annotations directly above included. */
  start: number
  /** 0-based line on which the declaration itself begins; the name is on it or just after it. */
  line: number
  /** 0-based last line of the head: before the body opens, parameters over several lines included. */
  head: number
  /** 0-based last line, inclusive. */
  end: number
  /** Index in the list of the enclosing definition, -1 at top level. */
  parent: number
}

export interface FileSymbols {
  /** In order of `line`; the enclosing one before those inside. */
  definitions: Definition[]
  /** Distinct identifiers that the file uses (calls, types, members, imported names) and does not define itself; at most 2,000. */
  references: string[]
  /** Module specifiers and paths as written, without quotes: './x.js', 'os.path', 'github.com/a/b', 'crate::x', 'header.h'. */
  imports: string[]
  /** 0-based inclusive ranges of lines that are wholly comment or blank. Never inside a string. */
  comments: [number, number][]
  /** What read the file: a parser of its language, or patterns of lines. */
  by: 'tree-sitter' | 'text'
}

/** Raised when the form or the meaning of the result changes, as it is kept on disk. */
export const SYMBOLS_VERSION = 2

// A larger file is generated or data: a parser would take seconds and some hundred megabytes for it.
const PARSED_LENGTH = 1_000_000

/**
 * What a source file defines, uses and imports. Never throws; whatever no parser can read in time is read line by line.
 * Of Vue and Svelte files the scripts are read, and the components that the template names.
 */
export async function extractSymbols (language: string | undefined, text: string): Promise<FileSymbols> {
  return await read(language, text, {})
}

/** What ranking and outlines need of a file, which is quicker found. */
export type FileStructure = Pick<FileSymbols, 'definitions' | 'comments'>

/** `edited` names a file that is being edited, whose next text is then read quicker. */
export async function extractStructure (language: string | undefined, text: string, edited?: string): Promise<FileStructure> {
  const { definitions, comments } = await read(language, text, { edited, structureAlone: true })
  // Kept for thousands of files: without the room that lists which grew have left.
  return { definitions: definitions.slice(), comments: comments.slice() }
}

async function read (language: string | undefined, text: string, options: ParseOptions): Promise<FileSymbols> {
  const lines = new LineIndex(text)
  if (language !== undefined && text.length <= PARSED_LENGTH) {
    const { grammars, ranges } = dialectsOf(language, text, lines)
    const symbols = await parse(grammars, text, ranges, (parsed) => {
      const symbols = extract(parsed, text, lines, ranges)
      if (parsed.part !== undefined) {
        const merged = text.trim() === '' ? undefined : mergePart(symbols, parsed.part, lines.count)
        return merged === undefined ? undefined : { ...symbols, ...merged }
      }
      if (!parsed.tree.rootNode.isError) return symbols
      // One bracket too few can take the sense from all of a file, but not from its lines.
      const { definitions } = readText(language, text, lines)
      return definitions.length > symbols.definitions.length ? { ...symbols, definitions } : symbols
    }, options)
    if (symbols !== undefined) return symbols
  }
  return readText(language, text, lines)
}
