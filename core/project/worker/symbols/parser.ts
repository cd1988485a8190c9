import type { Parser, Query, QueryCapture, Range, Tree } from 'web-tree-sitter'
import type { ChangedPart } from './changed-part.js'
import { EditedTrees } from './edited-trees.js'
import { Engine, release, type Loaded } from './engine.js'
import type { Grammar } from './grammar.js'
import type { FileSymbols } from './symbols.js'

/** A text with its tree, and what the language's query captures in it, in order of position. */
export interface Parsed {
  grammar: Grammar
  tree: Tree
  captures: QueryCapture[]
  /** What the captures are of; `undefined` for all of the text. */
  part: ChangedPart<FileSymbols> | undefined
}

export interface ParseOptions {
  /** Names a file whose next text will be much like this one. */
  edited?: string | undefined
  /** Leaves out what the text uses and imports. */
  structureAlone?: boolean
}

// Hardly ever met: a megabyte takes about 200 ms.
const PARSE_MS = 500
const QUERY_MS = 500
// As much as the parser takes at a time.
const READ_LENGTH = 5 * 1024

let current: Engine | undefined
const editedTrees = new EditedTrees<FileSymbols>()

/**
 * Gives `use` the tree of a text while it exists, or returns `undefined` if there is no grammar for it, or it takes too long or too much.
 * Of a text that was edited the captures are those of the part that has changed; where that does not do for `use`, it returns `undefined`
 * and is given all of them.
 * Of more than one grammar the first that understands all of the text counts, or else the first. `ranges` are the parts of the text to
 * read.
 */
export async function parse (names: readonly string[], text: string, ranges: Range[], use: (parsed: Parsed) => FileSymbols | undefined, options: ParseOptions = {}): Promise<FileSymbols | undefined> {
  const { edited, structureAlone = false } = options
  let engine: Engine | undefined
  const trees: { loaded: Loaded, tree: Tree, name: string, part: Parsed['part'] }[] = []
  try {
    current ??= new Engine()
    engine = current
    for (const name of names) {
      const loaded = await engine.grammar(name)
      // Another text has made it unusable meanwhile.
      if (engine !== current) return await parse(names, text, ranges, use, options)
      if (loaded === undefined) break
      const { parser } = loaded
      const again = edited === undefined || ranges.length > 0 ? undefined : editedTrees.parse(edited, engine, { name, grammar: loaded.grammar }, text, (before) => parseWith(parser, text, ranges, before))
      const tree = again?.tree ?? parseWith(parser, text, ranges)
      if (tree === undefined) break
      trees.push({ loaded, tree, name, part: structureAlone ? again?.part : undefined })
      if (!tree.rootNode.hasError) break
    }
    const best = trees.find(({ tree }) => !tree.rootNode.hasError) ?? trees[0]
    if (best === undefined) return undefined
    const { loaded, tree } = best
    const read = (part: Parsed['part']): FileSymbols | undefined => {
      const captures = capture(structureAlone ? loaded.structure : loaded.everything(), tree, part)
      return captures === undefined ? undefined : use({ grammar: loaded.grammar, tree, captures, part })
    }
    const used = (best.part === undefined ? undefined : read(best.part)) ?? read(undefined)
    if (used === undefined) return undefined
    const isHeld = edited !== undefined && ranges.length === 0 && !tree.rootNode.hasError && editedTrees.hold(edited, engine, best.name, text, tree, used)
    if (isHeld) trees.splice(trees.indexOf(best), 1)
    return used
  } catch {
    // Deeply nested code overflows the parser's stack, and what it does from then on is not to be trusted.
    if (current === engine) current = undefined
    await engine?.discard()
    return undefined
  } finally {
    for (const { tree } of trees) release(tree)
  }
}

function parseWith (parser: Parser, text: string, ranges: Range[], before: Tree | null = null): Tree | undefined {
  const isLate = until(PARSE_MS)
  // Scanners that look far ahead run long without a look at the clock, but not without reading. A text that ends stops them.
  let isParsing = true
  const read = (from: number) => (isParsing && isLate() ? '' : text.slice(from, from + READ_LENGTH))
  const tree = parser.parse(read, before, { progressCallback: isLate, ...(ranges.length > 0 ? { includedRanges: ranges } : {}) })
  isParsing = false
  if (tree !== null && !isLate()) return tree
  tree?.delete()
  // Or else the next text would be taken for more of this one.
  parser.reset()
  return undefined
}

// Broken code stands in its tree as one flat list, through which a query takes quadratic time, hardly ever looking at the clock.
const WIDEST = 20_000

function isTooWide ({ rootNode }: Tree): boolean {
  if (!rootNode.hasError) return false
  if (rootNode.childCount > WIDEST) return true
  for (let child = rootNode.firstChild; child !== null; child = child.nextSibling) if (child.isError && child.childCount > WIDEST) return true
  return false
}

function capture (query: Query, tree: Tree, part: Parsed['part']): QueryCapture[] | undefined {
  if (isTooWide(tree)) return undefined
  const isLate = until(QUERY_MS)
  let stopped = false
  const captures = query.captures(tree.rootNode, {
    ...(part === undefined ? {} : { startPosition: { row: part.firstLine, column: 0 }, endPosition: { row: part.lastLine + 1, column: 0 } }),
    progressCallback: () => {
      stopped = isLate()
      return stopped
    }
  })
  if (stopped) return undefined
  // What only touches it, or is around it, is not of it.
  return part === undefined ? captures : captures.filter(({ node }) => node.startIndex >= part.startIndex && node.endIndex <= part.endIndex + 1)
}

/** Late is what had its time and spent it: on a busy machine the clock alone would give up texts that were hardly begun. */
function until (milliseconds: number): () => boolean {
  const end = performance.now() + milliseconds
  const begun = process.cpuUsage()
  return () => {
    if (performance.now() <= end) return false
    const { user, system } = process.cpuUsage(begun)
    return (user + system) / 1000 > milliseconds
  }
}
