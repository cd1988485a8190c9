import type { FileStructure } from './symbols.js'

const LONGEST_LINE = 200

// Thousands of gaps are shown. Within JSON, where contexts are counted, this takes 2 tokens of o200k_base; `…` takes 3, `⋯` 4, and
// `⋯ (12 lines)` 7. Indented, each takes 2 more.
const GAP = '...'

const OPENS = /(?:[{([:,=]|[-=]>|\b(?:do|then|begin|is|as))\s*$|^\s*(?:(?:private|protected|public)\s+)?(?:def|class|module)\b/i
// Blank, a closing line, or nothing but a comment, a decorator, an attribute or an annotation.
const SAYS_LITTLE = /^\s*(?:[})\]>;,\s]*|end;?|@[\w.]+(?:\(.*\))?|#?\[[A-Za-z][\w.]*(?:\(.*\))?\]|\/\/.*|\/\*.*|\*(?:[\s/].*)?|#(?:[\s#!].*)?|--.*)$/
const BODY = /^\s*[{(]\s*$/

const HALF_CHARACTER = /[\ud800-\udbff]$/

const indentOf = (line: string) => line.length - line.trimStart().length

/**
 * Renders lines of a text; `keep` marks 0-based lines. Lines that are left out show as one line `...` at the margin, however many they
 * are. No such line stands where one sees anyhow that something is missing, or nothing is:
 * - after a line that opens a block (`function a () {`, `def a():`, or one before a `{` of its own), if the next line shown is not
 *   indented any deeper: the block is left out;
 * - where only comments, decorators, blank lines and closing brackets are left out.
 * Of lines of more than 200 characters the beginning is shown, and `…`.
 */
export function renderLines (lines: readonly string[], keep: Uint8Array): string {
  const rendered: string[] = []
  let last = -1
  for (let index = 0; index <= lines.length; index++) {
    if (index < lines.length && keep[index] !== 1) continue
    if (isGapShown(lines, last, index)) rendered.push(GAP)
    if (index === lines.length) break
    const line = lines[index]!
    rendered.push(line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE).replace(HALF_CHARACTER, '')}…` : line)
    last = index
  }
  return rendered.join('\n')
}

/** Whether the lines between two that are shown are to be mentioned. */
function isGapShown (lines: readonly string[], last: number, next: number): boolean {
  let first = last + 1
  while (first < next && SAYS_LITTLE.test(lines[first]!)) first++
  if (first === next) return false
  if (last < 0) return true
  const opens = OPENS.test(lines[last]!) || BODY.test(lines[first]!)
  return !opens || (next < lines.length && indentOf(lines[next]!) > indentOf(lines[last]!))
}

const HAS_FIELDS_SHOWN = new Set(['interface', 'type', 'enum', 'module'])

/**
 * Marks the heads of definitions, without comments, decorators and closing lines. Of fields and constants only the first line, and only
 * at the top level, in modules, and in types, interfaces and enums: the compactest text that shows every definition.
 */
export function outlineLines ({ definitions }: FileStructure, lines: readonly string[]): Uint8Array {
  const keep = new Uint8Array(lines.length)
  for (const { kind, line, head, parent } of definitions) {
    if (kind !== 'field' && kind !== 'constant') keep.fill(1, line, head + 1)
    else if (parent < 0 || HAS_FIELDS_SHOWN.has(definitions[parent]!.kind)) keep[line] = 1
  }
  return keep
}
