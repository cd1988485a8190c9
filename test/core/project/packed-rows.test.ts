import fc from 'fast-check'
import t from 'tap'
import { isPacked, matchTerms, packRecord, unpackRecord } from '../../../core/project/worker/index/packed-record.js'
import { PackedRows } from '../../../core/project/worker/index/packed-rows.js'
import { countWords, queryOf, wordSet } from '../../../core/project/worker/index/terms.js'

/** Also of those that have a piece of memory of their own. */
const LENGTHS = [0, 1, 5, 1000, 16_383, 16_384, 70_000]

t.test('rows are as a map of arrays has them, whatever comes and goes', async t => {
  const step = fc.record({ id: fc.integer({ min: 0, max: 3000 }), length: fc.constantFrom(...LENGTHS), isGone: fc.boolean() })
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const rows = new PackedRows()
    const expected = new Map<number, Uint32Array>()
    for (const [turn, { id, length, isGone }] of steps.entries()) {
      if (isGone) {
        rows.delete(id)
        expected.delete(id)
      } else {
        const words = Uint32Array.from({ length: length + 3 }, (_, index) => turn * 1_000_003 + index)
        rows.set(id, words, length)
        expected.set(id, words.subarray(0, length))
      }
    }
    for (const id of new Set(steps.map(({ id }) => id))) {
      const [row, other] = [rows.row(id), expected.get(id)]
      if ((row === undefined) !== (other === undefined) || (row !== undefined && Buffer.compare(bytesOf(row), bytesOf(other!)) !== 0)) return false
    }
    return true
  }), { numRuns: 150, seed: 1 })
})

t.test('the memory of rows that went is used again', async t => {
  const rows = new PackedRows()
  const words = new Uint32Array(10_000)
  const pieces = new Set<ArrayBufferLike>()
  for (let turn = 0; turn < 2000; turn++) {
    rows.set(turn % 10, words)
    if (turn >= 1000) pieces.add(rows.place(turn % 10)!.chunk.buffer)
  }
  // 100,000 words are in use, and each piece holds 65,536 of which at least half are.
  const inUse = new Set(Array.from({ length: 10 }, (_, id) => rows.place(id)!.chunk.buffer))
  t.ok(inUse.size <= 5, `${inUse.size} pieces`)
  t.ok(pieces.size > inUse.size, 'rows do move')
})

t.test('a record is packed and found again, and its words are found in place', async t => {
  const text = fc.array(fc.constantFrom('cart', 'total', 'parseQuery', 'a.b', 'x', ' ', '語彙'), { maxLength: 40 }).map((words) => words.join(' '))
  fc.assert(fc.property(text, text, text, text, (body, names, path, task) => {
    const { hashes: words, counts, length } = countWords(body)
    const record = { hash: '00ff'.repeat(16), words, counts, length, symbols: wordSet([names]) }
    const pathWords = wordSet([path])
    const row = packRecord(record, pathWords)
    const query = queryOf(task, '')
    // Among others, as it lies in memory.
    const chunk = Uint32Array.of(7, 7, ...row, 7, 7)
    const found: unknown[] = []
    matchTerms({ chunk, start: 2 }, query, (...match) => found.push(match))
    const expected = query.flatMap(({ hash }, term) => (words.includes(hash) || pathWords.includes(hash) ? [[term, counts[words.indexOf(hash)] ?? 0, pathWords.includes(hash), record.symbols.includes(hash)]] : []))
    return isPacked(row) && JSON.stringify(unpackRecord({ chunk, start: 2 })) === JSON.stringify(record) && JSON.stringify(found) === JSON.stringify(expected)
  }), { numRuns: 500, seed: 1 })
  t.ok(isPacked(packRecord(undefined, wordSet(['a/cart.js']))))
  for (const row of [new Uint32Array(), new Uint32Array(11), new Uint32Array(13), Uint32Array.from({ length: 40 }, () => 0xFFFFFFFF)]) t.notOk(isPacked(row))
})

function bytesOf (words: Uint32Array): Buffer {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength)
}
