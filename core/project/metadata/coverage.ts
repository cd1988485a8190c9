import { setImmediate as turn } from 'node:timers/promises'
import type { ProjectFile, ProjectView } from '../../contracts/index.js'
import { isTable, tableAt } from './manifest.js'
import { findReports, timeOf, type Report, type ReportPlaces, type ReportReader } from './reports.js'
import { scanXml } from './xml.js'

export interface Coverage {
  /** Of 100. */
  percent: number
  /** What is counted: Go and Clover count statements. */
  unit: 'lines' | 'statements'
  /** `null` where the report gives a percentage alone. */
  covered: number | null
  total: number | null
  format: string
  /** Several where the parts of a project have reports of their own; the numbers are their sums. */
  reports: string[]
  /** When the oldest of them was written, RFC 3339. */
  timestamp: string
  /** Whether source code was changed since. */
  stale: boolean
}

type Counted = Pick<Coverage, 'percent' | 'unit' | 'covered' | 'total' | 'format'>

export const COVERAGE_PLACES: ReportPlaces = {
  listed: /(?:^|\/)(?:coverage-summary\.json|lcov\.info|[^/]+\.lcov|(?:[^/]*\.)?cobertura[^/]*\.xml|coverage\.xml|jacoco[^/]*\.xml|clover\.xml|cover(?:age)?\.out|[^/]+\.coverprofile|coverage\/\.last_run\.json)$/i,
  usual: [
    'coverage/coverage-summary.json', 'coverage/lcov.info', 'lcov.info', 'coverage.xml', 'coverage/cobertura-coverage.xml', 'cobertura.xml', 'target/site/jacoco/jacoco.xml', 'target/site/cobertura/coverage.xml',
    'build/reports/jacoco/test/jacocoTestReport.xml', 'build/logs/clover.xml', 'coverage/clover.xml', 'cover.out', 'coverage.out', 'coverage/.last_run.json', 'cobertura/coverage.xml', 'target/llvm-cov/lcov.info'
  ]
}

/** In the order of how much they say. */
const FORMATS: readonly (readonly [string, RegExp, (text: string) => Counted | undefined | Promise<Counted | undefined>])[] = [
  ['istanbul', /coverage-summary\.json$/i, readSummary],
  ['lcov', /(?:lcov\.info|\.lcov)$/i, readLcov],
  ['jacoco', /jacoco[^/]*\.xml$/i, readJacoco],
  ['clover', /clover\.xml$/i, readClover],
  ['cobertura', /\.xml$/i, readCobertura],
  ['go', /\.(?:out|coverprofile)$/i, readGoProfile],
  ['simplecov', /\.last_run\.json$/i, readSimplecov]
]

/** Folders into which tools put reports, and which say nothing about the part of the project that they are of. */
const REPORT_FOLDERS = /(?:(?:^|\/)(?:coverage|cov|target|site|jacoco|cobertura|llvm-cov|build|logs|reports?|out|test|jacocoTestReport|test-results))*\/?$/i

interface Candidate { report: Report, owner: string, depth: number, rank: number, counted: Counted }

/** What the newest report of the outermost folder says of the project; `null` without one that says anything. */
export async function readCoverage (project: ProjectView, listed: readonly ProjectFile[], newestSource: number, readUnlisted?: ReportReader): Promise<{ coverage: Coverage | null, warnings: string[] }> {
  const { reports, refused, more } = await findReports(project, listed, COVERAGE_PLACES, readUnlisted)
  const warnings = refused.map((path) => `${path}: cannot be read`)
  if (more > 0) warnings.push(`${more} further coverage reports were not read`)
  const candidates: Candidate[] = []
  for (const report of reports) {
    const rank = FORMATS.findIndex(([, form]) => form.test(report.path))
    const counted = await FORMATS[rank]![2](report.text)
    if (counted === undefined) warnings.push(`${report.path}: is no coverage report that can be understood`)
    const owner = report.path.slice(0, report.path.lastIndexOf('/') + 1).replace(REPORT_FOLDERS, '')
    if (counted !== undefined) candidates.push({ report, owner, depth: owner === '' ? 0 : owner.split('/').length, rank, counted })
  }
  candidates.sort((a, b) => a.depth - b.depth || b.report.modified - a.report.modified || a.rank - b.rank)
  const [best] = candidates
  if (best === undefined) return { coverage: null, warnings }
  const parts = best.depth === 0 || best.counted.total === null ? [best] : partsLike(best, candidates)
  const oldest = Math.min(...parts.map(({ report }) => report.modified))
  return { coverage: { ...sum(parts), reports: parts.map(({ report }) => report.path).sort(), timestamp: timeOf(oldest), stale: isStale(oldest, newestSource) }, warnings }
}

/** Reports of the same form on the other parts of the project, one of each. */
function partsLike ({ depth, rank }: Candidate, candidates: readonly Candidate[]): Candidate[] {
  const parts = new Map<string, Candidate>()
  for (const candidate of candidates) {
    if (candidate.depth === depth && candidate.rank === rank && candidate.counted.total !== null && !parts.has(candidate.owner)) parts.set(candidate.owner, candidate)
  }
  return [...parts.values()]
}

function sum (parts: readonly Candidate[]): Counted {
  const [first] = parts
  if (parts.length === 1) return first!.counted
  const of = (member: 'covered' | 'total'): number => parts.reduce((total, { counted }) => total + counted[member]!, 0)
  return ratio(of('covered'), of('total'), first!.counted.unit, first!.counted.format)!
}

// A report is written at once, source is checked out file by file.
const CLOCK_MS = 1000

