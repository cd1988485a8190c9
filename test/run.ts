import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { PACKAGE_ROOT } from '../core/package-root.js'

/**
 * Runs every test file, or those whose path holds one of the words given, in processes of their own, and tells at the
 * end which assertions failed: in a log of which only the last lines are kept they must stand there.
 * tap puts a loader for coverage into each of them and, by NODE_OPTIONS, into all that they start in turn: `env` takes
 * it out again, because it costs a third of the time and gets into the environment of the agents that the tests start.
 */
const TIMEOUT_MS = 240_000
/** Two to a processor: half of a test's time is waiting for processes, disks and timers. */
const JOBS = 2 * availableParallelism()
/** Those that take longest begin first, so that none of them is left alone at the end. */
const LONGEST = ['core/fleet', 'cli/', 'core/kill-nine', 'core/backup', 'plugins/spawners', 'core/testing', 'core/http', 'core/context']

function rank (name: string): number {
  const place = LONGEST.findIndex((part) => name.startsWith(part))
  return place === -1 ? LONGEST.length : place
}

const wanted = process.argv.slice(2)
const tests = join(PACKAGE_ROOT, 'dist', 'test')
const unfollowed = pathToFileURL(join(tests, 'support', 'unfollowed.js')).href
const files = readdirSync(tests, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.js') && (wanted.length === 0 || wanted.some((word) => name.includes(word))))
  .sort((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1))
  .map((name) => join(tests, name))

t.jobs = JOBS
t.setTimeout(0)
if (files.length === 0) t.fail(`no test file has one of ${wanted.join(', ')} in its path`)
const failed: string[] = []
// Of the outermost parser, which surfaces the assertions themselves and not each test around them.
t.parser.on('fail', ({ fullname, diag }) => { failed.push(`${fullname}\n${JSON.stringify(diag, null, 2)}`) })

for (const file of files) {
  t.spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, '--import', unfollowed, file], {
    name: relative(PACKAGE_ROOT, file),
    timeout: TIMEOUT_MS,
    buffered: true,
    env: { ...process.env, TAP_TIMEOUT: String(TIMEOUT_MS / 1000) }
  })
}
process.on('exit', () => {
  if (failed.length > 0) process.stderr.write(`\n${failed.length} failed:\n\n${failed.join('\n\n')}\n`)
})
