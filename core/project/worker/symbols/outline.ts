import type { FileSymbols } from './symbols.js'

const LONGEST_LINE = 200
const GAP = '...'
const WITH_MEMBERS_SHOWN = new Set(['interface', 'type', 'enum'])

/** Renders lines of a text; `keep` marks 0-based lines; gaps become one line at the indentation of what follows. */
export function renderLines (lines: readonly string[], keep: Uint8Array): string {
  const rendered: string[] = []
  let skipped = 0
  for (const [index, line] of lines.entries()) {
    if (keep[index] !== 1) {
      skipped++
      continue
    }
    if (skipped > 0) rendered.push(`${/^\s*/.exec(line)![0]}${GAP}`)
    skipped = 0
    rendered.push(line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line)
  }
  if (skipped > 0) rendered.push(GAP)
  return rendered.join('\n')
}

/** Marks the head lines of definitions. */
export function outlineLines ({ definitions }: FileSymbols, lines: readonly string[]): Uint8Array {
  const keep = new Uint8Array(lines.length)
  for (const { kind, line, head, parent } of definitions) {
    if (kind === 'field' || kind === 'constant') {
      if (parent < 0 || WITH_MEMBERS_SHOWN.has(definitions[parent]!.kind)) keep[line] = 1
    } else {
      keep.fill(1, line, head + 1)
    }
  }
  return keep
}

/** The file without the comment and blank ranges. */
export function stripComments ({ comments }: FileSymbols, lines: readonly string[]): string {
  const kept: string[] = []
  let next = 0
  for (const [first, last] of comments) {
    for (; next < first; next++) kept.push(lines[next]!)
    next = last + 1
  }
  for (; next < lines.length; next++) kept.push(lines[next]!)
  return kept.join('\n')
}
