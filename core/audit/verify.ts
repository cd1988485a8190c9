import type { AuditRecord } from '../contracts/index.js'
import { contentOf, fileName, listFiles } from './files.js'
import { readHead } from './head.js'
import { decodeRecord, GENESIS, linesOf, type Link } from './record.js'

/** `cut`: the end is missing. `dropped`: records are missing. `reordered`: records stand where they do not belong. `edited`: a line is not as it was written. */
export type FaultKind = 'cut' | 'edited' | 'reordered' | 'dropped'

export interface AuditFault {
  kind: FaultKind
  /** Name of the file within the folder of the log. */
  file: string
  /** From 1; that of a cut is the first that is missing. */
  line: number
  message: string
}

export interface Verification {
  records: number
  files: number
  first_seq: number | null
  /** The end of the chain; noted elsewhere it proves later that nothing before it was changed. */
  head: Link | null
  /** Bytes of a last line that was never finished, nor acknowledged. */
  unfinished_bytes: number
  faults: AuditFault[]
}

interface Place { file: string, line: number }

/** Records that are missing where the chain leaps over them, and may yet turn up. */
interface Gap extends Place {
  from: number
  to: number
  missing: Set<number> | undefined
  found: number
  /** Lines before it that could not be read, and may be those that are missing. */
  damaged: number
}

/** A gap of more is told as one, whatever turns up. */
const MAX_GAP = 1_000_000

/**
 * Reads the whole log, also while it is written, and finds what was done to it. `expected` is a link that was noted earlier.
 * Who can write the folder can write a whole new chain and a head to it: only a link that was kept elsewhere shows that.
 */
export async function verifyAuditLog (directory: string, expected?: Link): Promise<Verification> {
  // Before the records: what is written in the meantime lies behind it.
  const head = await readHead(directory)
  const numbers = await listFiles(directory)
  const walk = new Walk([head, expected])
  for (const [index, number] of numbers.entries()) {
    walk.file(fileName(number), await contentOf(directory, number), index === numbers.length - 1, head?.seq ?? 0)
  }
  return walk.end(numbers.length, head, expected)
}

class Walk {
  readonly #faults: AuditFault[] = []
  readonly #gaps: Gap[] = []
  /** Hashes of the records that are asked for by number. */
  readonly #asked: Map<number, { hash: string, place: Place } | undefined>
  #last: (Link & Place) | undefined
  #place: Place = { file: fileName(1), line: 0 }
  /** Lines since the last record that could not be read. */
  #damaged = 0
  #records = 0
  #first: AuditRecord | undefined
  #prunedTo = 1
  #unfinished = 0

  constructor (asked: readonly (Link | undefined)[]) {
    this.#asked = new Map(asked.flatMap((link) => (link === undefined ? [] : [[link.seq, undefined]])))
  }

