import { rangesOf } from '../comments.js'
import type { LineIndex } from '../lines.js'
import type { Definition, FileSymbols } from '../symbols.js'
import { commentLines } from './comments.js'
import { importsOf, referencesOf } from './identifiers.js'
import { markdownSections } from './markdown.js'
import { matchDeclaration } from './patterns.js'
import { sqlDefinitions } from './sql.js'

const MOST_DEFINITIONS = 10_000
const MOST_HEAD_LINES = 12
const READ_LENGTH = 300

// Directly above a declaration these belong to it.
const LEADING = /^\s*(?:\/\/|\/\*|\*|#(?!\s*(?:include|define|if|el|end|import|pragma))|--|%|@(?!interface|implementation|property|protocol|class|end)\w|\[\w[\w.]*(?:\(.*\))?\]\s*$)/
const CLOSING = /^\s*(?:[})\]]|end\b|fi\b|done\b|esac\b)/

/**
 * What can be told of a file without a parser: declarations are lines that look like one, and end where indentation comes back. Languages
 * without a grammar are read so, as is what describes interfaces, builds or infrastructure, and any file that is too large for the parser of
 * its language. Of Markdown the headings are told. No comments are told
 * of languages whose strings need a parser to be told from them.
 */
export function readText (language: string | undefined, text: string, lines: LineIndex): FileSymbols {
  const comments = rangesOf(commentLines(language, text, lines))
  if (language === 'markdown') return { definitions: markdownSections(text, lines), references: [], imports: [], comments, by: 'text' }
  const definitions = language === 'sql' ? sqlDefinitions(text, lines) : declarations(language, text, lines)
  const references = referencesOf(language, text)
  for (const { name } of definitions) references.delete(name)
  return { definitions, references: [...references], imports: importsOf(language, text, lines), comments, by: 'text' }
}

function declarations (language: string | undefined, text: string, lines: LineIndex): Definition[] {
  const definitions: Definition[] = []
  // Those whose end is not reached, outermost first.
  const open: { index: number, indent: number }[] = []
  let lastLine = -1
  for (let line = 0; line < lines.count; line++) {
    const start = lines.startOf(line)
    const content = text.slice(start, Math.min(lines.endOf(line), start + READ_LENGTH)).trimEnd()
    if (content === '') continue
    const indent = content.length - content.trimStart().length
    const isClosing = CLOSING.test(content)
    const within = isClosing ? indent : indent - 1
    while (open.length > 0 && open.at(-1)!.indent > within) {
      const { index } = open.pop()!
      definitions[index]!.end = Math.max(lastLine, definitions[index]!.head)
    }
    const found = definitions.length < MOST_DEFINITIONS && !isClosing && line > (definitions.at(-1)?.head ?? -1) ? matchDeclaration(language, content) : undefined
    if (found !== undefined) {
      const parent = open.at(-1)?.index ?? -1
      const lowest = parent < 0 ? 0 : definitions[parent]!.head + 1
      open.push({ index: definitions.length, indent })
      definitions.push({ ...found, start: Math.min(line, leadingLine(line, lowest, text, lines)), line, head: headLine(line, text, lines), end: line, parent })
    }
    lastLine = line
  }
  for (const { index } of open) definitions[index]!.end = Math.max(lastLine, definitions[index]!.head)
  return enclosed(definitions)
}

/** A head over several lines may reach beyond what indentation says of the definition around it. */
function enclosed (definitions: Definition[]): Definition[] {
  for (const definition of definitions) {
    const outer = definitions[definition.parent]
    if (outer === undefined) continue
    definition.end = Math.min(definition.end, outer.end)
    definition.head = Math.min(definition.head, definition.end)
  }
  return definitions
}

function leadingLine (line: number, lowest: number, text: string, lines: LineIndex): number {
  let first = line
  while (first > lowest && LEADING.test(text.slice(lines.startOf(first - 1), Math.min(lines.endOf(first - 1), lines.startOf(first - 1) + READ_LENGTH)))) first--
  return first
}

/** The line on which the parentheses that open on the declaration's line are closed. */
function headLine (line: number, text: string, lines: LineIndex): number {
  let open = 0
  const last = Math.min(line + MOST_HEAD_LINES, lines.count) - 1
  for (let head = line; head <= last; head++) {
    const end = Math.min(lines.endOf(head), lines.startOf(head) + READ_LENGTH)
    for (let at = lines.startOf(head); at < end; at++) {
      const character = text[at]
      if (character === '(') open++
      else if (character === ')') open--
    }
    if (open <= 0) return head
  }
  return line
}
