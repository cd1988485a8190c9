import type { Node, Range } from 'web-tree-sitter'
import { rangesOf, strippableLines, wholeLines } from './comments.js'
import { textOf, type Found, type Grammar } from './grammar.js'
import type { LineIndex } from './lines.js'
import type { Parsed } from './parser.js'
import type { Definition, FileSymbols, Kind } from './symbols.js'

const MOST_REFERENCES = 2000
const MOST_IMPORTS = 2000
// More than anybody wrote: a table of data.
const MOST_DEFINITIONS = 10_000
const NAME_LENGTH = 200
const CAPITAL = /^\p{Lu}/u
// In the template of a component.
const COMPONENT = /<([A-Z][\w.]{0,100})/g
const QUOTES = /^["'`<]|["'`>]$/g

interface Candidate { found: Found, node: Node, from: number, to: number }

/** Reads the captures of a tree, or of the trees of `ranges`, if only these parts of the text were parsed. */
export function extract ({ grammar, tree, captures, part }: Parsed, text: string, lines: LineIndex, ranges: readonly Range[]): FileSymbols {
  const candidates: Candidate[] = []
  const comments: Node[] = []
  // What can stand above a definition and belong to it.
  const leading: Node[] = []
  let stringEnd = 0
  const broken: Node[] = []
  const references = new Set<string>()
  const imports = new Set<string>()
  for (const { name, node } of captures) {
    if (name === 'r') {
      references.add(textOf(node, text))
    } else if (name === 'o') {
      const reference = textOf(node, text)
      if (CAPITAL.test(reference)) references.add(reference)
    } else if (name === 'c') {
      if (node.startIndex < stringEnd) continue
      comments.push(node)
      leading.push(node)
    } else if (name === 's') {
      stringEnd = node.endIndex
    } else if (name === 'd') {
      if (candidates.length >= MOST_DEFINITIONS) continue
      const found = (grammar.rules[node.type] ?? grammar.placed?.[node.type])?.(node, text)
      for (const each of found === undefined ? [] : [found].flat()) {
        const whole = each.node ?? node
        candidates.push({ found: each, node: whole, from: whole.startIndex, to: (each.last ?? whole).endIndex })
      }
    } else if (name === 'i') {
      if (imports.size >= MOST_IMPORTS) continue
      for (const path of grammar.imports?.(node, text) ?? [textOf(node, text).replace(QUOTES, '')]) if (path !== '') imports.add(path)
    } else if (name === 'a') {
      leading.push(node)
    } else if (name === 'e') {
      broken.push(node)
    }
  }
  const definitions = define(candidates, grammar, wholeLines(leading, lines), text, lines)
  if (ranges.length > 0) for (const [, component] of text.matchAll(COMPONENT)) references.add(component!)
  for (const { name } of definitions) references.delete(name)
  const strippable = strippableLines(tree, comments, broken, text, lines, part?.firstLine, part?.lastLine)
  if (ranges.length > 0) keepOutside(ranges, strippable, lines)
  return {
    definitions,
    references: [...references].slice(0, MOST_REFERENCES),
    imports: [...imports].slice(0, MOST_IMPORTS),
    comments: rangesOf(strippable),
    by: 'tree-sitter'
  }
}

/** In a template white space may be shown. */
function keepOutside (ranges: readonly Range[], strippable: Uint8Array, lines: LineIndex): void {
  let next = 0
  for (const { startIndex, endIndex } of ranges) {
    strippable.fill(0, next, lines.lineOf(startIndex) + 1)
    next = lines.lineOf(endIndex)
  }
  strippable.fill(0, next)
}

function define (candidates: Candidate[], grammar: Grammar, leading: Uint8Array, text: string, lines: LineIndex): Definition[] {
  candidates.sort((a, b) => a.from - b.from || b.to - a.to)
  const definitions: Definition[] = []
  // The definitions around the one at hand, outermost first.
  const around: { index: number, from: number, to: number }[] = []
  for (const { found, node, from, to } of candidates) {
    while (around.length > 0 && around.at(-1)!.to < to) around.pop()
    if (around.at(-1)?.from === from && around.at(-1)?.to === to) continue
    const parent = around.at(-1)?.index ?? -1
    const outer = definitions[parent]
    const whole = outermost(node, grammar)
    const first = lines.lineOf(whole.startIndex)
    const line = declarationLine(whole, grammar, lines)
    // Inside a decorator, say: nothing of what is declared.
    if (outer !== undefined && line < outer.line) continue
    const kind = kindWithin(found.kind, outer?.kind)
    if (kind === undefined) continue
    const end = Math.min(lines.lineBefore(Math.max(whole.endIndex, to), whole.startIndex), outer?.end ?? Infinity)
    const lowest = outer?.line ?? 0
    let start = first
    if (lines.firstWord(first) >= whole.startIndex) while (start > lowest && leading[start - 1] === 1) start--
    let head = found.body == null ? end : lines.lineBefore(found.body.startIndex, whole.startIndex)
    // A comment may stand between head and body.
    while (head > line && leading[head] === 1) head--
    const name = (typeof found.name === 'string' ? found.name : textOf(found.name, text)).slice(0, NAME_LENGTH)
    if (name === '') continue
    around.push({ index: definitions.length, from, to })
    definitions.push({ name, kind, start: Math.max(start, outer?.start ?? 0), line, head: Math.min(Math.max(head, line), end), end, parent })
  }
  return definitions
}

/** What is a function on its own is a method in a class, and a variable of a function is not told of. */
function kindWithin (kind: Kind, outer: Kind | undefined): Kind | undefined {
  const inFunction = outer === 'function' || outer === 'method' || outer === 'macro'
  if (kind === 'constant' && inFunction) return undefined
  const inType = outer === 'class' || outer === 'interface' || outer === 'section' || outer === 'enum' || outer === 'type'
  if (kind === 'function' && inType) return 'method'
  return kind === 'constant' && inType && outer !== 'enum' ? 'field' : kind
}

const MOST_DECORATIONS = 100

// A wrapper with more in it holds a list of definitions, and walking through its children for each would take quadratic time.
const WRAPPED = 12

function outermost (node: Node, { wrappers }: Grammar): Node {
  if (wrappers === undefined) return node
  let whole = node
  for (;;) {
    const parent = whole.parent
    if (parent === null || !wrappers.has(parent.type)) return whole
    if (parent.namedChildCount > 1) {
      if (parent.namedChildCount > WRAPPED || parent.namedChildren.filter(({ type }) => type === whole.type).length > 1) return whole
    }
    whole = parent
  }
}

function declarationLine (node: Node, { decorations }: Grammar, lines: LineIndex): number {
  if (decorations === undefined) return lines.lineOf(node.startIndex)
  const standsBefore = ({ type }: Node) => decorations.has(type) || type.endsWith('comment')
  let child = node.firstChild
  for (let count = 0; child !== null && count < MOST_DECORATIONS; count++) {
    // Annotations and words such as `public` are children of one node.
    const own = child.type === 'modifiers' ? child.children.find((each) => !standsBefore(each)) : standsBefore(child) ? undefined : child
    if (own !== undefined) return lines.lineOf(own.startIndex)
    child = child.nextSibling
  }
  return lines.lineOf(node.startIndex)
}
