import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import { PACKAGE_ROOT } from '../core/package-root.js'

/**
 * Runs every test file, or those whose path holds one of the words given, in processes of their own.
 * tap puts a loader for coverage into each of them and, by NODE_OPTIONS, into all that they start in turn: `env` takes
 * it out again, because it costs a third of the time and gets into the environment of the agents that the tests start.
 */
const TIMEOUT_MS = 120_000
const JOBS = 2

const wanted = process.argv.slice(2)
const tests = join(PACKAGE_ROOT, 'dist', 'test')
const files = readdirSync(tests, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.js') && (wanted.length === 0 || wanted.some((word) => name.includes(word))))
  .sort()
  .map((name) => join(tests, name))

t.jobs = JOBS
t.setTimeout(0)
if (files.length === 0) t.fail(`no test file has one of ${wanted.join(', ')} in its path`)
for (const file of files) {
  t.spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, file], {
    name: relative(PACKAGE_ROOT, file),
    timeout: TIMEOUT_MS,
    buffered: true,
    env: { ...process.env, TAP_TIMEOUT: String(TIMEOUT_MS / 1000) }
  })
}
