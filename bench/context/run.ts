import { mkdtemp, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { messageOf } from '../../core/errors.js'
import { agentFor } from '../shared/agents.js'
import { progress } from '../shared/progress.js'
import { createBaselines } from './baselines.js'
import { caseOf, recentCases, type Case } from './cases.js'
import { headOf } from './git.js'
import { measureCase, type CaseResult } from './measure.js'
import type { Options } from './options.js'
import { startProduct } from './product.js'
import { renderMisses, renderTables } from './report.js'
import { macroAverage, summarize, type RepositoryResult } from './summary.js'
import { createWorkspace, repositoryName } from './workspace.js'

/** None where one commit is asked for that the repository does not have. */
async function casesOf (repository: string, options: Options): Promise<Case[]> {
  if (options.case !== undefined) {
    const subject = await caseOf(repository, options.case)
    return subject === undefined ? [] : [subject]
  }
  const cases = await recentCases(repository, options.cases)
  if (cases.length === 0) throw new Error(`No commit of ${repository} makes a case: 1 to 8 modified source files, and a message that says what was wanted.`)
  return cases
}

async function measureRepository (path: string, options: Options, parent: string): Promise<RepositoryResult | undefined> {
  const repository = resolve(path)
  const name = repositoryName(repository)
  await headOf(repository)
  progress(`${name}: choosing commits`)
  const cases = await casesOf(repository, options)
  if (cases.length === 0) return undefined
  const folder = await mkdtemp(join(parent, 'repository-'))
  const workspace = await createWorkspace(repository, folder)
  const agent = options.agent ?? agentFor(await workspace.tree(cases[0]!.parent))
  const product = await startProduct(workspace.root, folder, agent)
  try {
    const baselines = createBaselines(workspace)
    const results: CaseResult[] = []
    for (const [index, subject] of cases.entries()) {
      progress(`${name}: ${index + 1} of ${cases.length}  ${subject.wish.title.slice(0, 50)}`)
      let files
      try {
        files = await workspace.checkOut(subject.parent)
      } catch (error) {
        // A copy of a repository may lack some objects.
        progress('')
        console.error(`${name}: left out ${subject.hash.slice(0, 12)}, whose parent cannot be checked out: ${messageOf(error)}`)
        continue
      }
      results.push(await measureCase(subject, files, { workspace, product, baselines, budgets: options.budgets, issue: `case-${index + 1}`, explain: options.verbose === true }))
    }
    if (results.length === 0) throw new Error(`No commit of ${repository} could be checked out.`)
    return { name, agent, range: [results.at(-1)!.hash, results[0]!.hash], cases: results }
  } finally {
    progress('')
    await product.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Measures, prints, and answers whether the sidecar kept its promises. Works in `folder`, which is the caller's to remove. */
export async function run (options: Options, folder: string): Promise<boolean> {
  const results = []
  for (const path of options.repo) {
    const repository = await measureRepository(path, options, folder)
    if (repository === undefined) continue
    results.push({ repository, summary: summarize(repository.cases, options.budgets) })
    if (options.verbose && options.format === 'text') console.log(`${renderMisses(repository.cases)}\n`)
  }
  if (results.length === 0) throw new Error(`No repository has the commit '${options.case}'.`)
  const average = macroAverage(results.map(({ summary }) => summary.table), options.budgets)
  if (options.format === 'json') {
    const repositories = results.map(({ repository, summary }) => ({ ...repository, ...summary }))
    console.log(JSON.stringify({ budgets: options.budgets, repositories, average }, null, 2))
  } else {
    console.log(renderTables(results, average, options.budgets, options.markdown === true))
  }
  const faults = results.flatMap(({ repository }) => repository.cases.flatMap((result) => result.faults)).length
  if (faults > 0) console.error(`The sidecar did ${faults} times what it must never do; --verbose says when.`)
  return faults === 0
}
