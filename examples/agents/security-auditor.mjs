// Looks for suspicious code and manifests, and ranks what it finds by what the others learnt: untested and much used counts double.
import { isMarkdown, languageOf } from './analysis/files.mjs'
import { bounded, count, readProject } from './analysis/project.mjs'
import { tally } from './analysis/modules.mjs'
import { isManifest, manifestFindings } from './analysis/manifests.mjs'
import { SEVERITIES, suspiciousCode } from './analysis/suspicious-code.mjs'
import { readEarlierWork } from './earlier-work.mjs'

const EARLIER = ['chief-architect', 'coding-specialist', 'documentation-expert', 'test-engineer']
const WEIGHT = { info: 0.25, low: 1, medium: 3, high: 8 }

const isCode = (path) => languageOf(path) !== undefined

export default async function securityAuditor (sidecar) {
  await sidecar.say('waiting for testing_complete and for the documentation expert', 0)
  const [event] = await Promise.all([
    sidecar.waitFor('testing_complete'),
    sidecar.waitFor('agent_completed', 'agent_type:documentation-expert')
  ])
  const began = performance.now()
  await sidecar.say(`woken by ${event.event_id}`, 0.2)
  const { work, warnings } = await readEarlierWork(sidecar, EARLIER)
  const project = readProject(await sidecar.context())
  warnings.push(...project.gaps('files of code', isCode), ...project.gaps('manifests', isManifest))

  const code = project.seen.filter((file) => isCode(file.path))
  const manifests = project.seen.filter((file) => isManifest(file.path))
  await sidecar.say(`examining ${count(code.length, 'file')} of code and ${count(manifests.length, 'manifest')}`, 0.5)
  const findings = rank([...code.flatMap(suspiciousCode), ...manifestFindings(project)], work)
  const policy = project.files.some((file) => isMarkdown(file.path) && /(^|\/)security\.[^/]+$/i.test(file.path))

  const bySeverity = tally(findings.map((finding) => finding.severity))
  const stored = await sidecar.store({
    status: 'success',
    decisions: decide({ findings, bySeverity, code, manifests, work, policy }),
    metrics: {
      code_files: code.length,
      manifests: manifests.length,
      findings: findings.length,
      ...bySeverity,
      in_untested_files: findings.filter((finding) => finding.untested).length,
      duration_ms: Math.round(performance.now() - began)
    },
    artifacts: {
      builds_on: Object.values(work).map((earlier) => earlier.id),
      findings: bounded(findings, 200, 'findings', warnings),
      by_rule: tally(findings.map((finding) => finding.rule)),
      security_policy: policy
    },
    warnings,
    next_steps: findings.filter((finding) => finding.severity !== 'info').slice(0, 5)
      .map((finding) => `Look at ${place(finding)}: it ${finding.detail}${finding.untested ? '; it has no test' : ''}`)
  })
  await sidecar.publish('audit_complete', 'security', { result_id: stored.id, findings: findings.length, by_severity: bySeverity }, event)
  await sidecar.say(`stored ${stored.id} and published audit_complete with ${count(findings.length, 'finding')}`, 1)
}

function rank (findings, work) {
  const untested = new Set((work['test-engineer']?.artifacts.untested ?? []).map((file) => file.path))
  const importersOf = new Map((work['chief-architect']?.artifacts.dependencies?.internal ?? []).map((file) => [file.path, file.importers]))
  const hardToRead = work['coding-specialist']?.artifacts.per_file ?? {}
  return findings.map((finding) => {
    const importers = importersOf.get(finding.path) ?? 0
    const facts = { untested: untested.has(finding.path), importers, hard_to_read: finding.path in hardToRead }
    const risk = WEIGHT[finding.severity] * (facts.untested ? 2 : 1) * (facts.hard_to_read ? 1.25 : 1) * (1 + Math.log2(1 + importers) / 4)
    return { ...finding, ...facts, risk: Math.round(risk * 10) / 10 }
  }).sort((a, b) => b.risk - a.risk || a.path.localeCompare(b.path))
}

function decide ({ findings, bySeverity, code, manifests, work, policy }) {
  const looked = `${count(code.length, 'file')} of code and ${count(manifests.length, 'manifest')}`
  const exposed = findings.filter((finding) => finding.untested)
  const deadLinks = work['documentation-expert']?.metrics.dead_links
  const severities = SEVERITIES.toReversed().filter((severity) => bySeverity[severity]).map((severity) => `${bySeverity[severity]} ${severity}`)
  return [
    findings.length > 0 ? `${count(findings.length, 'finding')} in ${looked}: ${severities.join(', ')}.` : `Nothing suspicious in ${looked}.`,
    findings.length > 0 && `${place(findings[0])} comes first (${findings[0].severity}, risk ${findings[0].risk}): it ${findings[0].detail}.`,
    exposed.length > 0 && `${count(exposed.length, 'finding')} in files that have no test, first ${exposed[0].path}: a mistake there would not be noticed.`,
    `The project has ${policy ? 'a' : 'no'} security policy${deadLinks > 0 ? `; its documents hold ${count(deadLinks, 'dead link')}` : ''}.`
  ].filter(Boolean)
}

function place (finding) {
  return finding.line ? `${finding.path}:${finding.line}` : finding.path
}
