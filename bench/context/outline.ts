import { languageOf } from '../../core/project/languages.js'
import { outlineLines, renderLines } from '../../core/project/worker/symbols/outline.js'
import { extractSymbols } from '../../core/project/worker/symbols/symbols.js'

/** The declarations of a file alone, as the sidecar shows them, or `undefined` where that would save nothing. */
export async function outlineOf (path: string, content: string): Promise<string | undefined> {
  const symbols = await extractSymbols(languageOf(path), content)
  if (symbols.definitions.length === 0) return undefined
  const lines = content.split('\n')
  const outline = renderLines(lines, outlineLines(symbols, lines))
  return outline.length < content.length ? outline : undefined
}
