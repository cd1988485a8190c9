import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Language, Parser, Query, QueryCapture, Tree } from 'web-tree-sitter'
import type { Grammar } from './grammar.js'

/** A text with its tree, and what the language's query captures in it, in order of position. */
export interface Parsed {
  grammar: Grammar
  tree: Tree
  captures: QueryCapture[]
}

interface Loaded { grammar: Grammar, parser: Parser, query: Query }

// Both bounds are hardly ever met: a megabyte takes about 200 ms.
const PARSE_MS = 500
const QUERY_MS = 500

const GRAMMARS: Record<string, () => Promise<Grammar>> = {
  javascript: async () => (await import('./grammars/javascript.js')).javascript,
  typescript: async () => (await import('./grammars/javascript.js')).typescript,
  python: async () => (await import('./grammars/python.js')).python,
  go: async () => (await import('./grammars/go.js')).go,
  rust: async () => (await import('./grammars/rust.js')).rust,
  java: async () => (await import('./grammars/java.js')).java
}

const loaded = new Map<string, Promise<Loaded | undefined>>()
let library: Promise<typeof import('web-tree-sitter')> | undefined

/** Gives `use` the tree of a text while it exists, or returns `undefined` if there is no grammar for it or it takes too long. */
export async function parse<T> (language: string, text: string, use: (parsed: Parsed) => T): Promise<T | undefined> {
  if (!Object.hasOwn(GRAMMARS, language)) return undefined
  let loading = loaded.get(language)
  if (loading === undefined) {
    loading = load(language)
    loaded.set(language, loading)
  }
  const ready = await loading
  if (ready === undefined) return undefined
  const { grammar, parser, query } = ready
  let tree: Tree | null = null
  try {
    tree = parser.parse(text, null, { progressCallback: until(PARSE_MS) })
    if (tree === null) {
      parser.reset()
      return undefined
    }
    let isLate = false
    const late = until(QUERY_MS)
    const captures = query.captures(tree.rootNode, { progressCallback: () => (isLate = late()) })
    return isLate ? undefined : use({ grammar, tree, captures })
  } catch {
    // The parser runs in a memory of its own. After a trap in there nothing of it is trusted any more.
    loaded.set(language, Promise.resolve(undefined))
    return undefined
  } finally {
    tree?.delete()
  }
}

function until (milliseconds: number): () => boolean {
  const end = performance.now() + milliseconds
  return () => performance.now() > end
}

async function load (name: string): Promise<Loaded | undefined> {
  try {
    const grammar = await GRAMMARS[name]!()
    library ??= import('web-tree-sitter').then(async (library) => {
      await library.Parser.init()
      return library
    })
    const { Language, Parser, Query } = await library
    const language: Language = await Language.load(readFileSync(createRequire(import.meta.url).resolve(`@repomix/tree-sitter-wasms/out/tree-sitter-${grammar.file}.wasm`)))
    const parser = new Parser()
    parser.setLanguage(language)
    const definitions = Object.keys(grammar.rules).map((type) => `(${type})`).join(' ')
    return { grammar, parser, query: new Query(language, `[${definitions}] @d (ERROR) @e ${grammar.query}`) }
  } catch {
    return undefined
  }
}
