import type { ProjectFile, ProjectView } from '../../contracts/index.js'
import { isStale } from './coverage.js'
import { isTable } from './manifest.js'
import { findReports, timeOf, type Report, type ReportPlaces, type ReportReader } from './reports.js'
import { scanXml } from './xml.js'

/** The last run of the tests as its reports tell it. */
export interface LastBuild {
  status: 'success' | 'failure'
  /** `null` where the reports do not count them. */
  tests: number | null
  failed: number | null
  skipped: number | null
  reports: string[]
  timestamp: string
  /** Whether source code was changed since. */
  stale: boolean
}

export const BUILD_PLACES: ReportPlaces = {
  listed: /(?:^|\/)(?:TEST-[^/]+\.xml|junit[^/]*\.xml|[^/]+[-_.]junit\.xml|test-(?:results?|report)\.xml|test-results\/\.last-run\.json)$/i,
  usual: ['junit.xml', 'test-results.xml', 'test-report.xml', 'test-results/junit.xml', 'reports/junit.xml', 'coverage/junit.xml', 'build/junit.xml', 'target/nextest/ci/junit.xml', 'test-results/.last-run.json']
}

// One run of the tests writes its reports within this time, one for each class in Java.
const ONE_RUN_MS = 3_600_000
const MOST_NAMED = 10

interface Counts { tests: number | null, failed: number | null, skipped: number | null, isFailure: boolean }

/** `null` where nothing tells: that no report is there does not say that the tests pass. */
export async function readLastBuild (project: ProjectView, listed: readonly ProjectFile[], newestSource: number, readUnlisted?: ReportReader): Promise<{ last_build: LastBuild | null, warnings: string[] }> {
  const { reports } = await findReports(project, listed, BUILD_PLACES, readUnlisted)
  const warnings: string[] = []
  const runs = reports.flatMap((report) => {
    const counts = report.path.endsWith('.json') ? readPlaywright(report.text) : readJunit(report.text)
    if (counts === undefined) warnings.push(`${report.path}: is no report of tests that can be understood`)
    return counts === undefined ? [] : [{ report, counts }]
  }).sort((a, b) => b.report.modified - a.report.modified || (a.report.path < b.report.path ? -1 : 1))
  const [newest] = runs
  if (newest === undefined) return { last_build: null, warnings }
  const folder = folderOf(newest.report)
  const run = runs.filter(({ report }) => folderOf(report) === folder && report.modified >= newest.report.modified - ONE_RUN_MS)
  const sum = (member: 'tests' | 'failed' | 'skipped'): number | null =>
    run.reduce<number | null>((total, { counts }) => (total === null || counts[member] === null ? null : total + counts[member]), 0)
  return {
    last_build: {
      status: run.some(({ counts }) => counts.isFailure) ? 'failure' : 'success',
      tests: sum('tests'),
      failed: sum('failed'),
      skipped: sum('skipped'),
      reports: run.map(({ report }) => report.path).sort().slice(0, MOST_NAMED),
      timestamp: timeOf(newest.report.modified),
      stale: isStale(newest.report.modified, newestSource)
    },
    warnings
  }
}

function folderOf ({ path }: Report): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}

/** The sums of the outermost suites. */
function readJunit (text: string): Counts | undefined {
  // A report that is still being written counts too little.
  if (!/<\/testsuites?>\s*$|<testsuites?\s[^<>]{1,1000}\/>\s*$/.test(text.slice(-1000))) return undefined
  const counts: Counts = { tests: 0, failed: 0, skipped: 0, isFailure: false }
  let depth = 0
  let [known, isCounted] = [false, false]
  const isWhole = scanXml(text, {
    open (name, attribute) {
      const isSuites = name === 'testsuites'
      if (depth === 0 && !isSuites && name !== 'testsuite') return false
      const tests = number(attribute('tests'))
      if (tests !== undefined && ((depth === 0 && isSuites) || (name === 'testsuite' && depth <= 1))) {
        const failed = (number(attribute('failures')) ?? 0) + (number(attribute('errors')) ?? 0)
        counts.tests! += tests
        counts.failed! += failed
        counts.skipped! += number(attribute('skipped')) ?? number(attribute('disabled')) ?? 0
        known = true
        // What is inside is counted in it.
        isCounted = depth === 0
        if (isCounted) return false
      }
      depth++
    },
    close () { depth-- }
  })
  counts.isFailure = counts.failed! > 0
  return known && isWhole && (depth === 0 || isCounted) ? counts : undefined
}

function number (text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

function readPlaywright (text: string): Counts | undefined {
  let run: unknown
  try {
    run = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isTable(run) || (run.status !== 'passed' && run.status !== 'failed')) return undefined
  return { tests: null, failed: Array.isArray(run.failedTests) ? run.failedTests.length : null, skipped: null, isFailure: run.status === 'failed' }
}
