import { blankText } from './code-text.mjs'
import { isTest } from './files.mjs'
import { RULES } from './security-rules.mjs'

export const SEVERITIES = ['info', 'low', 'medium', 'high']
const LONGEST_LINE = 500 // longer ones are data or minified, and bound what one pattern may cost

/** One finding per rule and file: `{ path, line, lines, rule, severity, detail, excerpt }`. */
export function suspiciousCode ({ path, content, language, whole }) {
  const raw = content.split('\n').map((line) => line.slice(0, LONGEST_LINE))
  const code = blankText(content, language).split('\n').map((line) => line.slice(0, LONGEST_LINE))
  const findings = new Map()
  for (const rule of RULES) {
    if (rule.languages && !rule.languages.includes(language)) continue
    const lines = rule.code ? code : raw
    const at = lines.flatMap((line, index) => code[index].trim() !== '' && rule.pattern.test(line) ? [index] : [])
    if (at.length === 0 || findings.has(rule.id)) continue
    const many = rule.manyAt !== undefined && at.length >= rule.manyAt
    findings.set(rule.id, {
      path,
      // A shortened file has other line numbers than the one on disk.
      line: whole ? at[0] + 1 : null,
      lines: at.length,
      rule: rule.id,
      severity: shifted(rule.severity, (many ? 1 : 0) - (isTest(path) ? 2 : 0)),
      detail: `${rule.detail}${at.length > 1 ? `, on ${at.length} lines` : ''}${isTest(path) ? ', in a test' : ''}`,
      ...(!rule.hidden && { excerpt: raw[at[0]].trim().slice(0, 120) })
    })
  }
  if (findings.has('weak-hash-of-password')) findings.delete('weak-hash')
  return [...findings.values()]
}

function shifted (severity, by) {
  return SEVERITIES[Math.min(SEVERITIES.length - 1, Math.max(0, SEVERITIES.indexOf(severity) + by))]
}
