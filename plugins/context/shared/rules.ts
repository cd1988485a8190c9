import type { PathKind } from './path-kind.js'
import { createPathMatcher } from './path-matcher.js'
import type { Place } from './place.js'
import { stem } from './words.js'

/** Which files are wanted, how much, and what is said about them. A file may match by path, by word or by test. */
export interface Rule {
  /** Patterns as `createPathMatcher` takes them. */
  readonly paths?: readonly string[]
  /** Words of the name or, at four fifths of the score, the folders; identifiers are split, so `auth` does not find `author`. */
  readonly words?: readonly string[]
  readonly when?: (place: Place) => boolean
  /** Kinds of files that count; all by default. */
  readonly kinds?: readonly PathKind[]
  /** What a file's beginning must show; such files are read, within the bound of `searchContents`. */
  readonly content?: RegExp
  /** 0…1 */
  readonly score: number
  /** A short fragment of a sentence. */
  readonly reason: string
}

export interface Finding {
  readonly rule: Rule
  /** Value of the strategy's parameter that the rule belongs to, e.g. `npm`; `undefined` for rules that always hold. */
  readonly group: string | undefined
  readonly score: number
}

/** Compiles rules into one look at a place that reports every rule whose paths, words or test it meets. */
export function compileRules (rules: readonly Rule[], groups: Readonly<Record<string, readonly Rule[]>> = {}) {
  const all = [
    ...rules.map(rule => ({ rule, group: undefined, score: rule.score })),
    ...Object.entries(groups).flatMap(([group, members]) => members.map(rule => ({ rule, group, score: rule.score })))
  ]
  const byPath = createPathMatcher(all.flatMap(finding => (finding.rule.paths ?? []).map(path => [path, finding] as const)))
  const byWord = new Map<string, { finding: Finding, inFolder: Finding }[]>()
  for (const finding of all) {
    const pair = { finding, inFolder: { ...finding, score: finding.score * 0.8 } }
    for (const word of finding.rule.words ?? []) byWord.set(stem(word), [...(byWord.get(stem(word)) ?? []), pair])
  }
  const tests = all.filter(finding => finding.rule.when !== undefined)

  return (place: Place, report: (finding: Finding) => void): void => {
    byPath(place, report)
    if (byWord.size > 0) {
      for (const word of place.nameWords) byWord.get(word)?.forEach(({ finding }) => { report(finding) })
      for (const word of place.folderWords) byWord.get(word)?.forEach(({ inFolder }) => { report(inFolder) })
    }
    for (const finding of tests) if (finding.rule.when!(place)) report(finding)
  }
}
