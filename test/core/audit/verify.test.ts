import { appendFileSync, cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { encodeRecord } from '../../../core/audit/record.js'
import { verifyAuditLog, type Verification } from '../../../core/audit/verify.js'
import type { AuditRecord } from '../../../core/contracts/index.js'
import { quickFolder } from '../../support/temporary.js'
import { fill, linesIn, openLog, writeLines } from './sample-log.js'

const { directory: original, audit } = await openLog(t, { fileBytes: 3000 })
await fill(audit, 40)
await audit.close()
const files = await linesIn(original)
const parent = await quickFolder(t)

/** Verifies a copy that something was done to. */
async function after (change: (directory: string) => void): Promise<Verification> {
  const directory = join(parent, 'copy')
  rmSync(directory, { recursive: true, force: true })
  cpSync(original, directory, { recursive: true })
  change(directory)
  return await verifyAuditLog(directory)
}

const placeOf = (n: number): { file: string, line: number } => {
  for (const { file, lines } of files) {
    if (n < lines.length) return { file, line: n + 1 }
    n -= lines.length
  }
  throw new RangeError('there is no such record')
}
const total = files.reduce((sum, { lines }) => sum + lines.length, 0)
const some = fc.nat(total - 1)
const flat = files.flatMap(({ file, lines }) => lines.map((line) => ({ file, line })))

/** Writes lines back into the files that they are said to be in. */
function put (directory: string, lines: readonly { file: string, line: string }[]): void {
  for (const { file } of files) writeLines(directory, file, lines.filter((one) => one.file === file).map(({ line }) => line))
}

t.test('a log that nobody touched is whole', async (t) => {
  t.ok(files.length > 3, `${files.length} files`)
  const { faults, records, head, first_seq: first } = await after(() => {})
  t.strictSame(faults, [])
  t.equal(records, 40)
  t.equal(first, 1)
  t.equal(head?.seq, 40)
  t.strictSame((await verifyAuditLog(original, head!)).faults, [])
  t.match((await verifyAuditLog(original, { seq: 12, hash: head!.hash })).faults, [{ kind: 'edited', ...placeOf(11) }], 'a link that was noted is compared')
  t.match((await verifyAuditLog(original, { seq: 41, hash: head!.hash })).faults, [{ kind: 'cut' }])
})

t.test('any byte that is changed is found in its line', async () => {
  await fc.assert(fc.asyncProperty(some, fc.nat(), fc.integer({ min: 1, max: 255 }), async (n, at, change) => {
    const { file, line } = placeOf(n)
    const { faults } = await after((directory) => {
      const content = readFileSync(join(directory, file))
      const start = Buffer.byteLength(files.find((one) => one.file === file)!.lines.slice(0, line - 1).map((text) => `${text}\n`).join(''))
      // The newline is the next property's.
      const position = start + at % Buffer.byteLength(flat[n]!.line)
      content[position] = (content[position]! + change) % 256
      writeFileSync(join(directory, file), content)
    })
    const [first] = faults
    return first?.kind === 'edited' && first.file === file && first.line === line
  }), { numRuns: 150 })
})

t.test('a line that is taken out is found where it was', async () => {
  await fc.assert(fc.asyncProperty(fc.nat(total - 2), async (n) => {
    const { faults } = await after((directory) => { put(directory, flat.filter((_, index) => index !== n)) })
    // The next record shows it; the first line of a file takes the place of the one that went.
    const next = placeOf(n + 1)
    const line = next.file === placeOf(n).file ? next.line - 1 : next.line
    return faults.length === 1 && faults[0]!.kind === 'dropped' && faults[0]!.file === next.file && faults[0]!.line === line
  }), { numRuns: 60 })
})

t.test('two lines that change places are found', async () => {
  await fc.assert(fc.asyncProperty(some, some, async (one, other) => {
    fc.pre(one !== other)
    const [a, b] = [Math.min(one, other), Math.max(one, other)]
    const { faults } = await after((directory) => {
      const lines = flat.map((entry) => ({ ...entry }))
      ;[lines[a]!.line, lines[b]!.line] = [lines[b]!.line, lines[a]!.line]
      put(directory, lines)
    })
    const place = placeOf(a)
    return faults.some(({ kind, file, line }) => kind === 'reordered' && file === place.file && line === place.line)
  }), { numRuns: 60 })
})

t.test('a cut at any byte is found at the end', async () => {
  const last = files.at(-1)!
  const size = Buffer.byteLength(last.lines.map((line) => `${line}\n`).join(''))
  for (let at = 0; at < size; at += 7) {
    const { faults } = await after((directory) => { truncateSync(join(directory, last.file), at) })
    const line = last.lines.findIndex((_, index) => Buffer.byteLength(last.lines.slice(0, index + 1).map((text) => `${text}\n`).join('')) > at) + 1
    if (!faults.some((fault) => fault.kind === 'cut' && fault.file === last.file && fault.line === line)) t.fail(`a cut at ${at} is not found in line ${line}: ${JSON.stringify(faults)}`)
  }
})

t.test('whole files that go are missed', async (t) => {
  for (const [index, { file }] of files.entries()) {
    const { faults } = await after((directory) => { rmSync(join(directory, file)) })
    const kind = index === files.length - 1 ? 'cut' : 'dropped'
    t.match(faults, [{ kind, file: kind === 'cut' ? files[index - 1]!.file : files[index + 1]!.file }], `without ${file}`)
  }
  t.match((await after((directory) => { for (const { file } of files) rmSync(join(directory, file)) })).faults, [{ kind: 'cut' }], 'without any')
  t.match((await after((directory) => { rmSync(join(directory, 'head')) })).faults, [{ kind: 'cut', file: 'head' }], 'without the head')
})

t.test('a line with a right hash of its own is found all the same', async (t) => {
  const rehashed = (n: number, change: (record: AuditRecord) => AuditRecord): string => {
    const record = change(JSON.parse(flat[n]!.line) as AuditRecord)
    return encodeRecord(record, record.time, { seq: record.seq - 1, hash: record.prev }).line.trimEnd()
  }
  const forge = (n: number) => (directory: string): void => {
    const lines = flat.map((entry) => ({ ...entry }))
    lines[n]!.line = rehashed(n, (record) => ({ ...record, actor: 'nobody' }))
    put(directory, lines)
  }
  const { faults } = await after(forge(20))
  t.match(faults, [{ kind: 'edited', ...placeOf(21) }], 'in the middle, by the record that follows it')
  t.match((await after(forge(total - 1))).faults, [{ kind: 'edited', ...placeOf(total - 1) }], 'at the end, by the head')
  t.match((await after((directory) => { appendFileSync(join(directory, files.at(-1)!.file), `${flat[3]!.line}\n`) })).faults, [{ kind: 'reordered' }], 'a record that comes twice')
})

t.test('a last line that nobody was told of is no fault', async (t) => {
  const verified = await after((directory) => { appendFileSync(join(directory, files.at(-1)!.file), '{"seq":41,"ti') })
  t.strictSame(verified.faults, [])
  t.equal(verified.unfinished_bytes, 13)
})
