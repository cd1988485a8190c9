import { outlineLines, renderLines } from '../symbols/outline.js'
import type { FileStructure } from '../symbols/symbols.js'
import { countWords, type WordCounts } from '../index/terms.js'
import { countTokens } from '../tokens.js'

/** A run of lines that is shown or left out as one. */
export interface Segment {
  /** 0-based, inclusive. */
  start: number
  end: number
  tokens: number
  bytes: number
  words: WordCounts
  /** Share of its lines that are code and not comment, 0…1. */
  code: number
}

/** How a file can be shown smaller, whatever the task is. */
export interface FileShape {
  lines: string[]
  /** 1 for lines that the smallest version shows. */
  outline: Uint8Array
  outlineTokens: number
  outlineBytes: number
  segments: Segment[]
  tokens: number
  bytes: number
  /** How much of what the file is for the smallest version tells, 0…1: all where it names every definition, else the share of lines it shows. */
  outlineShare: number
  /** What the smallest version is called. */
  outlineIs: 'outline' | 'summary' | 'sampled'
}

// A function of up to so many lines is shown or left out whole; a longer one is taken apart.
const LONGEST_SEGMENT = 60
const SHORTEST_SEGMENT = 6
const SAMPLE_LINES = 12
const MAX_SUMMARY_LINE = 200
const PROSE = new Set(['markdown', 'restructuredtext', 'text', 'asciidoc'])

/** `before` is a shape that the file had: what is as it was is not counted again. */
export function shapeOf (content: string, language: string | undefined, symbols: FileStructure, before?: FileShape): FileShape {
  const lines = content.split('\n')
  const isProse = language !== undefined && PROSE.has(language)
  const hasOutline = symbols.definitions.length > 0 && !isProse
  const tells = hasOutline && symbols.definitions.some(({ kind, start, end }) => kind !== 'field' && (kind !== 'constant' || end > start))
  const outline = hasOutline ? outlineLines(symbols, lines) : isProse ? headings(lines) : firstLines(lines)
  const text = renderLines(lines, outline)
  const comments = new Uint8Array(lines.length)
  for (const [start, end] of symbols.comments) comments.fill(1, start, end + 1)
  const countedBefore = before === undefined ? () => undefined : sameRuns(before, lines)
  return {
    lines,
    outline,
    outlineTokens: countTokens(JSON.stringify(text)),
    outlineBytes: jsonBytes(text),
    segments: cut(lines, hasOutline ? boundaries(symbols, lines.length) : paragraphs(lines, isProse)).map(({ start, end }) => {
      let code = 0
      for (let line = start; line <= end; line++) code += 1 - comments[line]!
      const { tokens, bytes, words } = countedBefore(start, end) ?? countRun(lines.slice(start, end + 1).join('\n'))
      return { start, end, tokens, bytes, words, code: code / (end - start + 1) }
    }),
    tokens: countTokens(JSON.stringify(content)),
    bytes: jsonBytes(content),
    outlineShare: tells ? 1 : outline.reduce((sum, shown) => sum + shown, 0) / lines.length,
    outlineIs: hasOutline ? 'outline' : isProse ? 'summary' : 'sampled'
  }
}

type Counted = Pick<Segment, 'tokens' | 'bytes' | 'words'>

function countRun (text: string): Counted {
  const json = JSON.stringify(text)
  return { tokens: countTokens(json), bytes: Buffer.byteLength(json), words: countWords(text) }
}

/** Finds the segments of an earlier shape that lie in the lines before the first change, or behind the last. */
function sameRuns (before: FileShape, lines: readonly string[]): (start: number, end: number) => Counted | undefined {
  const moved = lines.length - before.lines.length
  const shorter = Math.min(lines.length, before.lines.length)
  let first = 0
  while (first < shorter && lines[first] === before.lines[first]) first++
  let last = lines.length - 1
  while (last > lines.length - 1 - (shorter - first) && lines[last] === before.lines[last - moved]) last--
  const byStart = new Map(before.segments.map((segment) => [segment.start, segment]))
  return (start, end) => {
    const shift = end < first ? 0 : start > last ? moved : undefined
    if (shift === undefined) return undefined
    const same = byStart.get(start - shift)
    return same?.end === end - shift ? same : undefined
  }
}

/** Bytes of a text inside a JSON document. */
export function jsonBytes (text: string): number {
  return Buffer.byteLength(JSON.stringify(text))
}

/** Marks lines before which a segment may begin: where definitions begin, and after where they end. */
function boundaries (symbols: FileStructure, count: number): Uint8Array {
  const marks = new Uint8Array(count + 1)
  for (const { kind, start, end } of symbols.definitions) {
    if (kind === 'field' || kind === 'constant') {
      if (end - start < SHORTEST_SEGMENT) continue
    }
    marks[start] = 1
    marks[end + 1] = 1
  }
  return marks
}

/** Marks the lines after blank ones; in prose, the headings. */
function paragraphs (lines: readonly string[], isProse: boolean): Uint8Array {
  const marks = new Uint8Array(lines.length + 1)
  for (let line = 1; line < lines.length; line++) {
    if (isProse ? /^(#{1,6}\s|[=~-]{3,}\s*$)/.test(lines[line]!) : lines[line - 1]!.trim() === '') marks[line] = 1
  }
  return marks
}

/** Runs between marks, small ones put together and long ones taken apart at blank lines. */
function cut (lines: readonly string[], marks: Uint8Array): { start: number, end: number }[] {
  const runs: { start: number, end: number }[] = []
  let start = 0
  for (let line = 1; line <= lines.length; line++) {
    const size = line - start
    const isEnd = line === lines.length
    if (!isEnd && !(marks[line] === 1 && size >= SHORTEST_SEGMENT) && !(size >= LONGEST_SEGMENT && lines[line - 1]!.trim() === '') && size < 2 * LONGEST_SEGMENT) continue
    const previous = runs.at(-1)
    if (isEnd && size < SHORTEST_SEGMENT && previous !== undefined) previous.end = line - 1
    else runs.push({ start, end: line - 1 })
    start = line
  }
  return runs
}

/** Headings, and the first line below each. */
function headings (lines: readonly string[]): Uint8Array {
  const keep = new Uint8Array(lines.length)
  let awaiting = true
  lines.forEach((line, index) => {
    const isHeading = /^#{1,6}\s/.test(line) || (/^[=~-]{3,}\s*$/.test(line) && index > 0)
    if (isHeading) {
      keep[index] = 1
      if (!line.startsWith('#')) keep[index - 1] = 1
      awaiting = true
    } else if (awaiting && line.trim() !== '' && line.length <= MAX_SUMMARY_LINE) {
      keep[index] = 1
      awaiting = false
    }
  })
  return keep
}

function firstLines (lines: readonly string[]): Uint8Array {
  const keep = new Uint8Array(lines.length)
  keep.fill(1, 0, Math.min(SAMPLE_LINES, lines.length))
  return keep
}
