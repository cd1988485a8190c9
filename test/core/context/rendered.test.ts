import fc from 'fast-check'
import t from 'tap'
import { render } from '../../../core/context/rendered.js'
import { startSidecar } from '../../support/sidecar.js'

const NOW = Date.UTC(2026, 0, 2)

t.test('an answer is the same whether or not there was room for it around its files, and only the cached one says that it is', async t => {
  const part = fc.string({ unit: 'grapheme', maxLength: 40 })
  fc.assert(fc.property(part, part, part, fc.option(fc.nat(200)), fc.nat(200), (start, files, end, other, after) => {
    const before = other ?? Buffer.byteLength(start) + 1
    const bytes = Buffer.from(files)
    const memory = new Uint8Array(before + bytes.length + after).fill(0x78)
    memory.set(bytes, before)
    const given = memory.subarray(before, before + bytes.length)
    const { built, cached } = render({ start: [Buffer.from(start), Buffer.from('+')], files: given, end }, [], NOW)
    t.equal(cached.toString(), `${start}+${files}${end},"cache_hit":true,"timestamp":"2026-01-02T00:00:00.000Z"}`)
    t.equal(Buffer.concat(built).toString(), `${start}+${files}${end},"cache_hit":false,"timestamp":"2026-01-02T00:00:00.000Z"}`)
  }), { numRuns: 200, seed: 3 })
})

t.test('with room of the right size, a large answer is written where its files are, and not copied', async t => {
  const files = Buffer.from(JSON.stringify('x'.repeat(400_000)))
  const memory = new Uint8Array(11 + files.length + 100)
  memory.set(files, 11)
  const { built, cached } = render({ start: [Buffer.from('{"context":')], files: memory.subarray(11, 11 + files.length), end: ',"total":1' }, [], NOW)
  t.equal(cached.buffer, memory.buffer)
  t.match(JSON.parse(cached.toString()), { total: 1, cache_hit: true })
  t.equal(built[0]!.buffer, memory.buffer)
  t.match(JSON.parse(Buffer.concat(built).toString()), { total: 1, cache_hit: false })
})

t.test('an answer that goes out in pieces says how long it is, and is the one that the cache has', async t => {
  const lines = Array.from({ length: 4000 }, (_, number) => `export const value${number} = 'ünïcode of the ${number}th line, which is long enough to make the file large'\n`)
  const { ask } = await startSidecar(t, { files: { 'src/a.js': lines.join(''), 'src/b.js': 'export const b = 1\n' } })
  const url = '/api/context/i-1/javascript-pro?task=value&max_tokens=1000000'
  const first = await ask('GET', url)
  t.ok(Number(first.headers['content-length']) > 300_000)
  const second = await ask('GET', url)
  t.equal(second.headers.etag, first.headers.etag)
  t.equal(Number(second.headers['content-length']), Number(first.headers['content-length']) - 1)
  t.equal(first.body.cache_hit, false)
  t.strictSame(second.body, { ...first.body, cache_hit: true })
  const fresh = await ask('GET', `${url}&fresh=true&since=${first.headers.etag}`)
  t.match(fresh.body, { cache_hit: false, delta: { removed: [], unchanged: 2 }, context: { relevant_files: [] } })
})
