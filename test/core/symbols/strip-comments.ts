import type { FileSymbols } from '../../../core/project/worker/symbols/symbols.js'

/** The file without its lines that are wholly comment or blank. */
export function stripComments ({ comments }: FileSymbols, lines: readonly string[]): string {
  const kept: string[] = []
  let next = 0
  for (const [first, last] of comments) {
    for (; next < first; next++) kept.push(lines[next]!)
    next = last + 1
  }
  for (; next < lines.length; next++) kept.push(lines[next]!)
  return kept.join('\n')
}