export function isStale (written: number, newestSource: number): boolean {
  return newestSource > written + CLOCK_MS
}

function ratio (covered: number, total: number, unit: Counted['unit'], format: string): Counted | undefined {
  if (!(total > 0 && covered >= 0 && covered <= total)) return undefined
  return { percent: percentOf(covered / total * 100)!, unit, covered, total, format }
}

function percentOf (value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= 100 ? Math.round(value * 100) / 100 : undefined
}

function fromPercent (value: unknown, format: string): Counted | undefined {
  const percent = percentOf(value)
  return percent === undefined ? undefined : { percent, unit: 'lines', covered: null, total: null, format }
}

function parse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function readSummary (text: string): Counted | undefined {
  // The whole stands first; that of ten thousand files need not be parsed.
  const [, total] = /^\s*\{\s*"total"\s*:\s*(\{(?:[^{}]|\{[^{}]{0,500}\}){0,2000}\})/.exec(text.slice(0, 4000)) ?? []
  const lines = tableAt(parse(total ?? text), ...(total === undefined ? ['total', 'lines'] : ['lines']))
  const counted = typeof lines.covered === 'number' && typeof lines.total === 'number' ? ratio(lines.covered, lines.total, 'lines', 'istanbul') : undefined
  return counted ?? fromPercent(lines.pct, 'istanbul')
}

function readLcov (text: string): Counted | undefined {
  const add = (mark: string): number => {
    let total = text.startsWith(mark) ? Number.parseInt(text.slice(mark.length, mark.length + 12), 10) || 0 : 0
    for (let at = text.indexOf(`\n${mark}`); at >= 0; at = text.indexOf(`\n${mark}`, at + 1)) {
      total += Number.parseInt(text.slice(at + 1 + mark.length, at + 13 + mark.length), 10) || 0
    }
    return total
  }
  return ratio(add('LH:'), add('LF:'), 'lines', 'lcov')
}

// No tag of a report is longer, but for one that lists the classpath.
const LONGEST_TAG = 20_000

/** Attributes of the first element that begins here. */
function numbersOf (text: string, ...names: string[]): (number | undefined)[] {
  let values: (number | undefined)[] = []
  scanXml(text.slice(0, LONGEST_TAG), {
    open (_name, attribute) {
      values = names.map((name) => {
        const value = attribute(name)
        return value === undefined || value.trim() === '' || !Number.isFinite(Number(value)) ? undefined : Number(value)
      })
      return false
    }
  })
  return values
}

function readCobertura (text: string): Counted | undefined {
  const [covered, valid, rate] = numbersOf(text, 'lines-covered', 'lines-valid', 'line-rate')
  const counted = covered === undefined || valid === undefined ? undefined : ratio(covered, valid, 'lines', 'cobertura')
  return counted ?? fromPercent(rate === undefined ? undefined : rate * 100, 'cobertura')
}

/** Sums of the whole report stand behind its last package. */
function readJacoco (text: string): Counted | undefined {
  const tail = text.slice(Math.max(text.lastIndexOf('</package>'), text.lastIndexOf('</group>'), 0))
  const counter = /<counter\b[^<>]{0,100}type="LINE"/.exec(tail.slice(0, LONGEST_TAG))
  if (counter === null || !text.includes('<report')) return undefined
  const [missed, covered] = numbersOf(tail.slice(counter.index), 'missed', 'covered')
  return missed === undefined || covered === undefined ? undefined : ratio(covered, missed + covered, 'lines', 'jacoco')
}

/** The sums of the project stand before its first file or behind its last, by the tool. */
function readClover (text: string): Counted | undefined {
  const project = text.indexOf('<project')
  const end = text.lastIndexOf('</project>')
  if (project < 0 || end < project) return undefined
  const first = text.indexOf('<metrics', project)
  const isFirst = first >= 0 && !/<(?:file|package)\b/.test(text.slice(project, Math.min(first, project + LONGEST_TAG)))
  const [covered, total] = numbersOf(text.slice(isFirst ? first : text.lastIndexOf('<metrics', end)), 'coveredstatements', 'statements')
  return covered === undefined || total === undefined ? undefined : ratio(covered, total, 'statements', 'clover')
}

const LINES_AT_ONCE = 5000

/** `<file>:<block> <statements> <count>`; a block that several test programs saw is covered when one of them ran it. */
async function readGoProfile (text: string): Promise<Counted | undefined> {
  if (!text.startsWith('mode:')) return undefined
  const blocks = new Map<string, { statements: number, ran: boolean }>()
  let line = 0
  for (let start = text.indexOf('\n') + 1; start > 0 && start < text.length; start = text.indexOf('\n', start) + 1) {
    const end = text.indexOf('\n', start)
    const [block, statements, count] = text.slice(start, Math.min(end < 0 ? text.length : end, start + 2000)).split(' ')
    const size = Number(statements)
    if (block !== undefined && Number.isInteger(size) && size > 0) blocks.set(block, { statements: size, ran: Number(count) > 0 || blocks.get(block)?.ran === true })
    if (++line % LINES_AT_ONCE === 0) await turn()
  }
  let [covered, total] = [0, 0]
  for (const { statements, ran } of blocks.values()) {
    total += statements
    if (ran) covered += statements
  }
  return ratio(covered, total, 'statements', 'go')
}

function readSimplecov (text: string): Counted | undefined {
  const run = parse(text)
  const { line, covered_percent: older } = tableAt(isTable(run) ? run.result : undefined)
  return fromPercent(line ?? older, 'simplecov')
}
