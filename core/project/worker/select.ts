import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { languageOf } from '../languages.js'
import { createPace } from '../slices.js'
import { unpackCandidates, type PackedCandidates, type SelectCandidate } from './candidates.js'
import type { ReadRefusal } from './guarded-read.js'
import type { Signals } from './index/relevance.js'
import { queryOf } from './index/terms.js'
import { topOf } from './index/top.js'
import type { ProjectIndex } from './index/project-index.js'
import type { ListedFile } from './listing.js'
import { pack, type Entry, type Packable, type Size, type Truncation } from './pack/pack.js'
import type { FileShape } from './pack/shape.js'
import { preparedListed, preparedShape, prepareListed, redactText, wasShown, type Preparation, type PreparedText } from './prepare.js'
import { renderLines } from './symbols/outline.js'
import { countTokens } from './tokens.js'

export interface SelectRequest {
  maxFileBytes: number
  title: string
  description: string
  candidates: PackedCandidates
  /**
   * The JSON in which the files are to stand, in parts that share no token; of a part that was counted before, how many it has. The
   * budget's tokens are for both, its bytes for the files alone.
   */
  around: readonly (string | number)[]
  budget: Size
  /** Bytes to be left free before the files and behind them, in the same memory. */
  margins: { before: number, after: number }
  /** Whether the scores of all candidates are wanted, too. */
  explain: boolean
}

export interface SelectedFile {
  path: string
  truncation: Truncation
  /** Of its entry with the comma behind it. */
  bytes: number
  tokens: number
  /** Bytes of the content alone. */
  contentBytes: number
  /** Of the entry as it stands in the answer. */
  digest: string
}

export interface Selection {
  /** Whether there is any room for files. */
  hasRoom: boolean
  /** The entries of the answer, as JSON joined by commas. */
  json: Uint8Array
  tokens: number
  /** Of each part around the files. */
  tokensAround: number[]
  files: SelectedFile[]
  /** Of all candidates, where they are wanted: 0…1, and what it is made of. */
  scores: { path: string, score: number, match: number, signals: Signals }[]
  refused: { path: string, reason: ReadRefusal }[]
  redactions: { path: string, count: number }[]
  /** Files of the project that the index does not know yet. */
  unindexed: number
}

/** Share of a file's worth that does not depend on the task. */
const NEED_SHARE = 0.15
/**
 * How worth follows from the score. The best few hold most of what a change touches, so it falls steeply at first; what
 * else it touches may lie far down, so that it does not fall to nothing.
 */
const STEEPNESS = 6
const TAIL = 0.05
const worthOf = (score: number): number => Math.max(1e-9, score ** STEEPNESS + TAIL * score ** 2)
/** Candidates are read as long as their least versions could fill the budget so many times. */
const OVERSUPPLY = 4
const LEAST_BYTES = 700
const BYTES_PER_TOKEN = 3.5
const LEAST_READ = 60
const CONCURRENT = 16
const ENTRY_BYTES = 48 * 1024 * 1024
/** Marks an entry without content. */
const NO_LINES = new Uint8Array()
/** Tokens of an entry's own that it does not have any more beside others, where brackets, comma and quotes are one token. */
const JOINT_TOKENS = 1
// A file's time may be anything that somebody has set.
const LATEST = Date.UTC(9999, 11, 31)

