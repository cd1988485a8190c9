import { appendFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { eventually, within } from '../../../../core/testing/expectations.js'
import { followFile, type Follower } from '../../../../plugins/spawners/shared/follow-file.js'
import { eventOf } from '../../../../plugins/spawners/shared/json-lines.js'
import { createLineSplitter } from '../../../../plugins/spawners/shared/lines.js'
import { temporaryFolder } from '../../../support/temporary.js'

/** Cuts a text into chunks of the given sizes, again and again. */
function chunksOf (bytes: Buffer, sizes: number[]): Buffer[] {
  const chunks: Buffer[] = []
  for (let start = 0, next = 0; start < bytes.length; next++) {
    const size = sizes[next % sizes.length]!
    chunks.push(bytes.subarray(start, start + size))
    start += size
  }
  return chunks
}

function split (chunks: Buffer[], maxBytes?: number): { line: string, cut: boolean }[] {
  const lines: { line: string, cut: boolean }[] = []
  const splitter = createLineSplitter((line, cut) => lines.push({ line, cut }), maxBytes)
  for (const chunk of chunks) {
    // The reader fills its buffer again, so nothing of it may be kept.
    const buffer = Buffer.from(chunk)
    splitter.push(buffer)
    buffer.fill(0x2a)
  }
  splitter.end()
  return lines
}

const text = fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('\n', '\r\n', '\n\n', '{"type":"x"}\n', '世', '😀')), { maxLength: 30 }).map((parts) => parts.join(''))
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 })

t.test('any chunking of any text gives the same lines', async (t) => {
  fc.assert(fc.property(text, sizes, (text, sizes) => {
    const lines = text.split('\n')
    if (lines.at(-1) === '') lines.pop()
    t.strictSame(split(chunksOf(Buffer.from(text), sizes)), lines.map((line) => ({ line, cut: false })))
  }), { numRuns: 1000 })
})

t.test('any chunking of any bytes gives the same lines, and none is longer than allowed', async (t) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), sizes, fc.integer({ min: 1, max: 50 }), (array, sizes, max) => {
    const bytes = Buffer.from(array)
    const once = split([bytes], max)
    t.strictSame(split(chunksOf(bytes, sizes), max), once)
    for (const { line } of once) if (Buffer.byteLength(line) > max * 3) t.fail('longer than U+FFFD for each byte')
  }), { numRuns: 500 })
})

t.test('a long line is cut, told, and does not take the next one with it', async (t) => {
  const lines = split([Buffer.from('abcdef\nab\nabcde'), Buffer.from('fgh\nabcde')], 5)
  t.strictSame(lines, [{ line: 'abcde', cut: true }, { line: 'ab', cut: false }, { line: 'abcde', cut: true }, { line: 'abcde', cut: false }])
})

t.test('a giant line takes no more memory than the longest that is kept', async (t) => {
  const chunk = Buffer.alloc(64 * 1024, 'x')
  let length = 0
  const splitter = createLineSplitter((line) => { length = line.length }, 1024 * 1024)
  const before = process.memoryUsage().arrayBuffers
  for (let chunks = 0; chunks < 3200; chunks++) splitter.push(chunk)
  // Against what was pushed: 200 MiB.
  t.ok(process.memoryUsage().arrayBuffers - before < 3200 * chunk.length / 20)
  splitter.end()
  t.equal(length, 1024 * 1024)
})

t.test('an event is an object with a type; all else is none', async (t) => {
  t.strictSame(eventOf('  {"type":"x","a":1}\r'), { type: 'x', a: 1 })
  for (const line of ['', 'x', '{', '[]', '[{"type":"x"}]', 'null', '1', '"type"', '{}', '{"type":1}', '{"type":null}', '{"__proto__":{"type":"x"}}']) t.equal(eventOf(line), undefined, line)
  fc.assert(fc.property(fc.string(), (line) => { eventOf(line) }))
})

interface Followed { path: string, follower: Follower, text (): string, restarts (): number }

async function follow (t: Test, content: string): Promise<Followed> {
  const path = join(await temporaryFolder(t), 'output.log')
  writeFileSync(path, content)
  let text = ''
  let restarts = 0
  const follower = followFile(path, { onBytes: (chunk) => { text += chunk.toString('latin1') }, onRestart: () => { restarts++ } })
  t.teardown(() => follower.close())
  return { path, follower, text: () => text, restarts: () => restarts }
}

t.test('what a file holds and what is added is told once, whatever the sizes', async (t) => {
  await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 6 }), async (lengths) => {
    const followed = await follow(t, 'begin')
    let expected = 'begin'
    for (const [index, length] of lengths.entries()) {
      const piece = String(index).repeat(length)
      appendFileSync(followed.path, piece)
      expected += piece
      if (index % 2 === 0) await eventually(() => followed.text().length === expected.length, 'what was added is told while the file is followed')
    }
    await within(20_000, followed.follower.finish(), 'the rest is read')
    t.ok(followed.text() === expected)
  }), { numRuns: 20 })
})

t.test('a file that was cut is read from its beginning', async (t) => {
  const followed = await follow(t, 'before the cut\n')
  await eventually(() => followed.text() === 'before the cut\n', 'what is there is told')
  truncateSync(followed.path)
  appendFileSync(followed.path, 'after\n')
  await eventually(() => followed.text() === 'before the cut\nafter\n', 'what came after the cut is told')
  t.equal(followed.restarts(), 1)
})

t.test('nothing is told after the end', async (t) => {
  const [finished, closed] = [await follow(t, 'x'), await follow(t, 'x')]
  await Promise.all([finished.follower.finish(), closed.follower.close()])
  const before = [finished.text(), closed.text()]
  for (const { path } of [finished, closed]) appendFileSync(path, 'later')
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.strictSame([finished.text(), closed.text()], before)
  t.equal(finished.text(), 'x')
  await Promise.all([finished.follower.finish(), finished.follower.close(), closed.follower.close(), closed.follower.finish()])
})

t.test('a file that is not there is told to who finishes', async (t) => {
  const follower = followFile(join(await temporaryFolder(t), 'none.log'), { onBytes () {}, onRestart () {} })
  await t.rejects(follower.finish(), { code: 'ENOENT' })
  await follower.close()
})
