import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { languageOf } from '../../core/project/languages.js'
import { BASELINES, type Baselines } from './baselines.js'
import type { Case } from './cases.js'
import { isSource } from './files.js'
import type { AnsweredFile, Asked, ContextAnswer, Product } from './product.js'
import { decodeText, isRedactionOf } from './text.js'
import { countTokens } from './tokens.js'
import { readOriginal, showsHalf, showsHunk, type Original } from './visibility.js'
import { touch, type TreeFile, type Workspace } from './workspace.js'

/** By how much the answer may be wrong about its own tokens. */
const COUNT_TOLERANCE = 0.01

export const METHODS = ['sidecar', ...BASELINES] as const
export type Method = typeof METHODS[number]

/** What one answer shows of the files that were then changed. */
export interface Score {
  /** Gold files that are there whole, or with half of what they define. */
  found: string[]
  recall: number
  hunksSeen: number
  /** Share of the changes that are visible with the lines around them. */
  changedLinesSeen: number
}

export interface SidecarFault {
  kind: 'over-budget' | 'miscounted' | 'stale' | 'failure'
  budget: number
  detail: string
}

export interface Latencies {
  /** The first request after the check-out. */
  cold: number
  /** Further requests over the same tree, when all files are known, that no cached answer serves. */
  rebuilt: number[]
  /** The first request again. */
  warm: number
  /** And again, after one file was edited. */
  edited: number
}

export interface CaseResult {
  hash: string
  title: string
  gold: string[]
  hunks: number
  scores: Record<number, Record<Method, Score>>
  tokens: Record<number, number>
  faults: SidecarFault[]
  latencies: Latencies
  /** Gold files that the sidecar has missed at the largest budget, and where its explanation has them; `null` where it does not. */
  missed: { path: string, rank: number | null, of: number, reason: string | null }[]
}

interface Gold {
  path: string
  original: Original
  hunks: Case['gold'][number]['hunks']
}

/** Content by path. */
type Shown = ReadonlyMap<string, { content: string, whole: boolean }>

export function scoreOf (gold: readonly Gold[], shown: Shown): Score {
  const found = gold.filter(({ path, original }) => {
    const file = shown.get(path)
    return file !== undefined && (file.whole || showsHalf(original, file.content))
  }).map(({ path }) => path)
  const hunks = gold.reduce((sum, file) => sum + file.hunks.length, 0)
  const hunksSeen = gold.reduce((sum, { path, original, hunks: own }) => {
    const file = shown.get(path)
    return file === undefined ? sum : sum + own.filter((hunk) => showsHunk(original, file.content, hunk)).length
  }, 0)
  return { found, recall: found.length / gold.length, hunksSeen, changedLinesSeen: hunks === 0 ? 0 : hunksSeen / hunks }
}

export interface CaseOptions {
  workspace: Workspace
  product: Product
  baselines: Baselines
  /** Ascending. */
  budgets: readonly number[]
  issue: string
  explain: boolean
}

