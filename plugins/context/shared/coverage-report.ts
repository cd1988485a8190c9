/** Lines of one file as a report counts them. */
export interface FileCoverage {
  covered: number
  total: number
  /** Numbers of the lines that nothing ran, ascending; empty where the report does not say which. */
  missing: number[]
}

/** What a report says of the files that are `wanted`, by the path that the report gives them. */
export type CoverageReader = (text: string, wanted: (path: string) => boolean) => Map<string, FileCoverage>

/** By the form of the report's name; each takes time in proportion to the text. */
const READERS: readonly (readonly [RegExp, CoverageReader])[] = [
  [/(?:^|\/)(?:lcov\.info|[^/]+\.lcov)$/i, readLcov],
  [/(?:^|\/)(?:(?:[^/]*\.)?cobertura[^/]*|coverage)\.xml$/i, readCobertura],
  [/(?:^|\/)coverage-summary\.json$/i, readSummary]
]

export function coverageReaderOf (path: string): CoverageReader | undefined {
  return READERS.find(([form]) => form.test(path))?.[1]
}

function readLcov (text: string, wanted: (path: string) => boolean): Map<string, FileCoverage> {
  const files = new Map<string, FileCoverage>()
  for (const part of `\n${text}`.split('\nSF:').slice(1)) {
    const record = part.split('end_of_record', 1)[0]!
    const path = record.split('\n', 1)[0]!.trim()
    if (wanted(path)) count(files, path, [...record.matchAll(/^DA:(\d{1,9}),(\d{1,15})/gm)].map(([, line, hits]) => [Number(line), Number(hits)]))
  }
  return files
}

function readCobertura (text: string, wanted: (path: string) => boolean): Map<string, FileCoverage> {
  const files = new Map<string, FileCoverage>()
  for (const part of text.split('<class ').slice(1)) {
    const path = /\bfilename="([^"]{1,1000})"/.exec(part.slice(0, 2000))?.[1]
    if (path === undefined || !wanted(path)) continue
    // Lines of methods stand twice, once among the lines of the class.
    const lines = part.slice(Math.max(0, part.lastIndexOf('</methods>')))
    count(files, path, [...lines.matchAll(/<line number="(\d{1,9})" hits="(\d{1,15})"/g)].map(([, line, hits]) => [Number(line), Number(hits)]))
  }
  return files
}

function count (files: Map<string, FileCoverage>, path: string, lines: readonly (readonly [number, number])[]): void {
  if (lines.length === 0) return
  const missing = lines.filter(([, hits]) => hits === 0).map(([line]) => line).sort((one, other) => one - other)
  files.set(path, { covered: lines.length - missing.length, total: lines.length, missing })
}

function readSummary (text: string, wanted: (path: string) => boolean): Map<string, FileCoverage> {
  const files = new Map<string, FileCoverage>()
  let summary: unknown
  try {
    summary = JSON.parse(text)
  } catch {
    return files
  }
  if (typeof summary !== 'object' || summary === null) return files
  for (const [path, entry] of Object.entries(summary as Record<string, { lines?: { covered?: unknown, total?: unknown } } | null>)) {
    const { covered, total } = entry?.lines ?? {}
    if (path !== 'total' && wanted(path) && typeof covered === 'number' && typeof total === 'number') files.set(path, { covered, total, missing: [] })
  }
  return files
}

/** `3-5, 9`; at most `most` stretches. */
export function stretchesOf (lines: readonly number[], most: number): string {
  const stretches: [number, number][] = []
  for (const line of lines) {
    const last = stretches.at(-1)
    if (last !== undefined && line === last[1] + 1) last[1] = line
    else stretches.push([line, line])
  }
  const shown = stretches.slice(0, most).map(([first, last]) => first === last ? `${first}` : `${first}-${last}`)
  return [...shown, ...(stretches.length > most ? [`and ${stretches.length - most} more stretches`] : [])].join(', ')
}
