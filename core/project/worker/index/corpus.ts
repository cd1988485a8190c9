import { setImmediate as nextTurn } from 'node:timers/promises'
import { languageOf, PROGRAMMING_LANGUAGES } from '../../languages.js'
import { inSlices } from '../../slices.js'
import type { ListedFile } from '../listing.js'
import { structureOf, wordsOf, type KnownRecords, type Preparer } from '../prepare.js'
import { hashInto } from '../set-hash.js'
import { firstHashWord, hashWord, hasHash, lengthAt, packRecord, unpackRecord } from './packed-record.js'
import { PackedRows, type Place } from './packed-rows.js'
import { recordOf } from './record.js'
import { wordSet } from './terms.js'

/** The words, names and references of every text file of a project. Each file has a small whole number, which is another's when it has gone. */
export interface Corpus {
  readonly size: number
  /** No file has this number or a larger one. */
  readonly end: number
  /** Grows with every change of a file. */
  readonly version: number
  /** Another object, of which no other corpus has the same, whenever a number becomes that of a file or ceases to be it. */
  readonly generation: object
  averageLength (): number
  idOf (path: string): number | undefined
  pathOf (id: number): string | undefined
  /** Version with which a number became that of its file. */
  bornAt (id: number): number
  /** Words in all of a file; 0 where there is none. */
  lengthOf (id: number): number
  /** Where its packed record lies until the corpus changes. */
  placeOf (id: number): Place | undefined
  /** Numbers whose files came, changed or went since a version; `undefined` where that is not known any more. */
  changedSince (version: number): ReadonlySet<number> | undefined
  /** What to keep of a file, where it lies until the corpus changes; `undefined` for a number that no file has. */
  kept (id: number): KeptFile | undefined
}

/** A file as it is kept between starts. */
export interface KeptFile {
  path: string
  /** Hash of its stamp, four words. */
  stamp: Uint32Array
  /** Its packed record. */
  row: Uint32Array
}

type Listed = Pick<ReadonlyMap<string, ListedFile>, 'get' | 'has' | 'values'>

export interface MutableCorpus extends Corpus {
  /**
   * Brings the corpus to a listing. Reads what has changed, and parses what it has not seen by content.
   * Stops early when `deadline` (ms, of `performance.now()`) has passed; resolves to how many files are still to do.
   * `changes` are the paths outside of which the listing is as it was at the last call that had nothing left to do.
   */
  sync (listing: Listed, prepare: Preparer, deadline: number, changes?: ReadonlySet<string>): Promise<number>
  /** Takes back what was kept; where the stamp is still right, nothing is read. */
  restore (kept: readonly KeptFile[]): void
}

// What is read at a stretch before other calls get their turn.
const SLICE_MS = 10
const MOST_LOGGED = 500
/** Words of a hash of a stamp. */
export const STAMP_WORDS = 4
/** So many files at once come from a branch that was switched, whose contents may be known under other stamps or names. */
const MANY = 64

const BESIDE = /(?:^|\/)(?:tests?|__tests__|specs?|fixtures?|examples?|benchmarks?|docs?|vendor|third_party)\/|[._-](?:test|spec)\./i

/** Code before tests and what lies beside it, and all that before data: where the time does not suffice for all, an answer is made from the first. */
async function likeliestFirst (files: readonly ListedFile[]): Promise<ListedFile[]> {
  const groups: [ListedFile[], ListedFile[], ListedFile[]] = [[], [], []]
  await inSlices(files, (file) => { groups[!PROGRAMMING_LANGUAGES.has(languageOf(file.path) ?? '') ? 2 : BESIDE.test(file.path) ? 1 : 0].push(file) })
  return groups.flat()
}

