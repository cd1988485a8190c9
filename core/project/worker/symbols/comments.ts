import type { Node, Tree } from 'web-tree-sitter'
import type { LineIndex } from './lines.js'

/** White space within a node of such a type belongs to what the program says. */
const SIGNIFICANT = /string|str_|heredoc|nowdoc|template_literal|text|raw|regex|char|ERROR|^data$/
/** What strings begin with, in any of the languages. */
const QUOTE = /["'`]|<<|\$\{/
const LONGEST_ERROR = 2000

/** The lines that hold nothing but these nodes, which are in order. */
export function wholeLines (nodes: ReadonlyArray<{ startIndex: number, endIndex: number }>, lines: LineIndex): Uint8Array {
  const marks = new Uint8Array(lines.count)
  let pending: { line: number, from: number, blank: boolean } | undefined
  // Of a line with one in it, all that is outside of them must be white space.
  const settle = () => {
    if (pending !== undefined && pending.blank && lines.isBlank(pending.from, lines.endOf(pending.line))) marks[pending.line] = 1
    pending = undefined
  }
  for (const { startIndex, endIndex } of nodes) {
    const first = lines.lineOf(startIndex)
    const last = lines.lineBefore(endIndex, startIndex)
    if (pending?.line !== first) {
      settle()
      pending = { line: first, from: lines.startOf(first), blank: true }
    }
    pending.blank &&= lines.isBlank(pending.from, startIndex)
    if (last > first) {
      if (pending.blank) marks[first] = 1
      marks.fill(1, first + 1, last)
      pending = { line: last, from: lines.startOf(last), blank: true }
    }
    pending.from = Math.max(pending.from, Math.min(endIndex, lines.endOf(last)))
  }
  settle()
  return marks
}

/** The lines that are wholly comment or blank and can be left out; of the others than the given ones not all. */
export function strippableLines (tree: Tree, comments: readonly Node[], broken: readonly Node[], text: string, lines: LineIndex, firstLine = 0, lastLine = lines.count - 1): Uint8Array {
  const marks = wholeLines(comments, lines)
  markBlanks(marks, tree, text, lines, firstLine, lastLine)
  // It says what runs the file.
  if (text.startsWith('#!')) marks[0] = 0
  if (tree.rootNode.isError) marks.fill(0)
  for (const node of broken) {
    const { startIndex, endIndex } = node.isMissing ? node.parent ?? node : node
    // Behind a quote that the parser could not make sense of, what it takes for comments may be a string.
    const isInString = endIndex - startIndex > LONGEST_ERROR || QUOTE.test(text.slice(startIndex, endIndex))
    marks.fill(0, lines.lineOf(startIndex), isInString ? lines.count : lines.lineOf(endIndex) + 1)
  }
  return marks
}

function markBlanks (marks: Uint8Array, tree: Tree, text: string, lines: LineIndex, firstLine: number, lastLine: number): void {
  if (text.trim() === '') {
    marks.fill(1)
    return
  }
  for (let line = firstLine; line <= lastLine; line++) {
    const isBlank = (at: number) => at < lines.count && lines.isBlank(lines.startOf(at), lines.endOf(at))
    if (marks[line] === 1 || !isBlank(line)) continue
    let last = line
    while (isBlank(last + 1)) last++
    // White space between tokens belongs to no leaf of the tree.
    const around = tree.rootNode.descendantForIndex(lines.startOf(line), Math.max(lines.startOf(line), lines.endOf(last)))
    if (around !== null && around.childCount > 0 && !SIGNIFICANT.test(around.type)) marks.fill(1, line, last + 1)
    line = last
  }
}

/** The marked lines as inclusive ranges. */
export function rangesOf (marks: Uint8Array): [number, number][] {
  const found: [number, number][] = []
  for (let line = 0; line < marks.length; line++) {
    if (marks[line] !== 1) continue
    const first = line
    while (line + 1 < marks.length && marks[line + 1] === 1) line++
    found.push([first, line])
  }
  return found
}