/** Scores candidates by need and task, and fits the best of them into the budget. */
export async function select (root: string, request: SelectRequest, listed: ReadonlyMap<string, ListedFile>, index: ProjectIndex, unindexed: number): Promise<Selection> {
  const { title, description } = request
  const tokensAround = request.around.map((part) => (typeof part === 'number' ? part : countTokens(part)))
  const budget = { bytes: request.budget.bytes, tokens: tokensAround.reduce((left, tokens) => left - tokens, request.budget.tokens) }
  if (budget.bytes < 0 || budget.tokens < 0) return { hasRoom: false, json: new Uint8Array(), tokens: 0, tokensAround, files: [], scores: [], refused: [], redactions: [], unindexed }
  const query = queryOf(title, description)
  const ranking = await index.rank(query)
  const { weights } = ranking
  const scored = unpackCandidates(request.candidates).map((candidate) => scoreOf(candidate, candidate.content === undefined ? ranking.scoreOf(candidate.path) : index.rankText(candidate.path, candidate.content, query, weights).score, query.length > 0))

  const signalsOf = ({ path, content }: SelectCandidate): Signals => (content === undefined ? ranking.signalsOf(path) : index.rankText(path, content, query, weights).signals)

  const wanted = Math.min(budget.bytes, budget.tokens * BYTES_PER_TOKEN) * OVERSUPPLY
  const limit = Math.max(LEAST_READ, Math.ceil(wanted / LEAST_BYTES))
  const ordered = firstOf(scored, request.explain ? scored.length : limit)
  const considered = ordered.slice(0, limit)
  const { ready, refused } = await read(root, considered.map(({ candidate }) => candidate), listed, request.maxFileBytes)

  const packables: Packable<MadeEntry>[] = []
  const pace = createPace()
  for (const { candidate, score } of considered) {
    const text = ready.get(candidate.path)
    if (text === undefined) continue
    const known = frames.get(text)
    packables.push({ path: candidate.path, worth: worthOf(score), ...known ?? await frameOf(text) })
    if (known === undefined) await pace()
  }
  const packed = pack(packables, query, weights, budget)
  return {
    hasRoom: true,
    json: joined(packed.map(({ entry }) => entry.json), request.margins),
    tokensAround,
    tokens: packed.reduce((sum, { entry }) => sum + entry.size.tokens - JOINT_TOKENS, 0),
    files: packed.map(({ path, entry: { size, truncation, contentBytes, digest } }) => ({ path, truncation, ...size, contentBytes, digest })),
    scores: request.explain ? ordered.map(({ candidate, score, match }) => ({ path: candidate.path, score, match, signals: signalsOf(candidate) })) : [],
    refused,
    redactions: [...ready.values()].filter(({ redactions }) => redactions > 0).map(({ path, redactions }) => ({ path, count: redactions })),
    unindexed
  }
}

type Frame = Omit<Packable<MadeEntry>, 'path' | 'worth'>

/** What is the same of a text for every task; a text of a file is the same object as long as the file is as it was listed. */
const frames = new WeakMap<PreparedText, Frame>()

async function frameOf (text: PreparedText): Promise<Frame> {
  const shape = await preparedShape(text)
  // Found without its long key: most files of a large budget are whole.
  let whole: WeakRef<MadeEntry> | undefined
  const entry = (keep: Uint8Array | null, version: string, truncation: Truncation): MadeEntry => {
    const known = keep === null ? whole?.deref() : undefined
    if (known !== undefined) return known
    const made = entryOf(text, shape, keep, version, truncation)
    if (keep === null) whole = new WeakRef(made)
    return made
  }
  const frame: Frame = {
    shape,
    entry,
    envelope: entryOf(text, shape, NO_LINES, 'envelope', 'sampled').size
  }
  frames.set(text, frame)
  return frame
}

/** Finds out how a file can be shown that was shown before and may have been edited since. */
export async function takeShape (root: string, file: ListedFile | undefined, maxBytes: number): Promise<void> {
  if (file === undefined || !wasShown(file.path)) return
  const text = await prepareListed(root, file, maxBytes)
  if ('content' in text && !frames.has(text)) await frameOf(text)
}

interface Scored { candidate: SelectCandidate, score: number, match: number }

function scoreOf (candidate: SelectCandidate, relevance: number, hasTask: boolean): Scored {
  const match = Math.max(candidate.named, relevance)
  const { need } = candidate
  return { candidate, score: hasTask || candidate.named > 0 ? need * (NEED_SHARE + (1 - NEED_SHARE) * match) : need, match }
}

/** The best, best first, equals by path. To sort all of them takes longer than to find those that are looked at. */
function firstOf (scored: readonly Scored[], most: number): Scored[] {
  if (most < scored.length) {
    const best = topOf(Float64Array.from(scored, ({ score }) => score), most, (number) => scored[number]!.candidate.path)
    // What scores nothing is not among them.
    if (best.length === most) return best.map((number) => scored[number]!)
  }
  return scored.toSorted((a, b) => b.score - a.score || (a.candidate.path < b.candidate.path ? -1 : 1))
}