export function createCorpus (): MutableCorpus {
  const ids = new Map<string, number>()
  const paths: (string | undefined)[] = []
  const born: number[] = []
  const lengths: number[] = []
  const free: number[] = []
  const rows = new PackedRows()
  let stamps = new Uint32Array(1024 * STAMP_WORDS)
  let version = 0
  let generation = {}
  let length = 0
  /** Whether paths were read from the disk, which the listing holds, too. */
  let hasOwnPaths = false

  // The number that each of the latest versions is about, the oldest first.
  const log: number[] = []
  const change = (id: number): void => {
    version++
    log.push(id)
    if (log.length > 2 * MOST_LOGGED) log.splice(0, MOST_LOGGED)
  }
  const numberOf = (path: string): number => {
    const known = ids.get(path)
    if (known !== undefined) return known
    const id = free.pop() ?? paths.length
    ids.set(path, id)
    paths[id] = path
    born[id] = version + 1
    generation = {}
    if (id * STAMP_WORDS >= stamps.length) {
      const more = new Uint32Array(stamps.length * 2)
      more.set(stamps)
      stamps = more
    }
    return id
  }
  const setLength = (id: number, words: number): void => {
    length += words - (lengths[id] ?? 0)
    lengths[id] = words
  }
  const set = (path: string, row: Uint32Array): number => {
    const id = numberOf(path)
    rows.set(id, row)
    setLength(id, lengthAt({ chunk: row, start: 0 }))
    change(id)
    return id
  }
  const remove = (path: string): void => {
    const id = ids.get(path)
    if (id === undefined) return
    ids.delete(path)
    paths[id] = undefined
    rows.delete(id)
    setLength(id, 0)
    free.push(id)
    generation = {}
    change(id)
  }

  const asked = new Uint32Array(STAMP_WORDS)
  const isAsItWas = ({ path, stamp }: ListedFile): boolean => {
    const id = ids.get(path)
    if (id === undefined) return false
    hashInto(asked, 0, stamp)
    return asked.every((word, index) => stamps[id * STAMP_WORDS + index] === word)
  }
  const takeOver = (path: string): void => {
    const id = ids.get(path)
    if (id === undefined) return
    // An entry that is replaced keeps its key.
    ids.delete(path)
    ids.set(path, id)
    paths[id] = path
  }

  /** Records by content. */
  const knownRecords = async (): Promise<KnownRecords> => {
    const byWord = new Map<number, number>()
    await inSlices(ids.values(), (id) => {
      const place = rows.place(id)
      if (place !== undefined) byWord.set(firstHashWord(place), id)
    })
    return {
      get (hash) {
        const place = rows.place(byWord.get(hashWord(hash, 0)) ?? -1)
        return place !== undefined && hasHash(place, hash) ? unpackRecord(place) : undefined
      }
    }
  }

  const changedFiles = async (listing: Listed, changes: ReadonlySet<string> | undefined): Promise<ListedFile[]> => {
    const changed: ListedFile[] = []
    if (changes !== undefined) {
      await inSlices(changes, (path) => {
        const file = listing.get(path)
        if (file === undefined) remove(path)
        else if (!isAsItWas(file)) changed.push(file)
      })
      return changed
    }
    await inSlices(ids.keys(), (path) => { if (!listing.has(path)) remove(path) })
    const isFirst = hasOwnPaths
    hasOwnPaths = false
    await inSlices(listing.values(), (file) => {
      if (isFirst) takeOver(file.path)
      if (!isAsItWas(file)) changed.push(file)
    })
    return changed
  }

  return {
    get size () { return ids.size },
    get end () { return paths.length },
    get version () { return version },
    get generation () { return generation },
    averageLength: () => Math.max(1, length / Math.max(1, ids.size)),
    idOf: (path) => ids.get(path),
    pathOf: (id) => paths[id],
    bornAt: (id) => born[id]!,
    lengthOf: (id) => lengths[id] ?? 0,
    placeOf: (id) => rows.place(id),
    changedSince: (earlier) => (version - earlier > log.length ? undefined : new Set(earlier === version ? [] : log.slice(earlier - version))),
    async sync (listing, prepare, deadline, changes) {
      const changed = await likeliestFirst(await changedFiles(listing, changes))
      const isOfMany = changed.length >= MANY
      const known = isOfMany ? await knownRecords() : NOTHING_KNOWN
      let sliceEnd = performance.now() + SLICE_MS
      let left = changed.length
      for (const { path, stamp } of changed) {
        const now = performance.now()
        if (now > deadline) break
        if (now > sliceEnd) {
          await nextTurn()
          sliceEnd = performance.now() + SLICE_MS
        }
        const file = await prepare(path, known, isOfMany)
        const record = file === undefined || 'words' in file ? file : recordOf(file.hash, await wordsOf(file, isOfMany), await structureOf(file, isOfMany))
        const id = set(path, packRecord(record, wordSet([path])))
        hashInto(stamps, id * STAMP_WORDS, stamp)
        left--
      }
      return left
    },
    restore (kept) {
      hasOwnPaths = true
      for (const { path, stamp, row } of kept) {
        const id = set(path, row)
        stamps.set(stamp, id * STAMP_WORDS)
      }
    },
    kept (id) {
      const path = paths[id]
      const row = rows.row(id)
      return path === undefined || row === undefined ? undefined : { path, stamp: stamps.subarray(id * STAMP_WORDS, (id + 1) * STAMP_WORDS), row }
    }
  }
}

const NOTHING_KNOWN: KnownRecords = { get: () => undefined }
