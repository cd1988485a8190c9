import t from 'tap'
import { readMetadata, type ReportReader } from '../../../../core/project/metadata.js'
import type { ProjectView } from '../../../../core/contracts/index.js'
import { createProjectView } from '../../../../core/testing/index.js'

const WRITTEN = Date.UTC(2026, 0, 2)

/** A project whose files were all modified at the same time, but for those that are named. */
function project (files: Record<string, string>, times: Record<string, number> = {}): ProjectView {
  const view = createProjectView({ id: 'p', files })
  return { ...view, files: view.files.map((file) => ({ ...file, modified: times[file.path] ?? WRITTEN })) }
}

const coverage = async (files: Record<string, string>, times?: Record<string, number>) => (await readMetadata(project(files, times))).coverage

const CLOVER = (first: string, last: string) => `<coverage generated="1"><project timestamp="1">${first}<file name="a"><metrics statements="1" coveredstatements="0"/></file>${last}</project></coverage>`
const METRICS = '<metrics elements="9" statements="8" coveredstatements="6"/>'

const REPORTS: [path: string, text: string, expected: Record<string, unknown>][] = [
  ['coverage/coverage-summary.json', '{"total": {"lines":{"total":200,"covered":175,"skipped":0,"pct":87.5},"statements":{"total":1,"covered":1,"skipped":0,"pct":100}}, "/a.ts": {}}', { percent: 87.5, covered: 175, total: 200, format: 'istanbul', unit: 'lines' }],
  ['coverage/coverage-summary.json', '{ "x": 1, "total": { "lines": { "pct": 87.5 } } }', { percent: 87.5, covered: null, total: null }],
  ['coverage/lcov.info', 'TN:\nSF:a\nLF:10\nLH:9\nend_of_record\nSF:b\nLF:30\nLH:21\n', { percent: 75, covered: 30, total: 40, format: 'lcov' }],
  ['coverage.xml', '<?xml version="1.0"?>\n<!-- <coverage line-rate="0.1"> is not it -->\n<coverage version="7" line-rate="0.8123" lines-valid="10000" lines-covered="8123" branch-rate="0">', { percent: 81.23, covered: 8123, total: 10_000, format: 'cobertura' }],
  ['coverage.xml', '<coverage line-rate=\'0.5\'>', { percent: 50, covered: null }],
  ['target/site/jacoco/jacoco.xml', '<report name="x"><package name="p"><counter type="LINE" missed="1" covered="0"/></package><counter type="INSTRUCTION" missed="1" covered="1"/><counter type="LINE" missed="25" covered="75"/></report>', { percent: 75, covered: 75, total: 100, format: 'jacoco' }],
  ['clover.xml', CLOVER(METRICS, ''), { percent: 75, covered: 6, total: 8, unit: 'statements' }],
  ['build/logs/clover.xml', CLOVER('', METRICS), { percent: 75, format: 'clover' }],
  ['cover.out', 'mode: atomic\na.go:1.2,3.4 3 0\na.go:5.1,6.2 1 7\na.go:1.2,3.4 3 2\nb.go:1.1,2.2 4 0\n', { percent: 50, covered: 4, total: 8, unit: 'statements', format: 'go' }],
  ['coverage/.last_run.json', '{ "result": { "line": 91.5 } }', { percent: 91.5, format: 'simplecov' }]
]

t.test('each form of report is understood', async t => {
  for (const [path, text, expected] of REPORTS) {
    t.match(await coverage({ [path]: text, 'a.ts': '' }), { ...expected, reports: [path], timestamp: '2026-01-02T00:00:00.000Z', stale: false }, path)
  }
})

t.test('unknown is null', async t => {
  const files: Record<string, string>[] = [
    {}, { 'coverage/lcov.info': '' }, { 'coverage/lcov.info': 'LF:0\nLH:0\n' }, { 'coverage/lcov.info': 'LF:1\nLH:2\n' }, { 'coverage/coverage-summary.json': '{' }, { 'coverage/coverage-summary.json': 'null' },
    { 'coverage/coverage-summary.json': '{"total":{"lines":{"total":0,"covered":0,"pct":"Unknown"}}}' }, { 'coverage.xml': '<x>' }, { 'coverage.xml': '<coverage line-rate="7">' }, { 'coverage.xml': '<coverage line-rate="">' },
    { 'jacoco.xml': '<report>' }, { 'clover.xml': '<project>' }, { 'cover.out': 'MZ' }, { 'cover.out': 'mode: set\n' }, { 'test/fixtures/coverage.xml': '<coverage line-rate="0.5">' }
  ]
  for (const report of files) {
    const metadata = await readMetadata(project(report))
    t.strictSame([metadata.test_coverage, metadata.coverage], [null, null], JSON.stringify(report))
  }
})

t.test('a report that is older than the source says so', async t => {
  const files = { 'coverage/lcov.info': 'LF:10\nLH:9\n', 'src/a.ts': '', 'docs/a.md': '' }
  t.equal((await coverage(files, { 'src/a.ts': WRITTEN + 5000 }))?.stale, true)
  t.equal((await coverage(files, { 'docs/a.md': WRITTEN + 5000 }))?.stale, false, 'prose is no source')
  t.match(await coverage(files, { 'coverage/lcov.info': 9e15 }), { timestamp: '9999-12-31T00:00:00.000Z' })
})

t.test('the newest report of the outermost folder counts, and parts are summed', async t => {
  const [lcov, xml] = ['LF:10\nLH:9\n', '<coverage line-rate="0.5" lines-valid="2" lines-covered="1">']
  t.match(await coverage({ 'coverage/lcov.info': lcov, 'coverage.xml': xml, 'a/lcov.info': 'LF:1\nLH:0\n' }, { 'coverage.xml': WRITTEN + 1 }), { percent: 50, reports: ['coverage.xml'] })
  t.match(await coverage({ 'coverage/lcov.info': lcov, 'coverage.xml': xml }), { percent: 90 }, 'of the same time the one that says more')
  t.match(await coverage({ 'packages/a/coverage/lcov.info': lcov, 'packages/b/coverage/lcov.info': 'LF:10\nLH:1\n', 'packages/c/coverage.xml': xml }, { 'packages/b/coverage/lcov.info': WRITTEN - 5000 }),
    { percent: 50, covered: 10, total: 20, reports: ['packages/a/coverage/lcov.info', 'packages/b/coverage/lcov.info'], timestamp: '2026-01-01T23:59:55.000Z' })
})

t.test('reports that git ignores are looked for at the usual places', async t => {
  const asked: string[] = []
  const ignored: ReportReader = async (path) => {
    asked.push(path)
    return path === 'coverage/lcov.info' ? { path, text: 'LF:4\nLH:1\n', modified: WRITTEN } : path === 'junit.xml' ? { path, text: '<testsuites tests="3" failures="1"/>', modified: WRITTEN } : undefined
  }
  const metadata = await readMetadata(project({ 'a.ts': '', 'coverage.xml': '<coverage line-rate="0.5">' }, { 'coverage.xml': WRITTEN - 1 }), ignored)
  t.match(metadata, { test_coverage: 25, coverage: { reports: ['coverage/lcov.info'], stale: false }, last_build_status: 'failure', last_build: { tests: 3, failed: 1 } })
  t.notOk(asked.includes('coverage.xml'), 'what is listed is not looked for')
})
