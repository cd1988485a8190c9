import { wholeLines } from '../comments.js'
import type { LineIndex } from '../lines.js'

interface Lexicon {
  line: string[]
  block?: [open: string, close: string]
  /** Longer ones first. Those of `multiline` may hold line breaks; the others end with their line at the latest. */
  strings: string[]
  multiline?: string[]
}

const C_LIKE: Lexicon = { line: ['//'], block: ['/*', '*/'], strings: ['"', "'"] }

/** Only languages whose strings and comments can be told apart this simply. */
const LEXICONS = new Map<string, Lexicon>(Object.entries({
  sql: { line: ['--'], block: ['/*', '*/'], strings: ['$$', "'", '"', '`'], multiline: ['$$', "'", '"', '`'] },
  lua: { line: ['--'], block: ['--[[', ']]'], strings: ['[[', '"', "'"], multiline: ['[['] },
  scala: { line: ['//'], block: ['/*', '*/'], strings: ['"""', '"'], multiline: ['"""'] },
  haskell: { line: ['--'], block: ['{-', '-}'], strings: ['"'] },
  erlang: { line: ['%'], strings: ['"'], multiline: ['"'] },
  'objective-c': C_LIKE,
  apex: C_LIKE,
  solidity: C_LIKE,
  protobuf: C_LIKE,
  prisma: { line: ['//'], strings: ['"'] },
  css: { line: [], block: ['/*', '*/'], strings: ['"', "'"] },
  graphql: { line: ['#'], strings: ['"""', '"'], multiline: ['"""'] },
  toml: { line: ['#'], strings: ['"""', "'''", '"', "'"], multiline: ['"""', "'''"] }
} satisfies Record<string, Lexicon>))

const CLOSERS: Record<string, string> = { '[[': ']]' }

interface Span { startIndex: number, endIndex: number }

/** The lines that are wholly comment or blank; none in a language that is not known well enough. */
export function commentLines (language: string | undefined, text: string, lines: LineIndex): Uint8Array {
  const lexicon = LEXICONS.get(language ?? '')
  if (lexicon === undefined) return new Uint8Array(lines.count)
  const { comments, strings } = scan(text, lexicon)
  const marks = wholeLines(comments, lines)
  for (let line = 0; line < lines.count; line++) if (lines.isBlank(lines.startOf(line), lines.endOf(line))) marks[line] = 1
  for (const { startIndex, endIndex } of strings) marks.fill(0, lines.lineOf(startIndex), lines.lineOf(endIndex) + 1)
  return marks
}

/** Where comments are, and strings that may hold line breaks. */
function scan (text: string, { line, block, strings, multiline = [] }: Lexicon): { comments: Span[], strings: Span[] } {
  const found: { comments: Span[], strings: Span[] } = { comments: [], strings: [] }
  const marks = [...block ?? [], ...line, ...strings].map((mark) => mark.replace(/[[\]*$]/g, '\\$&'))
  const special = new RegExp(marks.join('|'), 'g')
  const endOf = (close: string, from: number) => {
    const at = text.indexOf(close, from)
    return at < 0 ? text.length : at + close.length
  }
  for (let match = special.exec(text); match !== null; match = special.exec(text)) {
    const [mark] = match
    const startIndex = match.index
    const from = startIndex + mark.length
    if (mark === block?.[0]) {
      special.lastIndex = endOf(block[1], from)
      found.comments.push({ startIndex, endIndex: special.lastIndex })
    } else if (line.includes(mark)) {
      special.lastIndex = endOf('\n', from)
      found.comments.push({ startIndex, endIndex: special.lastIndex })
    } else if (multiline.includes(mark)) {
      special.lastIndex = endOf(CLOSERS[mark] ?? mark, from)
      found.strings.push({ startIndex, endIndex: special.lastIndex })
    } else if (strings.includes(mark)) {
      special.lastIndex = stringEnd(text, from, mark)
    }
  }
  return found
}

/** Such a string ends with its line at the latest. */
function stringEnd (text: string, from: number, quote: string): number {
  for (let at = from; at < text.length; at++) {
    const character = text[at]
    if (character === '\\') at++
    else if (character === quote) return at + 1
    else if (character === '\n') return at
  }
  return text.length
}
