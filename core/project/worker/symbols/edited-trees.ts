import type { Edit, Point, Tree } from 'web-tree-sitter'
import { changedPart, type ChangedPart } from './changed-part.js'
import { release, type Engine } from './engine.js'
import type { Grammar } from './grammar.js'
import { LineIndex } from './lines.js'

interface Held<Found> {
  engine: Engine
  grammar: string
  text: string
  tree: Tree
  found: Found
}

/** The tree of an edited text, and the part of it that has changed where that is known. */
export interface Edited<Found> {
  tree: Tree
  part: ChangedPart<Found> | undefined
}

// Who edits one file edits few others meanwhile, and a tree takes some thirty times the memory of its text.
const MOST_TREES = 4
const LONGEST_TEXT = 200_000

/**
 * The last trees of files that are being edited. From such a tree the parser makes that of the next text in a tenth of the time that it
 * takes without, and outside of what has changed it holds what the last one did. Trees with errors are not held: how the parser recovers from one depends on what it knew before.
 */
export class EditedTrees<Found> {
  readonly #held = new Map<string, Held<Found>>()

  /** The tree of a file's new text, by `parse` from that of the last one; `undefined` where there is none, or the new text is not understood. */
  parse (file: string, engine: Engine, { name, grammar }: { name: string, grammar: Grammar }, text: string, parse: (before: Tree) => Tree | undefined): Edited<Found> | undefined {
    const held = this.#held.get(file)
    if (held === undefined) return undefined
    this.#held.delete(file)
    try {
      if (held.engine !== engine || held.grammar !== name) return undefined
      const edit = editBetween(held.text, text)
      held.tree.edit(edit)
      const tree = parse(held.tree)
      if (tree === undefined) return undefined
      if (tree.rootNode.hasError) {
        release(tree)
        return undefined
      }
      const part = changedPart(tree.rootNode, grammar, edit, held.tree.getChangedRanges(tree), new LineIndex(text), linesOf(held.text))
      return { tree, part: part === undefined ? undefined : { ...part, before: held.found } }
    } finally {
      release(held.tree)
    }
  }

  /** Takes a tree over, which must have no error, and what was found in it; answers whether it did. */
  hold (file: string, engine: Engine, grammar: string, text: string, tree: Tree, found: Found): boolean {
    if (text.length > LONGEST_TEXT) return false
    this.#drop(file)
    if (this.#held.size >= MOST_TREES) this.#drop(this.#held.keys().next().value!)
    this.#held.set(file, { engine, grammar, text, tree, found })
    return true
  }

  #drop (file: string): void {
    const held = this.#held.get(file)
    this.#held.delete(file)
    if (held !== undefined) release(held.tree)
  }
}

function linesOf (text: string): number {
  let count = 1
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++
  return count
}

/** What lies between the longest beginning and the longest end that two texts share. */
function editBetween (before: string, after: string): Edit {
  const shorter = Math.min(before.length, after.length)
  let start = 0
  while (start < shorter && before.charCodeAt(start) === after.charCodeAt(start)) start++
  let end = 0
  while (end < shorter - start && before.charCodeAt(before.length - 1 - end) === after.charCodeAt(after.length - 1 - end)) end++
  const [oldEndIndex, newEndIndex] = [before.length - end, after.length - end]
  const startPosition = pointAt(before, start, 0, { row: 0, column: 0 })
  return {
    startIndex: start,
    oldEndIndex,
    newEndIndex,
    startPosition,
    oldEndPosition: pointAt(before, oldEndIndex, start, startPosition),
    newEndPosition: pointAt(after, newEndIndex, start, startPosition)
  } as Edit
}

/** Where an offset stands, counted from another that is not behind it. */
function pointAt (text: string, offset: number, from: number, { row, column }: Point): Point {
  let lineStart = from - column
  for (let at = text.indexOf('\n', from); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    row++
    lineStart = at + 1
  }
  return { row, column: offset - lineStart }
}
