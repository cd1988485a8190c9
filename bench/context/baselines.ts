import { createHash } from 'node:crypto'
import { languageOf } from '../../core/project/languages.js'
import { countWords, rankByBm25, type WordCounts } from './bm25.js'
import { git } from './git.js'
import { outlineOf } from './outline.js'
import { decodeText } from './text.js'
import { countTokens } from './tokens.js'
import { FILE_TIME, type TreeFile, type Workspace } from './workspace.js'

const MAX_BYTES = 512 * 1024
/** So many files in a row that do not fit, and the answer is full. */
const PATIENCE = 40
/** Commits that are looked through for what has changed last. */
const RECENT_COMMITS = 1000
/** What a file takes beside itself in a list: a comma. */
const SEPARATOR_TOKENS = 1

export const BASELINES = ['bm25+outlines', 'bm25', 'recent', 'random'] as const
export type Baseline = typeof BASELINES[number]

export interface Choice {
  path: string
  /** `undefined` stands for the file as it is on the disk. */
  outline: string | undefined
}

interface TextFile extends TreeFile {
  words: WordCounts
}

export interface Baselines {
  /** Takes the tree that is checked out; `seed` makes the random order one that can be made again. */
  load (files: readonly TreeFile[], query: string, seed: number): Promise<void>
  choose (baseline: Baseline, budget: number): Promise<Choice[]>
}

/** The ways to choose files that the sidecar is compared with. What is known of a content is kept from case to case. */
export function createBaselines (workspace: Workspace): Baselines {
  const wordsOfBlob = new Map<string, WordCounts | undefined>()
  const wholes = new Map<string, Version>()
  const outlines = new Map<string, Promise<Version | undefined>>()
  let orders: Record<Baseline, TextFile[]>

  const textFiles = (files: readonly TreeFile[]): TextFile[] => files.flatMap((file) => {
    if (file.size > MAX_BYTES) return []
    if (!wordsOfBlob.has(file.blob)) {
      const text = decodeText(workspace.read(file.path))
      wordsOfBlob.set(file.blob, text === undefined ? undefined : countWords(text))
    }
    const words = wordsOfBlob.get(file.blob)
    return words === undefined ? [] : [{ ...file, words }]
  })

  const remembered = <Value>(memory: Map<string, Value>, key: string, make: () => Value): Value => {
    if (!memory.has(key)) memory.set(key, make())
    return memory.get(key)!
  }
  const wholeOf = (file: TextFile): Version => remembered(wholes, `${file.blob} ${file.path}`, () => {
    const bytes = workspace.read(file.path)
    return { content: undefined, charge: chargeOf(file, bytes, decodeText(bytes)!, 'none') }
  })
  const smallerOf = async (file: TextFile): Promise<Version | undefined> => await remembered(outlines, `${file.blob} ${file.path}`, async () => {
    const bytes = workspace.read(file.path)
    const content = await outlineOf(file.path, decodeText(bytes)!)
    return content === undefined ? undefined : { content, charge: chargeOf(file, bytes, content, 'outline') }
  })

  return {
    async load (files, query, seed) {
      const texts = textFiles(files)
      const ranked = rankByBm25(texts, query).map(({ item }) => item)
      const shuffled = shuffle(texts, seed)
      orders = { 'bm25+outlines': ranked, bm25: ranked, random: shuffled, recent: await byRecency(workspace.root, texts, shuffled) }
    },
    async choose (baseline, budget) {
      const chosen = await fill(orders[baseline], budget, wholeOf, baseline === 'bm25+outlines' ? smallerOf : async () => undefined)
      return chosen.map(({ file, version }) => ({ path: file.path, outline: version.content }))
    }
  }
}

/** A file as it could be answered, and what that would cost. */
export interface Version {
  /** `undefined` stands for the whole. */
  content: string | undefined
  charge: number
}

/** Takes files in their order as long as the budget lasts, smaller where they do not fit whole. */
export async function fill<File> (order: readonly File[], budget: number, wholeOf: (file: File) => Version, smallerOf: (file: File) => Promise<Version | undefined>): Promise<{ file: File, version: Version }[]> {
  const taken: { file: File, version: Version }[] = []
  let left = budget
  let misses = 0
  for (const file of order) {
    const whole = wholeOf(file)
    // An outline is made only for what does not fit, since most never need one.
    const version = whole.charge > left ? await smallerOf(file) ?? whole : whole
    if (version.charge > left) {
      if (++misses === PATIENCE) break
    } else {
      misses = 0
      left -= version.charge
      taken.push({ file, version })
    }
  }
  return taken
}

/** What a file costs in an answer of the sidecar. */
function chargeOf ({ path }: TreeFile, bytes: Buffer, content: string, truncation: string): number {
  const entry = {
    path,
    content,
    size: bytes.length,
    last_modified: FILE_TIME.toISOString(),
    language: languageOf(path) ?? null,
    checksum: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    truncation
  }
  return countTokens(JSON.stringify(entry)) + SEPARATOR_TOKENS
}

/** Files by the commit that changed them last, newest first; those that no recent commit has touched come behind as they stand. */
async function byRecency (root: string, files: readonly TextFile[], rest: readonly TextFile[]): Promise<TextFile[]> {
  const log = await git(root, 'log', `--max-count=${RECENT_COMMITS}`, '--no-merges', '--no-renames', '--name-only', '-z', '--format=')
  const known = new Map(files.map((file) => [file.path, file]))
  const ordered = new Set<TextFile>()
  for (const path of log.split('\0')) {
    const file = known.get(path.replace(/^\n+/, ''))
    if (file !== undefined) ordered.add(file)
  }
  return [...new Set([...ordered, ...rest])]
}

/** Fisher and Yates with mulberry32. */
export function shuffle<Item> (items: readonly Item[], seed: number): Item[] {
  const shuffled = [...items]
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(next() * (last + 1))
    const item = shuffled[last]!
    shuffled[last] = shuffled[other]!
    shuffled[other] = item
  }
  return shuffled
}
