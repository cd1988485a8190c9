// Finds the sources that no test belongs to, and says which of them to test first.
import { isSource, isTest } from './analysis/files.mjs'
import { bounded, count, readProject } from './analysis/project.mjs'
import { importGraph } from './analysis/import-graph.mjs'
import { matchTests } from './analysis/test-matching.mjs'
import { moduleOf, tally } from './analysis/modules.mjs'
import { readEarlierWork } from './earlier-work.mjs'

export default async function testEngineer (sidecar) {
  await sidecar.say('waiting for implementation_complete', 0)
  const event = await sidecar.waitFor('implementation_complete')
  const began = performance.now()
  await sidecar.say(`woken by ${event.event_id} of ${event.publisher_type}`, 0.2)
  const { work, warnings } = await readEarlierWork(sidecar, ['chief-architect', 'coding-specialist'])
  const project = readProject(await sidecar.context())
  // Names are known of all files, imports only of those whose content is in the context.
  warnings.push(...project.gaps('test files', isTest), ...project.gaps('source files', isSource))

  const { tests, matches } = matchTests(project, importGraph(project))
  await sidecar.say(`matching ${count(matches.length, 'source file')} with ${count(tests.length, 'test file')}`, 0.5)
  const untested = rank(matches.filter((match) => match.by === null), work)
  const tested = matches.length - untested.length
  const ratio = matches.length === 0 ? null : Math.round(tested / matches.length * 1000) / 1000
  const unreached = untested.filter((file) => !file.reached_by_tests).length

  const stored = await sidecar.store({
    status: 'success',
    decisions: decide({ matches, tests, untested, tested, unreached, ratio }),
    metrics: {
      source_files: matches.length,
      test_files: tests.length,
      tested_files: tested,
      untested_files: untested.length,
      tested_ratio: ratio,
      unreached_files: unreached,
      duration_ms: Math.round(performance.now() - began)
    },
    artifacts: {
      builds_on: Object.values(work).map((earlier) => earlier.id),
      untested: bounded(untested, 2000, 'untested files', warnings),
      matched_by: tally(matches.map((match) => match.by ?? 'nothing'))
    },
    warnings,
    next_steps: untested.slice(0, 5).map((file) => `Test ${file.path}: ${file.reason}`)
  })
  const outcome = { result_id: stored.id, tested_ratio: ratio, untested: untested.length, test_first: untested.slice(0, 5).map((file) => file.path) }
  await sidecar.publish('testing_complete', 'testing', outcome, event)
  await sidecar.say(`stored ${stored.id} and published testing_complete: ${count(untested.length, 'untested file')} of ${matches.length}`, 1)
}

/** First what is hard to change, much used, in the architect's modules, and not even run by accident. */
function rank (untested, work) {
  const architecture = work['chief-architect']?.artifacts
  const importersOf = new Map((architecture?.dependencies?.internal ?? []).map((file) => [file.path, file.importers]))
  const findingsOf = work['coding-specialist']?.artifacts.per_file ?? {}
  const attention = architecture?.module_map?.attention ?? []
  return untested.map(({ path, reached }) => {
    const importers = importersOf.get(path) ?? 0
    const findings = findingsOf[path] ?? 0
    const module = moduleOf(path, attention)?.path ?? null
    const score = 2 * Math.log2(1 + findings) + 2 * Math.log2(1 + importers) + (module ? 1 : 0) + (reached ? 0 : 2)
    const way = reached ? 'tests reach it only by way of other files' : 'no import leads to it from a test'
    const reason = `${count(findings, 'finding')} of the coding specialist, imported by ${count(importers, 'file')}, ${way}`
    return { path, module, importers, findings, reached_by_tests: reached, score: Math.round(score * 10) / 10, reason }
  }).sort((a, b) => b.score - a.score || a.path.localeCompare(b.path))
}

function decide ({ matches, tests, untested, tested, unreached, ratio }) {
  if (matches.length === 0) return ['The project lists no source file that a test could belong to.']
  const troubled = untested.filter((file) => file.findings > 0)
  return [
    `${tested} of ${count(matches.length, 'source file')} (${Math.round(ratio * 100)} %) have a test by name, import or inside the file; ` +
      `the project has ${count(tests.length, 'test file')}.`,
    untested.length > 0
      ? `${count(untested.length, 'file')} without a test; to ${unreached} of them no import leads from a test even by way of other files.`
      : 'No source file is without a test.',
    troubled.length > 0 &&
      `The coding specialist has findings in ${troubled.length} of the untested files, first ${troubled[0].path}: test before changing.`,
    untested.length > 0 && `The first to test is ${untested[0].path}: ${untested[0].reason}.`
  ].filter(Boolean)
}
