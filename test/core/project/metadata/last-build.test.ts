import t from 'tap'
import { readMetadata } from '../../../../core/project/metadata.js'
import { createProjectView } from '../../../../core/testing/index.js'

const read = async (files: Record<string, string>) => await readMetadata(createProjectView({ id: 'p', files }))

t.test('the last run of the tests is what its reports tell', async t => {
  const runs: [files: Record<string, string>, expected: Record<string, unknown>][] = [
    [{ 'junit.xml': '<?xml version="1.0"?><testsuites tests="5" failures="1" errors="1" skipped="1"><testsuite tests="5" failures="1"><testcase/></testsuite></testsuites>' }, { status: 'failure', tests: 5, failed: 2, skipped: 1 }],
    [{ 'reports/junit-unit.xml': '<testsuites><testsuite tests="2" failures="0"/><testsuite tests="3" errors="0" disabled="1"><testsuite tests="3"/></testsuite></testsuites>' }, { status: 'success', tests: 5, failed: 0, skipped: 1 }],
    [{ 'target/surefire-reports/TEST-a.xml': '<testsuite tests="2" errors="0" failures="0"><testcase/></testsuite>' }, { status: 'success', tests: 2 }],
    [{ 'test-results/.last-run.json': '{ "status": "failed", "failedTests": ["a", "b"] }' }, { status: 'failure', tests: null, failed: 2 }],
    [{ 'test-results/.last-run.json': '{ "status": "passed" }' }, { status: 'success' }]
  ]
  for (const [files, expected] of runs) t.match((await read(files)).last_build, { ...expected, reports: Object.keys(files) }, Object.keys(files)[0]!)
  // The first by its path was modified last, the second an hour earlier.
  t.match((await read({ 'a/TEST-1.xml': '<testsuite tests="1"/>', 'a/TEST-2.xml': '<testsuite tests="2" failures="1"/>', 'b/TEST-3.xml': '<testsuite tests="9"/>' })).last_build, { status: 'failure', tests: 3, reports: ['a/TEST-1.xml', 'a/TEST-2.xml'] })
})

t.test('unknown is null, never a guess', async t => {
  for (const text of ['', '<x tests="1"/>', '<testsuite/>', '<testsuites><testsuite tests="1">', '<testsuite tests="1">', '<testsuite tests="1"><testcase/>\n', '<testsuites><testsuite tests="1"><a></testsuites>', '<testsuite tests="many"/>', '{}']) {
    const { last_build: build, last_build_status: status } = await read({ 'junit.xml': text })
    t.strictSame([build, status], [null, null], text)
  }
  t.equal((await read({ 'test-results/.last-run.json': '{ "status": "interrupted" }' })).last_build, null)
  t.equal((await read({ 'README.md': '' })).last_build_status, null)
})

t.test('a run before the last change of the source says so', async t => {
  t.equal((await read({ 'a.ts': '', 'junit.xml': '<testsuite tests="1"/>' })).last_build?.stale, true)
  t.equal((await read({ 'junit.xml': '<testsuite tests="1"/>', 'z.ts': '' })).last_build?.stale, false)
})
