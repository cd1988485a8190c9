import type { GatherInput } from '../../../core/plugin-api.js'
import { searchContents } from './content-search.js'
import { taskText } from './relevance.js'

const MOST_SYMBOLS = 20
/** What is written as code: `parseInvoice`, `UserService`, `max_items`, `retry()`. */
const CODE = /\b(?:[a-z]+[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*|[A-Za-z]\w*_\w+|[A-Za-z]\w+(?=\(\)))/g
// The receiver of a Go method is skipped, within a bound that keeps the search linear.
const DECLARATION = /\b(?:class|interface|struct|enum|trait|protocol|type|func|function|fn|fun|def|const|let|var|val|module|record|object|mixin|extension)\s{1,4}(?:\([^()\n]{0,80}\)\s{0,4})?([A-Za-z_$][\w$]*)/g

/** Paths of source files that declare an identifier that the task writes out, with that identifier. */
export async function findDeclarations (input: GatherInput, paths: readonly string[]): Promise<Map<string, string>> {
  const symbols = new Set([...new Set(taskText(input.task).match(CODE))].slice(0, MOST_SYMBOLS))
  const declared = new Map<string, string>()
  if (symbols.size === 0) return declared
  await searchContents(input.project, paths, path => path, input.signal, (path, text) => {
    for (const [, name] of text.matchAll(DECLARATION)) {
      if (!symbols.has(name!)) continue
      declared.set(path, name!)
      return
    }
  })
  return declared
}
