// Looks for what makes the sources hard to change, first in the architect's modules. It proposes and changes nothing.
import { isSource } from './analysis/files.mjs'
import { bounded, count, readProject } from './analysis/project.mjs'
import { moduleOf, tally } from './analysis/modules.mjs'
import { codeFindings } from './analysis/code-findings.mjs'
import { duplicateBlocks } from './analysis/duplicates.mjs'
import { readEarlierWork } from './earlier-work.mjs'

const ADVICE = {
  'long-function': 'split it into steps with names of their own',
  'large-file': 'give each of its concerns a file',
  'deep-nesting': 'return early and move the inner blocks out',
  'duplicate-block': 'keep one of the two and call it',
  'open-remark': 'do it or open an issue for it'
}

export default async function codingSpecialist (sidecar) {
  await sidecar.say('waiting for architecture_defined', 0)
  const event = await sidecar.waitFor('architecture_defined')
  const began = performance.now()
  await sidecar.say(`woken by ${event.event_id}`, 0.2)
  const { work, warnings } = await readEarlierWork(sidecar, ['chief-architect'])
  const project = readProject(await sidecar.context())
  warnings.push(...project.gaps('source files', isSource))

  const architecture = work['chief-architect']?.artifacts
  const modules = architecture?.module_map?.attention ?? []
  const sources = project.seen.filter((file) => isSource(file.path))
  const chosen = sources.filter((file) => moduleOf(file.path, modules)).length
  if (chosen === 0 && modules.length > 0) warnings.push(`No source file of the architect's ${count(modules.length, 'part')} was in the context`)
  await sidecar.say(`examining ${count(sources.length, 'file')}, ${chosen} of them in the architect's ${count(modules.length, 'part')}`, 0.5)
  const findings = rank([...sources.flatMap(codeFindings), ...duplicates(sources)], modules, architecture?.dependencies?.internal ?? [])

  const perFile = tally(findings.map((finding) => finding.path))
  const stored = await sidecar.store({
    status: 'success',
    decisions: decide(findings, sources, perFile),
    metrics: {
      files_examined: sources.length,
      files_in_chosen_modules: chosen,
      findings: findings.length,
      ...tally(findings.map((finding) => finding.kind)),
      duration_ms: Math.round(performance.now() - began)
    },
    artifacts: {
      builds_on: work['chief-architect']?.id ?? null,
      findings: bounded(findings, 200, 'findings', warnings),
      per_file: perFile
    },
    warnings,
    next_steps: findings.slice(0, 5).map((finding) => `${finding.path}:${finding.line} ${finding.detail}: ${ADVICE[finding.kind]}`)
  })
  const outcome = { result_id: stored.id, findings: findings.length, files_affected: Object.keys(perFile).slice(0, 50) }
  await sidecar.publish('implementation_complete', 'implementation', outcome, event)
  await sidecar.say(`stored ${stored.id} and published implementation_complete with ${count(findings.length, 'finding')}`, 1)
}

function duplicates (sources) {
  return duplicateBlocks(sources.filter((file) => file.whole)).slice(0, 25)
    .map(({ path, line, lines, other }) => {
      return { path, line, kind: 'duplicate-block', detail: `${lines} lines repeat ${other.path}:${other.line}`, weight: lines / 20 }
    })
}

/** What the architect chose comes first, and what much depends on. */
function rank (findings, modules, internal) {
  const importersOf = new Map(internal.map((file) => [file.path, file.importers]))
  return findings
    .map(({ weight, ...finding }) => {
      const module = moduleOf(finding.path, modules)?.path ?? null
      const score = weight * (module ? 2 : 1) * (1 + Math.log2(1 + (importersOf.get(finding.path) ?? 0)))
      return { ...finding, module, score: Math.round(score * 10) / 10 }
    })
    .sort((a, b) => b.score - a.score || a.path.localeCompare(b.path) || a.line - b.line)
}

function decide (findings, sources, perFile) {
  const looked = count(sources.length, 'source file')
  if (findings.length === 0) return [`${looked} examined; nothing is longer, deeper or more repeated than the limits allow.`]
  const [worst] = findings
  const [[path, number]] = Object.entries(perFile)
  const kinds = Object.entries(tally(findings.map((finding) => finding.kind))).map(([kind, times]) => `${times} ${kind}`)
  return [
    `${looked} examined, ${count(findings.length, 'finding')}: ${kinds.join(', ')}.`,
    `${worst.path}:${worst.line} comes first: ${worst.detail}; the proposal is to ${ADVICE[worst.kind]}.`,
    `${path} has the most findings, ${number}.`,
    'Nothing was changed: these are proposals for a person or an agent with the right to write.'
  ]
}
