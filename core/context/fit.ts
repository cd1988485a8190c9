import type { Candidate } from './rank.js'
import { shrink, type Truncation } from './shrink.js'

export interface Budget {
  bytes: number
  tokens: number
}

export interface Readable {
  content: string
  /** Of the content as it stands in a JSON document, escapes included: that is what a model is given. */
  tokens: number
}

export interface Fitted {
  candidate: Candidate
  content: string
  truncation: Truncation
  bytes: number
  tokens: number
}

export interface Fit {
  files: Fitted[]
  dropped: Candidate[]
}

/** Bytes that a file's members beside path and content take in the answer; an upper bound. */
export const ENVELOPE_BYTES = 320
const ENVELOPE_TOKENS = 100
// No one file takes more than this share of the whole, so that a huge one cannot push the others out.
const LARGEST_SHARE = 0.3
// Once so many candidates in a row found no room, the rest, which rank lower, are dropped unread.
const PATIENCE = 40

/** Bytes of a text inside a JSON document. */
export function jsonBytes (text: string): number {
  return Buffer.byteLength(JSON.stringify(text))
}

/** Hands the budget out down the ranking: whole files where they fit, else the largest smaller version that does. */
export async function fitFiles (
  ranked: readonly Candidate[],
  readable: ReadonlyMap<string, Readable>,
  budget: Budget,
  countTokens: (texts: string[]) => Promise<number[]>
): Promise<Fit> {
  const rest = { ...budget }
  const files: Fitted[] = []
  const dropped: Candidate[] = []
  let misses = 0
  const offered = ranked.filter(({ path }) => readable.has(path))
  const pathTokens = await countTokens(offered.map(({ path }) => JSON.stringify(path)))
  for (const [index, candidate] of offered.entries()) {
    const file = readable.get(candidate.path)!
    const envelope = { bytes: jsonBytes(candidate.path) + ENVELOPE_BYTES, tokens: pathTokens[index]! + ENVELOPE_TOKENS }
    const cap = { bytes: Math.min(rest.bytes, Math.max(budget.bytes * LARGEST_SHARE, 1)), tokens: Math.min(rest.tokens, budget.tokens * LARGEST_SHARE) }
    const fitted = misses < PATIENCE ? await fitOne(candidate, file, envelope, cap, countTokens) : undefined
    if (fitted === undefined) {
      dropped.push(candidate)
      misses++
      continue
    }
    misses = 0
    files.push(fitted)
    rest.bytes -= fitted.bytes
    rest.tokens -= fitted.tokens
  }
  return { files, dropped }
}

async function fitOne (
  candidate: Candidate, file: Readable, envelope: Budget, cap: Budget, countTokens: (texts: string[]) => Promise<number[]>
): Promise<Fitted | undefined> {
  const measure = (content: string, tokens: number): Budget => ({ bytes: jsonBytes(content) + envelope.bytes, tokens: tokens + envelope.tokens })
  const fits = (size: Budget): boolean => size.bytes <= cap.bytes && size.tokens <= cap.tokens
  const whole = measure(file.content, file.tokens)
  if (fits(whole)) return { candidate, content: file.content, truncation: 'none', ...whole }
  // Not even the envelope of an empty file: nothing smaller can help.
  if (!fits(measure('', 0))) return undefined
  for (const version of shrink(candidate.path, file.content)) {
    if (jsonBytes(version.content) + envelope.bytes > cap.bytes) continue
    const [tokens] = await countTokens([JSON.stringify(version.content)])
    const size = measure(version.content, tokens!)
    if (fits(size)) return { candidate, content: version.content, truncation: version.truncation, ...size }
  }
  return undefined
}
