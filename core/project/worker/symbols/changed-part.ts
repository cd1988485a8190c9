import type { Edit, Node, Range } from 'web-tree-sitter'
import { rangesOf } from './comments.js'
import type { Grammar } from './grammar.js'
import type { LineIndex } from './lines.js'
import type { Definition, FileStructure } from './symbols.js'

/** Whole lines of an edited text outside of which its tree is as it was, with what the text was found to hold before. */
export interface ChangedPart<Found> {
  /** 0-based, inclusive. */
  firstLine: number
  lastLine: number
  startIndex: number
  endIndex: number
  /** By how many lines what is behind it has moved. */
  moved: number
  before: Found
}

/** What stands before a definition and belongs to it. */
const LEADING = /comment|attribute|annotation|decorator|modifier/
/** A file with less outside of what has changed is read whole. */
const LEAST_SHARE = 0.25

/**
 * The children of a tree's root that an edit has changed, with their neighbours, as far as no line belongs to them and to others.
 * `undefined` where that is most of the text, or where what the root is tells something of its children.
 */
export function changedPart (root: Node, { rules, placed, query }: Grammar, edit: Edit, changed: readonly Range[], lines: LineIndex, oldLines: number): Omit<ChangedPart<unknown>, 'before'> | undefined {
  if (root.type in rules || (placed !== undefined && root.type in placed) || query.includes(`(${root.type}`)) return undefined
  const from = Math.min(edit.startIndex, ...changed.map(({ startIndex }) => startIndex))
  const to = Math.max(edit.newEndIndex, ...changed.map(({ endIndex }) => endIndex))
  const children = root.children
  const isLeading = (at: number): boolean => children[at]!.isExtra || LEADING.test(children[at]!.type)
  const firstLineOf = (at: number): number => lines.lineOf(children[at]!.startIndex)
  const lastLineOf = (at: number): number => lines.lineBefore(children[at]!.endIndex, children[at]!.startIndex)
  if (children.length === 0) return undefined
  let first = Math.min(countUntil(children, ({ endIndex }) => endIndex >= from), children.length - 1)
  let last = Math.max(0, countUntil(children, ({ startIndex }) => startIndex > to) - 1)
  if (first > last) [first, last] = [last, first]
  const isJoined = (at: number): boolean => at > 0 && at < children.length && firstLineOf(at) <= lastLineOf(at - 1)
  // What stands above a definition belongs to it, and of some languages a definition is two nodes.
  for (let whole = 0; first > 0 && whole < 2; first--) if (!isLeading(first - 1)) whole++
  while (isJoined(first) || (first > 0 && isLeading(first - 1))) first--
  for (let whole = 0; last < children.length - 1 && whole < 2; last++) if (!isLeading(last + 1)) whole++
  while (isJoined(last + 1)) last++
  const firstLine = first <= 0 ? 0 : lastLineOf(first - 1) + 1
  const lastLine = last >= children.length - 1 ? lines.count - 1 : firstLineOf(last + 1) - 1
  if (lastLine < firstLine || lastLine - firstLine + 1 > (1 - LEAST_SHARE) * lines.count) return undefined
  const part = { firstLine, lastLine, startIndex: lines.startOf(firstLine), endIndex: lines.endOf(lastLine), moved: lines.count - oldLines }
  return part.startIndex <= from && to <= part.endIndex + 1 && part.endIndex > 0 ? part : undefined
}

/** How many stand before the first of which something holds, which holds of all behind it. */
function countUntil (nodes: readonly Node[], holds: (node: Node) => boolean): number {
  let [low, high] = [0, nodes.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(nodes[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}

/** What was found in a part, put between what was found before and behind it earlier; `undefined` where something belongs to both. */
export function mergePart (found: FileStructure, { firstLine, lastLine, moved, before }: ChangedPart<FileStructure>, lineCount: number): FileStructure | undefined {
  const oldLast = lastLine - moved
  if (found.definitions.some(({ start, end }) => start < firstLine || end > lastLine)) return undefined
  const above = before.definitions.findIndex(({ end }) => end >= firstLine)
  const upper = above < 0 ? before.definitions : before.definitions.slice(0, above)
  const behind = before.definitions.findIndex(({ start }) => start > oldLast)
  const lower = behind < 0 ? [] : before.definitions.slice(behind)
  const between = before.definitions.slice(upper.length, before.definitions.length - lower.length)
  if (between.some(({ start, end }) => start < firstLine || end > oldLast) || lower.some(({ start, parent }) => start <= oldLast || (parent >= 0 && parent < behind))) return undefined
  const shifted = (definition: Definition, lines: number, places: number): Definition => ({
    ...definition,
    start: definition.start + lines,
    line: definition.line + lines,
    head: definition.head + lines,
    end: definition.end + lines,
    parent: definition.parent < 0 ? -1 : definition.parent + places
  })
  const marks = new Uint8Array(lineCount)
  for (const [start, end] of before.comments) {
    // One range may reach from outside into the part.
    if (start < firstLine) marks.fill(1, start, Math.min(end + 1, firstLine))
    if (end > oldLast) marks.fill(1, Math.max(start, oldLast + 1) + moved, end + 1 + moved)
  }
  for (const [start, end] of found.comments) marks.fill(1, Math.max(start, firstLine), Math.min(end, lastLine) + 1)
  return {
    definitions: [
      ...upper,
      ...found.definitions.map((definition) => shifted(definition, 0, upper.length)),
      ...lower.map((definition) => shifted(definition, moved, upper.length + found.definitions.length - behind))
    ],
    comments: rangesOf(marks)
  }
}