  file (file: string, content: Buffer, isLast: boolean, headSeq: number): void {
    this.#place = { file, line: 0 }
    for (const { line, isComplete } of linesOf(content)) {
      this.#place = { file, line: this.#place.line + 1 }
      const record = decodeRecord(line)
      if (!isComplete) {
        // While nobody was told of it, it may be a line that is being written, or that a crash left.
        if (isLast && headSeq <= (this.#last?.seq ?? 0)) this.#unfinished = line.length
        else this.#fault('cut', 'The line ends in the middle.')
        if (!isLast) this.#damaged++
      } else if (record === undefined) {
        this.#damaged++
        this.#fault('edited', 'The line is not as it was written.')
      } else {
        this.#follow(record)
      }
    }
  }

  #follow (record: AuditRecord): void {
    this.#records++
    const { seq, prev, hash } = record
    const place = this.#place
    if (this.#asked.has(seq) && this.#asked.get(seq) === undefined) this.#asked.set(seq, { hash, place })
    if (record.action === 'audit.pruned') this.#prunedTo = Math.max(this.#prunedTo, Number(record.details?.first_seq ?? 0))
    const last = this.#last
    if (last === undefined && this.#first === undefined) {
      this.#first = record
      if (seq === 1 && prev !== GENESIS) this.#fault('edited', 'The first record follows another one.')
      if (seq > 1) this.#leap(1, seq - 1)
    } else if (last !== undefined && seq <= last.seq) {
      this.#lost(seq, place)
      return
    } else if (last !== undefined && seq === last.seq + 1) {
      if (prev !== last.hash) this.#fault('edited', `The record does not follow the one before it, ${last.file}:${last.line}; one of the two is not as it was written.`)
    } else if (last !== undefined && seq - last.seq - 1 > this.#damaged) {
      this.#leap(last.seq + 1, seq - 1)
    }
    this.#last = { seq, hash, ...place }
    this.#damaged = 0
  }

  #leap (from: number, to: number): void {
    const missing = to - from < MAX_GAP ? new Set(Array.from({ length: to - from + 1 }, (_, index) => from + index)) : undefined
    this.#gaps.push({ ...this.#place, from, to, missing, found: 0, damaged: this.#damaged })
  }

  /** A record whose place was before: one that is missed there, or one that is there twice. */
  #lost (seq: number, place: Place): void {
    const gap = this.#gaps.find(({ missing }) => missing?.has(seq) === true)
    if (gap === undefined) {
      this.#fault('reordered', `Record ${seq} comes again, or too late.`, place)
      return
    }
    gap.missing!.delete(seq)
    gap.found++
  }

  #fault (kind: FaultKind, message: string, { file, line }: Place = this.#place): void {
    this.#faults.push({ kind, file, line, message })
  }

  end (files: number, head: Link | undefined, expected: Link | undefined): Verification {
    for (const gap of this.#gaps) this.#tell(gap)
    if (head === undefined && this.#records > 0) {
      this.#faults.push({ kind: 'cut', file: 'head', line: 1, message: 'The file that says how far the log goes is missing or damaged; a cut at the end would not be seen.' })
    }
    if (head !== undefined) this.#checkLink(head, 'the head')
    if (expected !== undefined) this.#checkLink(expected, 'the link that was given')
    this.#faults.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line))
    const { seq, hash } = this.#last ?? {}
    return {
      records: this.#records,
      files,
      first_seq: this.#first?.seq ?? null,
      head: seq === undefined || hash === undefined ? null : { seq, hash },
      unfinished_bytes: this.#unfinished,
      faults: this.#faults
    }
  }

  #tell ({ from, to, missing, found, damaged, file, line }: Gap): void {
    // A log begins with record 1, or where its retention says.
    if (from === 1 && to < this.#prunedTo) return
    const place = { file, line }
    const left = missing === undefined ? to - from + 1 : missing.size
    if (found > 0) this.#fault('reordered', `The record stands before ${found === 1 ? 'one' : `${found}`} that it follows, from number ${from} on.`, place)
    if (left > damaged) this.#fault('dropped', `${left === 1 ? 'A record is' : `${left} records are`} missing before this line, ${from === to ? `number ${from}` : `of the numbers ${from} to ${to}`}.`, place)
  }

  #checkLink ({ seq, hash }: Link, what: string): void {
    const found = this.#asked.get(seq)
    if (found !== undefined) {
      if (found.hash !== hash) this.#fault('edited', `Record ${seq} is not the one that ${what} names.`, found.place)
    } else if (seq > (this.#last?.seq ?? 0) + this.#damaged) {
      const isTold = this.#faults.some(({ kind, file }) => kind === 'cut' && file === this.#place.file)
      const from = (this.#last?.seq ?? 0) + 1
      if (!isTold) this.#fault('cut', `The end is missing: records ${from} to ${seq}, of which ${what} knows.`, { ...this.#place, line: this.#place.line + 1 })
    }
  }
}
