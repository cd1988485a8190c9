import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { Command } from 'commander'
import { createProject, type ProjectOptions } from '../core/project/project.js'
import { createProjectWorker } from '../core/project/worker/client.js'
import { readIndex } from '../core/project/worker/git-index.js'
import { wholeNumber } from './shared/command-line.js'
import { runProgram } from './shared/program.js'

/** What is held to: see the aims in docs/architecture.md. All limits are ratios to work done in the same run, but those for memory and the loop. */
const ROUNDS = 15
const LOOP_MS = 10
const MEMORY_MB = 300

interface ListingOptions { repo?: string, generate: number }

function readOptions (args: readonly string[]): ListingOptions {
  return new Command('npm run bench:listing --')
    .description('Measures what listing a project, and noticing what changed in it, costs beside a stat of each file.')
    .option('--repo <dir>', 'a repository, in which one file is written anew; one is made by default')
    .option('--generate <files>', 'how many files are made', wholeNumber(1), 10_000)
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
    .parse([...args], { from: 'user' })
    .opts<ListingOptions>()
}

function generate (root: string, count: number): void {
  for (let index = 0; index < count; index++) {
    const path = join(root, `packages/p${index % 97}/src/d${Math.floor(index / 970)}/file-${index}.ts`)
    if (index < 97 || index % 970 < 97) mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, '')
  }
  writeFileSync(join(root, 'changing.ts'), '')
  writeFileSync(join(root, '.gitignore'), 'node_modules/\n*.log\n/dist\n')
  const git = (...args: string[]): void => { execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a', ...args], { cwd: root, stdio: 'ignore' }) }
  git('init', '--quiet')
  git('add', '--all')
  git('commit', '--quiet', '--message', 'Begin')
}

async function measure (run: () => unknown, rounds = ROUNDS): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const started = performance.now()
    await run()
    times.push(performance.now() - started)
  }
  return times.sort((a, b) => a - b)[Math.floor(rounds / 2)]!
}

const resident = (): number => process.memoryUsage.rss() / 1e6

/** Runs something and tells for how long it held the event loop: the 99th percentile, and the longest. */
async function watchLoop (run: () => Promise<unknown>): Promise<[p99: number, longest: number]> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await run()
  await wait(5)
  delay.disable()
  return [delay.percentile(99) / 1e6 - 1, delay.max / 1e6 - 1]
}

function row (name: string, ms: number, limit?: number): void {
  console.log(`${name.padEnd(52)}${ms.toFixed(3).padStart(12)} ms${limit === undefined ? '' : `${(ms / limit).toFixed(3).padStart(10)} ×`}`)
}

async function run ({ repo, generate: count }: ListingOptions, folder: string): Promise<boolean> {
  const root = realpathSync(resolve(repo ?? folder))
  if (repo === undefined) generate(root, count)
  await wait(50)
  const base = resident()
  const worker = createProjectWorker()
  const make = (more: Partial<ProjectOptions> = {}): ReturnType<typeof createProject> => createProject({ id: 'bench', root, worker, maxFileBytes: 2 ** 21, ...more })

  const project = make()
  const started = performance.now()
  let first = 0
  const firstBlock = await watchLoop(async () => {
    await project.now()
    first = performance.now() - started
    // Watches are set and everything is checked once more.
    await wait(200 + first * 4)
  })
  const state = await project.now()
  const memory = resident()
  const paths = state.files.map(({ path }) => path)
  const stat = await measure(() => { for (const path of paths) lstatSync(join(root, path)) })
  const index = await measure(async () => await readIndex(join(root, '.git/index'), 20))
  const read = await measure(() => { for (const path of paths) readFileSync(join(root, path)) }, 3)
  const bare = await measure(async () => await new Promise((resolve) => setImmediate(() => setImmediate(resolve))), 200)
  const hit = await measure(async () => await project.now(), 200)
  const path = paths.find((name) => /\.(?:ts|js|md)$/.test(name)) ?? paths[0]!
  const content = readFileSync(join(root, path))
  const change = async (): Promise<void> => { writeFileSync(join(root, path), content); await project.now() }
  const changed = await measure(change, 30)
  const changedBlock = await watchLoop(async () => { for (let round = 0; round < 20; round++) await change() })
  const unwatched = make({ watch: false })
  await unwatched.now()
  const check = await measure(async () => await unwatched.now())
  const checkBlock = await watchLoop(async () => { for (let round = 0; round < 3; round++) await unwatched.now() })

  console.log(`${paths.length} files; ratios are to a stat of each of them\n`)
  row('stat of everything', stat, stat)
  row('parsing .git/index', index, stat)
  row('reading all files', read, stat)
  row('first listing (loads the worker)', first, stat)
  row('nothing changed, watched', hit, stat)
  row('  two turns of an idle event loop', bare, stat)
  row('one file changed, watched', changed, stat)
  row('nothing changed, not watched: a full check', check, stat)
  console.log('')
  for (const [what, [p99, longest]] of [['first listing and watches', firstBlock], ['one file changed', changedBlock], ['full checks', checkBlock]] as const) {
    console.log(`${`hold of the event loop, ${what}`.padEnd(52)}${p99.toFixed(1).padStart(12)} ms p99, ${longest.toFixed(1)} ms at most`)
  }
  console.log(`${'resident memory, with the worker thread and watches'.padEnd(52)}${memory.toFixed(0).padStart(12)} MB, ${base.toFixed(0)} MB before`)
  const within = hit <= stat * 1.1 && changed - hit <= 5 && [firstBlock, changedBlock, checkBlock].every(([p99]) => p99 <= LOOP_MS) && memory < MEMORY_MB
  console.log(within ? '\nwithin the limits' : `\nNOT within the limits (1.1 × stat, 5 ms, ${LOOP_MS} ms of the loop, ${MEMORY_MB} MB), or the machine is not idle`)
  await worker.close()
  return true
}

await runProgram({ readOptions, load: async () => ({ run }) })
