import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Parser, Query, QueryCapture, Range, Tree } from 'web-tree-sitter'
import type { Grammar } from './grammar.js'

/** A text with its tree, and what the language's query captures in it, in order of position. */
export interface Parsed {
  grammar: Grammar
  tree: Tree
  captures: QueryCapture[]
}

interface Loaded { grammar: Grammar, parser: Parser, query: Query }

// Hardly ever met: a megabyte takes about 200 ms.
const PARSE_MS = 500
const QUERY_MS = 500
// As much as the parser takes at a time.
const READ_LENGTH = 5 * 1024

const GRAMMARS: Record<string, () => Promise<Grammar>> = {
  javascript: async () => (await import('./grammars/javascript.js')).javascript,
  typescript: async () => (await import('./grammars/javascript.js')).typescript,
  tsx: async () => (await import('./grammars/javascript.js')).tsx,
  python: async () => (await import('./grammars/python.js')).python,
  go: async () => (await import('./grammars/go.js')).go,
  rust: async () => (await import('./grammars/rust.js')).rust,
  java: async () => (await import('./grammars/java.js')).java,
  c: async () => (await import('./grammars/c.js')).c,
  cpp: async () => (await import('./grammars/c.js')).cpp,
  csharp: async () => (await import('./grammars/csharp.js')).csharp,
  ruby: async () => (await import('./grammars/ruby.js')).ruby,
  php: async () => (await import('./grammars/php.js')).php,
  swift: async () => (await import('./grammars/swift.js')).swift,
  dart: async () => (await import('./grammars/dart.js')).dart,
  kotlin: async () => (await import('./grammars/kotlin.js')).kotlin,
  shell: async () => (await import('./grammars/shell.js')).shell
}

const loaded = new Map<string, Promise<Loaded | undefined>>()
let library: Promise<typeof import('web-tree-sitter')> | undefined

/**
 * Gives `use` the tree of a text while it exists, or returns `undefined` if there is no grammar for it or it takes too long. Of more than
 * one grammar the first that understands all of the text counts, or else the first. `ranges` are the parts of the text to read.
 */
export async function parse<T> (names: readonly string[], text: string, ranges: Range[], use: (parsed: Parsed) => T): Promise<T | undefined> {
  let best: { name: string, loaded: Loaded, tree: Tree } | undefined
  try {
    for (const name of names) {
      const loaded = await loadOnce(name)
      const tree = loaded === undefined ? undefined : orRetire(name, () => parseWith(loaded.parser, text, ranges))
      if (loaded === undefined || tree === undefined) break
      if (best === undefined || !tree.rootNode.hasError) {
        best?.tree.delete()
        best = { name, loaded, tree }
      } else {
        tree.delete()
      }
      if (!best.tree.rootNode.hasError) break
    }
    if (best === undefined) return undefined
    const { name, loaded: { grammar, query }, tree } = best
    const captures = orRetire(name, () => capture(query, tree))
    return captures === undefined ? undefined : use({ grammar, tree, captures })
  } finally {
    best?.tree.delete()
  }
}

function parseWith (parser: Parser, text: string, ranges: Range[]): Tree | undefined {
  const isLate = until(PARSE_MS)
  // Scanners that look far ahead run long without a look at the clock, but not without reading. A text that ends stops them.
  const read = (from: number) => (isLate() ? '' : text.slice(from, from + READ_LENGTH))
  const tree = parser.parse(read, null, { progressCallback: isLate, ...(ranges.length > 0 ? { includedRanges: ranges } : {}) })
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

function capture (query: Query, tree: Tree): QueryCapture[] | undefined {
  if (isTooWide(tree)) return undefined
  const isLate = until(QUERY_MS)
  let stopped = false
  const captures = query.captures(tree.rootNode, {
    progressCallback: () => {
      stopped = isLate()
      return stopped
    }
  })
  return stopped ? undefined : captures
}

function until (milliseconds: number): () => boolean {
  const end = performance.now() + milliseconds
  return () => performance.now() > end
}

/** A parser runs in a memory of its own. After a trap in there its state is not known, so the grammar is given up. */
function orRetire<T> (name: string, run: () => T): T | undefined {
  try {
    return run()
  } catch {
    loaded.set(name, Promise.resolve(undefined))
    return undefined
  }
}

async function loadOnce (name: string): Promise<Loaded | undefined> {
  let loading = loaded.get(name)
  if (loading === undefined) {
    loading = load(name).catch(() => undefined)
    loaded.set(name, loading)
  }
  return await loading
}

async function load (name: string): Promise<Loaded | undefined> {
  if (!Object.hasOwn(GRAMMARS, name)) return undefined
  const grammar = await GRAMMARS[name]!()
  library ??= import('web-tree-sitter').then(async (library) => {
    await library.Parser.init()
    return library
  })
  const { Language, Parser, Query } = await library
  const language = await Language.load(readFileSync(createRequire(import.meta.url).resolve(grammar.file)))
  const parser = new Parser()
  parser.setLanguage(language)
  const definitions = Object.keys(grammar.rules).map((type) => `(${type})`).join(' ')
  return { grammar, parser, query: new Query(language, `[${definitions}] @d (ERROR) @e ${grammar.query}`) }
}
