import { lintSource } from '@secretlint/core'
import { secretLintProfiler } from '@secretlint/profiler'
import { rules as recommended } from '@secretlint/secretlint-rule-preset-recommend'
import { isHinted, mayHoldSecret } from './secret-hints.js'
import { findCredentials, type Range } from './secret-patterns.js'
import { findNamedValues } from './secret-values.js'

export interface Redacted {
  text: string
  /** How many values were taken out. */
  count: number
}

// Its profiler keeps every mark for ever and searches all of them at each one: after some hundred files
// that costs more than the search for secrets (measured: 105 ms became 5 s).
secretLintProfiler.mark = () => {}

// Without the rule that lets a comment in a file decide that its secrets are handed out.
const RULES = recommended.filter((rule) => rule.meta.id !== '@secretlint/secretlint-rule-filter-comments').map((rule) => ({ id: rule.meta.id, rule }))
const UNHINTED = RULES.filter(({ id }) => !isHinted(id))

/** Replaces the secrets that the rule set and our own additions to it find in a text. */
export async function redact (text: string, path: string): Promise<Redacted> {
  const found = mayHoldSecret(text, path) ? await findAll(text, path) : await findByRules(text, path, UNHINTED)
  return replace(text, [...found, ...findNamedValues(text)])
}

/** The same without asking first whether the text may hold any. */
export async function redactUnasked (text: string, path: string): Promise<Redacted> {
  return replace(text, [...await findAll(text, path), ...findNamedValues(text)])
}

async function findAll (text: string, path: string): Promise<Range[]> {
  return [...await findByRules(text, path, RULES), ...findCredentials(text)]
}

async function findByRules (text: string, path: string, rules: typeof RULES): Promise<Range[]> {
  if (rules.length === 0) return []
  const dot = path.lastIndexOf('.')
  const result = await lintSource({
    source: { content: text, filePath: path, ext: dot < 0 ? '' : path.slice(dot), contentType: 'text' },
    options: { config: { rules }, locale: 'en', maskSecrets: true, noPhysicFilePath: true }
  })
  return result.messages.map((message) => message.range as Range)
}

function replace (text: string, found: readonly Range[]): Redacted {
  const ranges = mergeRanges(found)
  let redacted = ''
  let end = 0
  for (const [start, stop] of ranges) {
    redacted += `${text.slice(end, start)}[REDACTED]`
    end = stop
  }
  return { text: redacted + text.slice(end), count: ranges.length }
}

function mergeRanges (ranges: readonly Range[]): Range[] {
  const merged: [number, number][] = []
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1)
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end)
    else merged.push([start, end])
  }
  return merged
}
