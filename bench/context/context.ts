import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { CommanderError } from 'commander'
import { git } from '../../core/project/worker/git.js'
import { languageOf } from '../../core/project/languages.js'
import { createBaselines } from './baselines.js'
import { caseOf, recentCases, type Case } from './cases.js'
import { isSource } from './files.js'
import { measureCase, type CaseResult } from './measure.js'
import { readOptions, type Options } from './options.js'
import { startProduct } from './product.js'
import { renderMisses, renderTables } from './report.js'
import { macroAverage, summarize, type RepositoryResult } from './summary.js'
import { createWorkspace, repositoryName, type TreeFile } from './workspace.js'

const FAILED = 1
const WRONG_USAGE = 2
const INTERRUPTED = 130

/** Agent types for the languages that have one of their own. */
const AGENTS = new Map(Object.entries({
  javascript: 'javascript-pro', typescript: 'typescript-pro', python: 'python-pro', go: 'golang-pro', rust: 'rust-pro'
}))
const ANY_LANGUAGE = 'fullstack-developer'

const folders = new Set<string>()

/** Also when the program is interrupted: nothing else would take the folders away. */
function removeFolders (): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  folders.clear()
}

function progress (text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}

/** The agent type for the language in which most of the source is written. */
function agentFor (files: readonly TreeFile[]): string {
  const sizes = new Map<string, number>()
  for (const { path, size } of files) {
    const language = languageOf(path)
    if (language !== undefined && isSource(path)) sizes.set(language, (sizes.get(language) ?? 0) + size)
  }
  const main = [...sizes].sort(([, a], [, b]) => b - a)[0]?.[0]
  return AGENTS.get(main ?? '') ?? ANY_LANGUAGE
}

async function casesOf (repository: string, options: Options): Promise<Case[]> {
  if (options.case !== undefined) return [await caseOf(repository, options.case)]
  const cases = await recentCases(repository, options.cases)
  if (cases.length === 0) throw new Error(`No commit of ${repository} makes a case: 1 to 8 modified source files, and a message that says what was wanted.`)
  return cases
}

async function measureRepository (path: string, options: Options): Promise<RepositoryResult> {
  const repository = resolve(path)
  const name = repositoryName(repository)
  await git(repository, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']).catch((error: unknown) => {
    throw new Error(`${repository} is no git repository with a commit.`, { cause: error })
  })
  progress(`${name}: choosing commits`)
  const cases = await casesOf(repository, options)
  const folder = await mkdtemp(join(tmpdir(), 'cco-bench-'))
  folders.add(folder)
  const workspace = await createWorkspace(repository, folder)
  const agent = options.agent ?? agentFor(await workspace.checkOut(cases[0]!.parent))
  const product = await startProduct(workspace.root, folder, agent)
  try {
    const baselines = createBaselines(workspace)
    const results: CaseResult[] = []
    for (const subject of cases) {
      progress(`${name}: ${results.length + 1} of ${cases.length}  ${subject.wish.title.slice(0, 50)}`)
      const issue = `case-${results.length + 1}`
      results.push(await measureCase(subject, { workspace, product, baselines, budgets: options.budgets, issue, explain: options.verbose }))
    }
    return { name, agent, range: [cases.at(-1)!.hash, cases[0]!.hash], cases: results }
  } finally {
    progress('')
    await product.close()
    removeFolders()
  }
}

async function run (options: Options): Promise<number> {
  const results = []
  for (const path of options.repo) {
    const repository = await measureRepository(path, options)
    results.push({ repository, summary: summarize(repository.cases, options.budgets) })
    if (options.verbose && options.format === 'text') console.log(`${renderMisses(repository.cases)}\n`)
  }
  const average = macroAverage(results.map(({ summary }) => summary.table), options.budgets)
  if (options.format === 'json') {
    const repositories = results.map(({ repository, summary }) => ({ ...repository, ...summary }))
    console.log(JSON.stringify({ budgets: options.budgets, repositories, average }, null, 2))
  } else {
    console.log(renderTables(results, average, options.budgets, options.markdown))
  }
  const faults = results.flatMap(({ repository }) => repository.cases.flatMap((result) => result.faults))
  return faults.length === 0 ? 0 : FAILED
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    progress('')
    removeFolders()
    process.exit(INTERRUPTED)
  })
}

try {
  process.exitCode = await run(readOptions(process.argv.slice(2)))
} catch (error) {
  removeFolders()
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE
  } else {
    progress('')
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = FAILED
  }
}
