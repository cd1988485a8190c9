import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { languageOf } from '../languages.js'
import { decodeText, readGuarded, type ReadRefusal } from './guarded-read.js'
import type { FileRecord } from './index/record.js'
import { countWords, sumWords, type WordCounts } from './index/terms.js'
import type { ListedFile } from './listing.js'
import { shapeOf, type FileShape } from './pack/shape.js'
import type { FileStructure, FileSymbols } from './symbols/symbols.js'

// The rule set and the grammars are loaded when the first file needs them, not when the server starts, and are looked for once.
let redacting: Promise<typeof import('./redact.js')> | undefined
let parsing: Promise<typeof import('./symbols/symbols.js')> | undefined
const redaction = async () => await (redacting ??= import('./redact.js'))
const grammars = async () => await (parsing ??= import('./symbols/symbols.js'))

export interface PreparedText {
  path: string
  /** Redacted. */
  content: string
  size: number
  /** Milliseconds since the epoch. */
  modified: number
  /** SHA-256 of the file's own bytes, hexadecimal. */
  hash: string
  redactions: number
}

/** Records by the hash of the content. */
export interface KnownRecords { get (hash: string): FileRecord | undefined }

/**
 * Reads a file for the index; gives the record instead where its content is known by hash, and nothing where it is no text. Of many that
 * are read in a row only the first are held: an answer shows few of them.
 */
export type Preparer = (path: string, known: KnownRecords, isOfMany: boolean) => Promise<PreparedText | FileRecord | undefined>

const TEXT_CHARACTERS = 48 * 1024 * 1024
const SHAPE_CHARACTERS = 24 * 1024 * 1024
const SYMBOL_CHARACTERS = 8 * 1024 * 1024
/** Of each cache what files that are read in a row may fill. */
const OF_MANY_CHARACTERS = 4 * 1024 * 1024

/** What was prepared of files as they were listed. */
const listed = new LRUCache<ListedFile, { maxBytes: number, key: string, preparation: Preparation }>({
  maxSize: TEXT_CHARACTERS,
  sizeCalculation: ({ preparation }) => ('content' in preparation ? preparation.content.length : 0) + 256,
  dispose: ({ key }, file) => { if (latest.get(key) === file) latest.delete(key) }
})
/** The file of each path that is among them: to put a key together for each time that it is looked for would take longer than the look. */
const latest = new Map<string, ListedFile>()

interface Text { content: string, redactions: number }

/** Texts and shapes by content, so that the same content is scanned, parsed and counted once, wherever it lies. */
const texts = new LRUCache<string, Text>({ maxSize: TEXT_CHARACTERS, sizeCalculation: ({ content }) => content.length + 256 })
const shapes = new LRUCache<string, FileShape>({ maxSize: SHAPE_CHARACTERS, sizeCalculation: ({ lines, segments }) => segments.reduce((sum, { bytes }) => sum + bytes, 0) + 16 * lines.length + 256 })
const symbols = new LRUCache<string, FileSymbols>({ maxSize: SYMBOL_CHARACTERS, sizeCalculation: ({ definitions, references }) => 100 * definitions.length + 20 * references.length + 256 })
const structures = new LRUCache<string, FileStructure>({ maxSize: SHAPE_CHARACTERS, sizeCalculation: ({ definitions, comments }) => 100 * definitions.length + 40 * comments.length + 256 })

function hold<Value extends object> (cache: LRUCache<string, Value>, key: string, value: Value, isOfMany: boolean): void {
  if (!isOfMany || cache.calculatedSize < OF_MANY_CHARACTERS) cache.set(key, value)
}

async function textOf (path: string, hash: string, bytes: Buffer, isOfMany = false): Promise<Text | undefined> {
  // What a secret looks like can depend on the kind of file.
  const key = `${hash} ${path.slice(path.lastIndexOf('/') + 1)}`
  const known = texts.get(key)
  if (known !== undefined) return known
  const decoded = decodeText(bytes)
  if (decoded === undefined) return undefined
  const { text: content, count: redactions } = await redactText(decoded, path)
  const text = { content, redactions }
  hold(texts, key, text, isOfMany)
  return text
}

