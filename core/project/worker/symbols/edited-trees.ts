import type { Edit, Point, Tree } from 'web-tree-sitter'
import { release, type Engine } from './engine.js'

interface Held {
  engine: Engine
  grammar: string
  text: string
  tree: Tree
}

// Who edits one file edits few others meanwhile, and a tree takes some thirty times the memory of its text.
const MOST_TREES = 4
const LONGEST_TEXT = 200_000

/**
 * The last trees of files that are being edited. From such a tree the parser makes that of the next text in a tenth of the time that it
 * takes without. Trees with errors are not held: how the parser recovers from one depends on what it knew before.
 */
export class EditedTrees {
  readonly #held = new Map<string, Held>()

  /** The tree of a file's new text, by `parse` from that of the last one; `undefined` where there is none, or the new text is not understood. */
  parse (file: string, engine: Engine, grammar: string, text: string, parse: (before: Tree) => Tree | undefined): Tree | undefined {
    const held = this.#held.get(file)
    if (held === undefined) return undefined
    this.#held.delete(file)
    try {
      if (held.engine !== engine || held.grammar !== grammar) return undefined
      held.tree.edit(editBetween(held.text, text))
      const tree = parse(held.tree)
      if (tree === undefined || !tree.rootNode.hasError) return tree
      release(tree)
      return undefined
    } finally {
      release(held.tree)
    }
  }

  /** Takes a tree over, which must have no error; answers whether it did. */
  hold (file: string, engine: Engine, grammar: string, text: string, tree: Tree): boolean {
    if (text.length > LONGEST_TEXT) return false
    this.#drop(file)
    if (this.#held.size >= MOST_TREES) this.#drop(this.#held.keys().next().value!)
    this.#held.set(file, { engine, grammar, text, tree })
    return true
  }

  #drop (file: string): void {
    const held = this.#held.get(file)
    this.#held.delete(file)
    if (held !== undefined) release(held.tree)
  }
}

/** What lies between the longest beginning and the longest end that two texts share. */
function editBetween (before: string, after: string): Edit {
  const shorter = Math.min(before.length, after.length)
  let start = 0
  while (start < shorter && before.charCodeAt(start) === after.charCodeAt(start)) start++
  let end = 0
  while (end < shorter - start && before.charCodeAt(before.length - 1 - end) === after.charCodeAt(after.length - 1 - end)) end++
  const [oldEndIndex, newEndIndex] = [before.length - end, after.length - end]
  return {
    startIndex: start,
    oldEndIndex,
    newEndIndex,
    startPosition: pointAt(before, start),
    oldEndPosition: pointAt(before, oldEndIndex),
    newEndPosition: pointAt(after, newEndIndex)
  } as Edit
}

function pointAt (text: string, offset: number): Point {
  let row = 0
  let lineStart = 0
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    row++
    lineStart = at + 1
  }
  return { row, column: offset - lineStart }
}
