import { setImmediate as nextTurn } from 'node:timers/promises'
import { languageOf, PROGRAMMING_LANGUAGES } from '../../languages.js'
import type { ListedFile } from '../listing.js'
import { structureOf, type Preparer } from '../prepare.js'
import type { FileRecord } from './record.js'
import { recordOf } from './record.js'
import { wordSet } from './terms.js'

export interface CorpusFile {
  stamp: string
  record: FileRecord
  pathWords: Uint32Array
}

/** The words, names and references of every text file of a project. */
export interface Corpus {
  readonly files: ReadonlyMap<string, CorpusFile>
  /** Grows with every change of a file. */
  readonly version: number
  averageLength (): number
  /** Paths that came, changed or went since a version; `undefined` where that is not known any more. */
  changedSince (version: number): ReadonlySet<string> | undefined
}

export interface MutableCorpus extends Corpus {
  /**
   * Brings the corpus to a listing. Reads what has changed, and parses what it has not seen by content.
   * Stops early when `deadline` (ms, of `performance.now()`) has passed; resolves to how many files are still to do.
   * `changes` are the paths outside of which the listing is as it was at the last call that had nothing left to do.
   */
  sync (listing: ReadonlyMap<string, ListedFile>, prepare: Preparer, deadline: number, changes?: ReadonlySet<string>): Promise<number>
  /** Takes back what was kept; where the stamp is still right, nothing is read. */
  restore (kept: readonly { path: string, stamp: string, record: FileRecord }[]): void
}

// What is read at a stretch before other calls get their turn.
const SLICE_MS = 20
const MOST_LOGGED = 500
const NO_WORDS = new Uint32Array()
/** Of a file that is no text, or that could not be read. */
const EMPTY: FileRecord = { hash: '', words: NO_WORDS, counts: new Uint8Array(), length: 0, symbols: NO_WORDS }

const BESIDE = /(?:^|\/)(?:tests?|__tests__|specs?|fixtures?|examples?|benchmarks?|docs?|vendor|third_party)\/|[._-](?:test|spec)\./i

/** Code before tests and what lies beside it, and all that before data: where the time does not suffice for all, an answer is made from the first. */
function likeliestFirst (files: readonly ListedFile[]): ListedFile[] {
  const groups: [ListedFile[], ListedFile[], ListedFile[]] = [[], [], []]
  for (const file of files) groups[!PROGRAMMING_LANGUAGES.has(languageOf(file.path) ?? '') ? 2 : BESIDE.test(file.path) ? 1 : 0].push(file)
  return groups.flat()
}

export function createCorpus (): MutableCorpus {
  const files = new Map<string, CorpusFile>()
  let version = 0
  let length = 0

  // The path that each of the latest versions came from, the oldest first.
  const log: string[] = []
  const change = (path: string): void => {
    version++
    log.push(path)
    if (log.length > 2 * MOST_LOGGED) log.splice(0, MOST_LOGGED)
  }
  const set = (path: string, file: CorpusFile): void => {
    remove(path)
    files.set(path, file)
    length += file.record.length
    change(path)
  }
  const remove = (path: string): void => {
    const present = files.get(path)
    if (present === undefined) return
    files.delete(path)
    length -= present.record.length
    change(path)
  }

  return {
    files,
    get version () { return version },
    averageLength: () => Math.max(1, length / Math.max(1, files.size)),
    changedSince: (earlier) => (version - earlier > log.length ? undefined : new Set(earlier === version ? [] : log.slice(earlier - version))),
    async sync (listing, prepare, deadline, changes) {
      for (const path of changes ?? [...files.keys()]) if (!listing.has(path)) remove(path)
      const candidates = changes === undefined ? [...listing.values()] : [...changes].flatMap((path) => listing.get(path) ?? [])
      const changed = likeliestFirst(candidates.filter(({ path, stamp }) => files.get(path)?.stamp !== stamp))
      // A branch that is switched back brings contents that are known already, under whatever stamp.
      const byHash = new Map<string, FileRecord>()
      if (changed.length > 0) for (const { record } of files.values()) byHash.set(record.hash, record)
      let sliceEnd = performance.now() + SLICE_MS
      let left = changed.length
      for (const { path, stamp } of changed) {
        const now = performance.now()
        if (now > deadline) break
        if (now > sliceEnd) {
          await nextTurn()
          sliceEnd = performance.now() + SLICE_MS
        }
        const file = await prepare(path, byHash)
        const record = file === undefined ? EMPTY : 'words' in file ? file : recordOf(file.hash, file.content, await structureOf(file))
        set(path, { stamp, record, pathWords: wordSet([path]) })
        left--
      }
      return left
    },
    restore (kept) {
      for (const { path, stamp, record } of kept) set(path, { stamp, record, pathWords: wordSet([path]) })
    }
  }
}