export async function redactText (text: string, path: string): Promise<{ text: string, count: number }> {
  return await (await redaction()).redact(text, path)
}

export type Preparation = PreparedText | { path: string, refused: ReadRefusal }

export async function prepareText (root: string, path: string, maxBytes: number): Promise<Preparation> {
  const raw = readGuarded(root, path, maxBytes)
  if (typeof raw === 'string') return { path, refused: raw }
  const hash = createHash('sha256').update(raw.bytes).digest('hex')
  const text = await textOf(path, hash, raw.bytes)
  return text === undefined ? { path, refused: 'binary' } : { path, ...text, size: raw.size, modified: raw.modified, hash }
}

/** What was prepared of a file as it was listed; projects have no files in common. */
export function preparedListed (file: ListedFile, maxBytes: number): Preparation | undefined {
  const known = listed.get(file)
  return known?.maxBytes === maxBytes ? known.preparation : undefined
}

/** The same for a file as it was listed: while it is the same object, it is not read again. */
export async function prepareListed (root: string, file: ListedFile, maxBytes: number): Promise<Preparation> {
  const known = preparedListed(file, maxBytes)
  if (known !== undefined) return known
  const preparation = await prepareText(root, file.path, maxBytes)
  const key = `${root} ${file.path}`
  const before = latest.get(key)
  if (before !== undefined && before !== file) listed.delete(before)
  listed.set(file, { maxBytes, key, preparation })
  // What is larger than all that is kept is not.
  if (listed.has(file)) latest.set(key, file)
  return preparation
}

export function preparerOf (root: string, maxBytes: number): Preparer {
  return async (path, known, isOfMany) => {
    const raw = readGuarded(root, path, maxBytes)
    if (typeof raw === 'string') return undefined
    const hash = createHash('sha256').update(raw.bytes).digest('hex')
    const record = known.get(hash)
    if (record !== undefined) return record
    const text = await textOf(path, hash, raw.bytes, isOfMany)
    return text === undefined ? undefined : { path, ...text, size: raw.size, modified: raw.modified, hash }
  }
}

/** The last shape of each file that was shown. A file with one that has another content is being edited. */
const lastShapes = new LRUCache<string, WeakRef<FileShape>>({ max: 1000 })

/** Whether a file of this path was shown of late, in whatever project. */
export function wasShown (path: string): boolean {
  return lastShapes.has(path)
}

export async function structureOf ({ path, hash, content }: Pick<PreparedText, 'path' | 'hash' | 'content'>, isOfMany = false): Promise<FileStructure> {
  const language = languageOf(path)
  const key = `${hash} ${language}`
  const known = structures.get(key)
  if (known !== undefined) return known
  const found = await (await grammars()).extractStructure(language, content, lastShapes.has(path) ? path : undefined)
  hold(structures, key, found, isOfMany)
  return found
}

/** For strategies: the answer itself needs the structure alone. */
export async function symbolsOf ({ path, hash, content }: Pick<PreparedText, 'path' | 'hash' | 'content'>): Promise<FileSymbols> {
  const language = languageOf(path)
  const key = `${hash} ${language}`
  const known = symbols.get(key)
  if (known !== undefined) return known
  const found = await (await grammars()).extractSymbols(language, content)
  symbols.set(key, found)
  return found
}

export async function preparedShape (text: Pick<PreparedText, 'path' | 'hash' | 'content'>): Promise<FileShape> {
  const language = languageOf(text.path)
  const key = `${text.hash} ${language} ${text.content.length}`
  const known = shapes.get(key)
  if (known !== undefined) return known
  const shape = shapeOf(text.content, language, await structureOf(text), lastShapes.get(text.path)?.deref())
  lastShapes.set(text.path, new WeakRef(shape))
  shapes.set(key, shape)
  return shape
}

/** The words of a file. Of one that is being edited those of what has changed are counted, by way of its shape, which is wanted next. */
export async function wordsOf (text: Pick<PreparedText, 'path' | 'hash' | 'content'>, isOfMany = false): Promise<WordCounts> {
  return !isOfMany && wasShown(text.path) ? sumWords((await preparedShape(text)).segments.map(({ words }) => words)) : countWords(text.content)
}