/** Measures the parent of a commit, which is checked out. */
export async function measureCase (subject: Case, files: readonly TreeFile[], { workspace, product, baselines, budgets, issue, explain }: CaseOptions): Promise<CaseResult> {
  const gold = subject.gold.map(({ path, hunks }) => ({ path, hunks, original: readOriginal(path, decodeText(workspace.read(path)) ?? '') }))
  const query = `${subject.wish.title}\n${subject.wish.description}`
  await product.tell(issue, subject.wish)

  const tracked = new Set(files.map(({ path }) => path))
  const faults: SidecarFault[] = []
  const scores: CaseResult['scores'] = {}
  const tokens: CaseResult['tokens'] = {}
  const rebuilt: number[] = []
  const largest = Math.max(...budgets)
  // What a cold request costs is told for the budget that costs most. What answers show is judged when all files are known to the index.
  const cold = await product.ask(issue, { max_tokens: largest, fresh: 'true' })
  faults.push(...faultsOf(cold, largest, countTokens(JSON.stringify(cold.answer?.context ?? null)), tracked, workspace))
  await untilComplete(product, issue, largest)
  for (const budget of [...budgets].sort((a, b) => b - a)) {
    const asked = await product.ask(issue, { max_tokens: budget, fresh: 'true' })
    rebuilt.push(asked.milliseconds)
    const { answer } = asked
    if (answer !== undefined) tokens[budget] = countTokens(JSON.stringify(answer.context))
    faults.push(...faultsOf(asked, budget, tokens[budget] ?? 0, tracked, workspace))
    scores[budget] = { sidecar: scoreOf(gold, shownBy(answer)) } as Record<Method, Score>
  }
  const { warm, edited } = await askAgain()
  await baselines.load(files, query, Number.parseInt(subject.hash.slice(0, 8), 16))
  for (const budget of budgets) {
    for (const baseline of BASELINES) {
      const shown = new Map((await baselines.choose(baseline, budget))
        .map(({ path, outline }) => [path, { content: outline ?? gold.find((file) => file.path === path)?.original.text ?? '', whole: outline === undefined }]))
      scores[budget]![baseline] = scoreOf(gold, shown)
    }
  }
  return {
    hash: subject.hash,
    title: subject.wish.title,
    gold: gold.map(({ path }) => path),
    hunks: gold.reduce((sum, file) => sum + file.hunks.length, 0),
    scores,
    tokens,
    faults,
    latencies: { cold: cold.milliseconds, rebuilt, warm, edited },
    missed: explain ? await explainMisses() : []
  }

  async function askAgain (): Promise<{ warm: number, edited: number }> {
    const warm = await product.ask(issue, { max_tokens: largest })
    const shown = new Set(warm.answer?.context.relevant_files.map(({ path }) => path))
    const sources = [...tracked].filter(isSource)
    const path = sources.find((source) => shown.has(source)) ?? sources[0]!
    const restore = await touch(workspace.root, path, Buffer.concat([workspace.read(path), Buffer.from(commentFor(path))]))
    try {
      const edited = await product.ask(issue, { max_tokens: largest })
      faults.push(...faultsOf(edited, largest, edited.answer?.token_count ?? 0, tracked, workspace).filter(({ kind }) => kind === 'stale' || kind === 'failure'))
      return { warm: warm.milliseconds, edited: edited.milliseconds }
    } finally {
      await restore()
    }
  }

  async function explainMisses (): Promise<CaseResult['missed']> {
    const explanation = (await product.ask(issue, { max_tokens: largest, explain: 'true' })).answer?.explanation ?? []
    return gold.filter(({ path }) => !scores[largest]!.sidecar.found.includes(path)).map(({ path }) => {
      const index = explanation.findIndex((entry) => entry.path === path)
      return { path, rank: index < 0 ? null : index + 1, of: explanation.length, reason: explanation[index]?.reason ?? null }
    })
  }
}

const COMPLETE_MS = 300_000

/** Asks until the answer is cached: one that is not made of all files never is. */
async function untilComplete (product: Product, issue: string, budget: number): Promise<void> {
  const end = performance.now() + COMPLETE_MS
  while ((await product.ask(issue, { max_tokens: budget })).answer?.cache_hit === false) {
    if (performance.now() > end) throw new Error(`The answer is still not made of all files after ${COMPLETE_MS / 1000} s.`)
  }
}

function commentFor (path: string): string {
  const hash = ['python', 'ruby', 'shell', 'r', 'perl', 'elixir', 'powershell'].includes(languageOf(path) ?? '')
  return `\n${hash ? '#' : '//'} edited by the benchmark\n`
}

function shownBy (answer: ContextAnswer | undefined): Shown {
  return new Map((answer?.context.relevant_files ?? []).map(({ path, content, truncation }) => [path, { content, whole: truncation === 'none' }]))
}

function faultsOf ({ answer, status, text }: Asked, budget: number, counted: number, tracked: ReadonlySet<string>, workspace: Workspace): SidecarFault[] {
  if (answer === undefined) return [{ kind: 'failure', budget, detail: `${status} ${text.slice(0, 300)}` }]
  const faults: SidecarFault[] = []
  if (counted > budget) faults.push({ kind: 'over-budget', budget, detail: `${counted} tokens` })
  if (Math.abs(answer.token_count - counted) > COUNT_TOLERANCE * counted) faults.push({ kind: 'miscounted', budget, detail: `it says ${answer.token_count} tokens and has ${counted}` })
  const stale = answer.context.relevant_files.filter((file) => isStale(file, tracked, workspace)).map(({ path }) => path)
  if (stale.length > 0) faults.push({ kind: 'stale', budget, detail: stale.join(', ') })
  return faults
}

/** Whether a file of the answer is not the file on the disk. Texts that a strategy has made have no file. */
function isStale ({ path, content, checksum, truncation }: AnsweredFile, tracked: ReadonlySet<string>, workspace: Workspace): boolean {
  if (!existsSync(join(workspace.root, path))) return tracked.has(path)
  const bytes = workspace.read(path)
  if (checksum !== `sha256:${createHash('sha256').update(bytes).digest('hex')}`) return true
  return truncation === 'none' && !isRedactionOf(content.replace(/^\uFEFF/, ''), decodeText(bytes) ?? '')
}
