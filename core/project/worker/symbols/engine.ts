import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import type { Parser, Query } from 'web-tree-sitter'
import type { Grammar } from './grammar.js'
import { GRAMMARS } from './grammars/grammars.js'

type Library = typeof import('web-tree-sitter')

export interface Loaded {
  grammar: Grammar
  parser: Parser
  /** Of what a file defines, and its comments. */
  structure: Query
  /** Of what it uses and imports, too, which takes twice the time; made when it is first asked for. */
  everything (): Query
  release (): void
}

/** Captures of what a file uses and imports. */
const USES = new Set(['r', 'o', 'i'])

const LIBRARY = 'web-tree-sitter'

// V8 compiles a function of WebAssembly that runs often once more, to be faster, on threads that every load of a grammar waits for too.
// The lexers of some grammars are one function of a hundred thousand branches: for Swift that takes 7 s of a processor, while the faster
// code saved nothing measurable on 2.8 MB of TypeScript.
setFlagsFromString('--liftoff-only')

/** One instance of tree-sitter, with a memory of its own that all its grammars share. */
export class Engine {
  readonly #library: Promise<Library>
  readonly #loaded = new Map<string, Promise<Loaded | undefined>>()

  constructor () {
    // As CommonJS it can be loaded again, into a memory that no trap has touched. What a `require` has loaded it holds for ever, so
    // each instance has its own.
    const require = createRequire(import.meta.url)
    delete require.cache[require.resolve(LIBRARY)]
    const library = require(LIBRARY) as Library
    this.#library = library.Parser.init().then(() => library)
  }

  /** The parser of a language and its query, loaded when they are first asked for. `undefined` if there is none. */
  async grammar (name: string): Promise<Loaded | undefined> {
    let loading = this.#loaded.get(name)
    if (loading === undefined) {
      loading = load(name, this.#library).catch(() => undefined)
      this.#loaded.set(name, loading)
    }
    return await loading
  }

  /** After a trap. What is left to the garbage collector is freed once more by the library, which would then end the process. */
  async discard (): Promise<void> {
    for (const loading of this.#loaded.values()) {
      (await loading)?.release()
    }
  }
}

/** Frees what a trap may have made impossible to free. */
export function release (resource: { delete: () => void }): void {
  try {
    resource.delete()
  } catch {}
}

async function load (name: string, loadingLibrary: Promise<Library>): Promise<Loaded | undefined> {
  if (!Object.hasOwn(GRAMMARS, name)) return undefined
  const [grammar, { Language, Parser, Query }] = await Promise.all([GRAMMARS[name]!(), loadingLibrary])
  const language = await Language.load(readFileSync(createRequire(import.meta.url).resolve(grammar.file)))
  const parser = new Parser()
  parser.setLanguage(language)
  const definitions = Object.keys(grammar.rules).map((type) => `(${type})`).join(' ')
  const makeQuery = (): Query => new Query(language, `[${definitions}] @d [(ERROR) (MISSING)] @e ${grammar.query}`)
  const structure = makeQuery()
  leaveUses(structure)
  let everything: Query | undefined
  return {
    grammar,
    parser,
    structure,
    everything: () => (everything ??= makeQuery()),
    release () {
      for (const resource of [parser, structure, everything]) if (resource !== undefined) release(resource)
    }
  }
}

/** Switches off what looks for nothing but uses. */
function leaveUses (query: Query): void {
  for (const name of USES) query.disableCapture(name)
  query.captureQuantifiers.forEach((quantifiers, pattern) => {
    if (query.captureNames.every((name, capture) => USES.has(name) || !quantifiers[capture])) query.disablePattern(pattern)
  })
}
