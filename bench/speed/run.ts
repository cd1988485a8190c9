import { mkdtemp, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { messageOf } from '../../core/errors.js'
import { headOf } from '../context/git.js'
import { createWorkspace, repositoryName } from '../context/workspace.js'
import { agentFor } from '../shared/agents.js'
import { progress } from '../shared/progress.js'
import { generateRepository } from './generate.js'
import { measureBuilds } from './measures/builds.js'
import { measureCold } from './measures/cold.js'
import { measureAgents, measureEqual } from './measures/crowds.js'
import { measureEdits } from './measures/edits.js'
import { measureHits } from './measures/hits.js'
import { measureRepomix } from './measures/repomix.js'
import { begin, FULL, QUICK, type Subject } from './measures/subject.js'
import { measureThroughput } from './measures/throughput.js'
import { reportLoop, reportProcesses } from './measures/totals.js'
import type { Options } from './options.js'
import { isObservable } from './processes.js'
import { findRepomix } from './repomix.js'
import { renderReport, type Report } from './report.js'

const QUICK_FILES = 140

/** What it is to be measured against, or why it is not. */
async function repomixFor (options: Options, folder: string): Promise<{ program: string } | { missing: string }> {
  if (options.quick) return { missing: '--quick looks at answers alone.' }
  if (options.repomix === undefined) return { missing: 'name its program with --repomix, or have it fetched with --repomix install.' }
  try {
    return { program: await findRepomix(options.repomix, folder) }
  } catch (error) {
    throw new Error(`${options.repomix} cannot be measured as repomix: ${messageOf(error)}`, { cause: error })
  }
}

async function measureRepository (path: string, options: Options, parent: string, repomix: Awaited<ReturnType<typeof repomixFor>>): Promise<Report> {
  const repository = resolve(path)
  const name = repositoryName(repository)
  const commit = await headOf(repository)
  const folder = await mkdtemp(join(parent, 'repository-'))
  const say = (text: string): void => progress(`${name}: ${text}`)
  say('checking out')
  const workspace = await createWorkspace(repository, folder)
  const files = await workspace.checkOut(commit)
  const agent = agentFor(files)
  const subject: Subject = { root: workspace.root, folder, agent, plan: options.quick ? QUICK : FULL, figures: [], faults: [], loop: [], say }
  const notMeasured: string[] = []
  const coldMs = await measureCold(subject)
  const session = await begin(subject)
  try {
    // Before all that is done many times, which needs memory of its own.
    if ('program' in repomix) await measureRepomix(subject, session, repomix.program)
    else notMeasured.push(`repomix: ${repomix.missing}`)
    // Before anything is asked without sending: objects that only look like requests would make those that are requests slower.
    await measureThroughput(subject, session)
    await measureHits(subject, session)
    await measureBuilds(subject, session)
    await measureEdits(subject, session)
    await measureEqual(subject, session)
    await measureAgents(subject, session, coldMs)
    reportLoop(subject)
    if (isObservable()) reportProcesses(subject, session)
    else notMeasured.push('processes and memory: this system does not tell of them in /proc.')
  } finally {
    progress('')
    await session.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  return { name, agent, files: files.length, figures: subject.figures, faults: subject.faults, notMeasured }
}

/** Measures, prints, and answers whether every answer was right. Works in `folder`, which is the caller's to remove. */
export async function run (options: Options, folder: string): Promise<boolean> {
  const repomix = await repomixFor(options, folder)
  const repositories = [...options.repo]
  const count = options.generate ?? (options.quick && repositories.length === 0 ? QUICK_FILES : undefined)
  if (count !== undefined) {
    progress(`writing ${count} files`)
    const generated = join(folder, `generated-${count}.git`)
    await generateRepository(generated, count)
    repositories.push(generated)
  }
  const reports: Report[] = []
  for (const path of repositories) {
    const report = await measureRepository(path, options, folder, repomix)
    reports.push(report)
    if (options.format === 'text') console.log(`${renderReport(report, options.markdown === true)}\n`)
  }
  if (options.format === 'json') console.log(JSON.stringify({ repositories: reports }, null, 2))
  const faults = reports.reduce((sum, report) => sum + report.faults.length, 0)
  if (faults > 0) console.error(`${faults} times an answer was wrong.`)
  return faults === 0
}
