import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { isAbsolute, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { PACKAGE_ROOT } from '../core/package-root.js'
import { endOf, groupFiles } from './support/groups.js'

/**
 * Runs every test file, those whose path holds one of the words given, or those of the whole paths given, and tells at the end
 * which assertions failed: in a log of which only the last lines are kept they must stand there.
 * Small files share a process. One that ends early hides nothing: each file that it did not get to the end of runs once more alone.
 * tap puts a loader for coverage into each of them and, by NODE_OPTIONS, into all that they start in turn: `env` takes
 * it out again, because it costs a third of the time and gets into the environment of the agents that the tests start.
 */
const TIMEOUT_MS = 240_000
/** Two to a processor: half of a test's time is waiting for processes, disks and timers. */
const JOBS = 2 * availableParallelism()
/** Most code runs for seconds and no longer: optimizing it as early as a server does takes a tenth of the processor and gives less back. */
const LATE_OPTIMIZATION = '--interrupt-budget=1000000'
/** The processors have enough to do: threads that collect what is no longer used beside the program take a twentieth more than it does alone. */
const ONE_COLLECTOR = '--single-threaded-gc'
const MEMORY = '/dev/shm'
const MEMORY_BYTES = 2 * 2 ** 30

const tests = join(PACKAGE_ROOT, 'dist', 'test')
const moduleOf = (name: string): string => join(tests, 'support', name)
const wanted = process.argv.slice(2)
const names = readdirSync(tests, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.js') && (wanted.length === 0 || wanted.some((word) => name.includes(word))))
const groups = groupFiles(names.sort().map((name) => ({ name, source: readFileSync(join(tests, name), 'utf8') }))).map((group) => group.map((name) => join(tests, name)))
const given = wanted.filter((word) => isAbsolute(word))
if (given.length > 0) groups.push(given)

/** Of this run, so that what is left behind in it shows. In memory where there is enough: the tests wait for disks more than for all else. */
const temporary = mkdtempSync(join(hasMemory() ? MEMORY : tmpdir(), 'cco-tests-'))

t.jobs = JOBS
t.setTimeout(0)
if (groups.length === 0) t.fail(`no test file has one of ${wanted.join(', ')} in its path`)
const failed: string[] = []
// Of the outermost parser, which surfaces the assertions themselves and not each test around them.
t.parser.on('fail', ({ fullname, diag }) => { failed.push(`${fullname}\n${JSON.stringify(diag, null, 2)}`) })

// It has a handler for the end of the process from now on, so that it ends what still runs before the folder of that is removed.
t.pipe(process.stdout)
process.on('exit', () => {
  rmSync(temporary, { recursive: true, force: true, maxRetries: 5 })
  if (failed.length > 0) process.stderr.write(`\n${failed.length} failed:\n\n${failed.join('\n\n')}\n`)
})

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

await Promise.all(groups.map(async (files) => {
  const comments = await run(files)
  if (files.length > 1) await Promise.all(files.filter((file) => !comments.has(`# ${endOf(nameOf(file))}`)).map(async (file) => await run([file])))
}))
t.strictSame(readdirSync(temporary), [], 'the tests leave nothing in the temporary folder')

/** What was commented on, which is the end of each file where there are several. */
async function run (files: string[]): Promise<Set<string>> {
  const comments = new Set<string>()
  const [first] = files
  const isShared = files.length > 1
  const spawned = t.spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, LATE_OPTIMIZATION, ONE_COLLECTOR, '--import', pathToFileURL(moduleOf('unfollowed.js')).href, ...(isShared ? [moduleOf('together.js')] : []), ...files], {
    name: isShared ? `${files.length} files from ${nameOf(first!)} on` : nameOf(first!),
    timeout: TIMEOUT_MS,
    buffered: true,
    env: { ...process.env, TMPDIR: temporary, TAP_TIMEOUT: String(TIMEOUT_MS / 1000) }
  })
  spawned.subtest?.parser.on('comment', (comment) => comments.add(comment.trim()))
  await spawned
  return comments
}

function nameOf (file: string): string {
  return relative(PACKAGE_ROOT, file)
}

function hasMemory (): boolean {
  if (!existsSync(MEMORY)) return false
  const { bavail, bsize } = statfsSync(MEMORY)
  return bavail * bsize >= MEMORY_BYTES
}