/** Nothing but listed files is read: what is not listed is outside, ignored, or holds secrets by its name. */
async function read (root: string, candidates: readonly SelectCandidate[], listed: ReadonlyMap<string, ListedFile>, maxBytes: number): Promise<{ ready: Map<string, PreparedText>, refused: Selection['refused'] }> {
  const ready = new Map<string, PreparedText>()
  const refused: Selection['refused'] = []
  const told = (text: Preparation): void => {
    if ('refused' in text) refused.push({ path: text.path, reason: text.refused })
    else ready.set(text.path, text)
  }
  const unread: (() => Promise<Preparation>)[] = []
  for (const { path, content } of candidates) {
    const file = listed.get(path)
    if (content !== undefined) unread.push(async () => await madeText(path, content))
    else if (file === undefined) told({ path, refused: 'gone' })
    else {
      // Nearly all are as they were, and a promise for each would cost more than all else that is done for it.
      const known = preparedListed(file, maxBytes)
      if (known === undefined) unread.push(async () => await prepareListed(root, file, maxBytes))
      else told(known)
    }
  }
  const pace = createPace()
  for (let start = 0; start < unread.length; start += CONCURRENT) {
    for (const text of await Promise.all(unread.slice(start, start + CONCURRENT).map(async (read) => await read()))) told(text)
    await pace()
  }
  return { ready, refused }
}

/** When a text was first made; it is as old as its content. */
const madeAt = new LRUCache<string, number>({ max: 1000 })

async function madeText (path: string, made: string): Promise<PreparedText> {
  const { text: content, count: redactions } = await redactText(made, path)
  const hash = createHash('sha256').update(content).digest('hex')
  const modified = madeAt.get(`${path} ${hash}`) ?? Date.now()
  madeAt.set(`${path} ${hash}`, modified)
  return { path, content, redactions, size: Buffer.byteLength(content), modified, hash }
}

interface MadeEntry extends Entry {
  json: Buffer
  /** Bytes of the content alone. */
  contentBytes: number
  digest: string
}

/** Entries by all that they are made of: most are the same from answer to answer. */
const entries = new LRUCache<string, MadeEntry>({ maxSize: ENTRY_BYTES, sizeCalculation: ({ json }) => json.length + 256 })

function entryOf (text: PreparedText, { lines }: FileShape, keep: Uint8Array | null, version: string, truncation: Truncation): MadeEntry {
  const key = `${text.hash} ${text.size} ${text.modified} ${text.content.length} ${truncation} ${version} ${text.path}`
  const known = entries.get(key)
  if (known !== undefined) return known
  const content = keep === null ? text.content : keep === NO_LINES ? '' : renderLines(lines, keep)
  const json = JSON.stringify({
    path: text.path,
    content,
    size: text.size,
    last_modified: new Date(Math.max(0, Math.min(text.modified, LATEST))).toISOString(),
    language: languageOf(text.path) ?? null,
    checksum: `sha256:${text.hash}`,
    truncation
  })
  const bytes = Buffer.from(json)
  const entry: MadeEntry = {
    json: bytes,
    contentBytes: Buffer.byteLength(content),
    truncation,
    digest: createHash('sha256').update(bytes).digest('base64url').slice(0, 22),
    size: { bytes: bytes.length + 1, tokens: countTokens(json) + JOINT_TOKENS }
  }
  entries.set(key, entry)
  return entry
}

/** With commas between, in memory of its own, which can be handed to another thread. */
function joined (parts: readonly Buffer[], { before, after }: SelectRequest['margins']): Uint8Array {
  const length = Math.max(0, parts.reduce((sum, part) => sum + part.length + 1, -1))
  const memory = new Uint8Array(before + length + after)
  let at = before
  for (const part of parts) {
    if (at > before) memory[at++] = 0x2C
    memory.set(part, at)
    at += part.length
  }
  return memory.subarray(before, before + length)
}
