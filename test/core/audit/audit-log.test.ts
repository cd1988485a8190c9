import { appendFileSync, readFileSync, rmSync, statSync, truncateSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { listFiles } from '../../../core/audit/files.js'
import { Refusals } from '../../../core/audit/refusals.js'
import { endOf, newestFirst, recordsSince } from '../../../core/audit/read.js'
import { verifyAuditLog } from '../../../core/audit/verify.js'
import type { AuditRecord } from '../../../core/contracts/index.js'
import { createAuditSpy } from '../../support/audit-spy.js'
import { diskError, interceptFileHandles } from '../../support/file-handle.js'
import { ENTRY, fill, linesIn, openLog } from './sample-log.js'

async function recordsOf (directory: string): Promise<AuditRecord[]> {
  const records: AuditRecord[] = []
  for await (const record of newestFirst(directory)) records.unshift(record)
  return records
}

t.test('a record is on the disk when its promise resolves, for the owner alone, one line whatever is in it', async (t) => {
  const { directory, audit } = await openLog(t)
  await audit.record({ ...ENTRY, actor: 'a\n{"seq":9}\r\u2028\u0000', resource: 'x'.repeat(5000), details: { list: Array.from({ length: 100 }, () => 'y'), '\n': '"' } })
  await Promise.all(Array.from({ length: 50 }, (_, index) => audit.record({ ...ENTRY, request_id: `req-${index}` })))
  const [file] = await linesIn(directory)
  t.equal(file!.lines.length, 51)
  const records = file!.lines.map((line) => JSON.parse(line) as AuditRecord)
  t.equal(records[0]!.actor, 'a\n{"seq":9}\r\u2028\u0000')
  t.equal(records[0]!.resource!.length, 513, 'texts are cut')
  t.equal((records[0]!.details!.list as unknown[]).length, 32, 'and lists end')
  t.strictSame(records.map(({ seq }) => seq), Array.from({ length: 51 }, (_, index) => index + 1))
  t.strictSame(records.slice(1).map(({ request_id: id }) => id), Array.from({ length: 50 }, (_, index) => `req-${index}`), 'in the order of the calls')
  for (const [index, record] of records.entries()) t.equal(record.prev, records[index - 1]?.hash ?? '0'.repeat(64))
  t.equal(statSync(directory).mode & 0o777, 0o700)
  for (const name of [file!.file, 'head']) t.equal(statSync(join(directory, name)).mode & 0o777, 0o600)
  t.strictSame(audit.statistics().records, [{ action: 'token.issued', outcome: 'success', count: 51 }])
})

t.test('records of one moment are synced together', async (t) => {
  const { audit } = await openLog(t)
  let syncs = 0
  interceptFileHandles(t, 'datasync', async (original) => {
    syncs++
    return await original()
  })
  await Promise.all(Array.from({ length: 500 }, () => audit.record(ENTRY)))
  t.ok(syncs > 0 && syncs <= 3, `${syncs} syncs for 500 records`)
})

t.test('the chain goes on over files and starts', async (t) => {
  const { directory, audit, reopen } = await openLog(t, { fileBytes: 1000 })
  await fill(audit, 7)
  const again = await reopen()
  await fill(again, 7, 7)
  await again.close()
  await again.close()
  const third = await reopen()
  await fill(third, 1, 14)
  const files = await linesIn(directory)
  t.ok(files.length > 3)
  const records = await recordsOf(directory)
  t.strictSame(records.map(({ resource }) => resource), Array.from({ length: 15 }, (_, index) => `agent/test-engineer-${index}`))
  const first = JSON.parse(files[1]!.lines[0]!) as AuditRecord
  t.equal(first.prev, (JSON.parse(files[0]!.lines.at(-1)!) as AuditRecord).hash, 'the first record of a file names the last one of the file before')
  t.strictSame((await verifyAuditLog(directory)).faults, [])
})

t.test('a line that a crash left unfinished is cut off and said; whole ones stay', async (t) => {
  const { directory, audit, reopen, log } = await openLog(t)
  await fill(audit, 3)
  appendFileSync(join(directory, 'audit-000001.jsonl'), '{"seq":4,"time":"20')
  const again = await reopen()
  await fill(again, 1, 3)
  t.strictSame((await recordsOf(directory)).map(({ action, details }) => [action, details]), [
    ['token.issued', undefined], ['token.issued', undefined], ['token.issued', undefined],
    ['audit.repaired', { file: 'audit-000001.jsonl', unfinished_bytes: 19 }], ['token.issued', undefined]
  ])
  t.match(log.said.warn, [/audit log does not end where it should/])
  t.strictSame((await verifyAuditLog(directory)).faults, [])
})

t.test('after a cut the log goes on where it had been, and the gap stays visible', async (t) => {
  const { directory, audit, reopen } = await openLog(t)
  await fill(audit, 5)
  await audit.close()
  const { lines } = (await linesIn(directory))[0]!
  truncateSync(join(directory, 'audit-000001.jsonl'), Buffer.byteLength(lines.slice(0, 3).map((line) => `${line}\n`).join('')))
  const again = await reopen()
  await fill(again, 2, 5)
  const records = await recordsOf(directory)
  t.strictSame(records.map(({ seq }) => seq), [1, 2, 3, 6, 7, 8])
  t.match(records[3], { action: 'audit.repaired', details: { found_through: 3, written_through: 5 } })
  t.match((await verifyAuditLog(directory)).faults, [{ kind: 'dropped', file: 'audit-000002.jsonl', line: 1 }])
  await again.close()
  for (const number of [1, 2]) rmSync(join(directory, `audit-00000${number}.jsonl`))
  await fill(await reopen(), 1, 9)
  t.match((await verifyAuditLog(directory)).faults, [{ kind: 'dropped', message: /8 records are missing before/ }], 'also when all files are gone')
})

t.test('while the disk takes nothing records are kept, and written as soon as it does', async (t) => {
  for (const [method, code] of [['write', 'ENOSPC'], ['datasync', 'EIO']] as const) {
    const { directory, audit, log } = await openLog(t)
    await fill(audit, 1)
    const restore = interceptFileHandles(t, method, async (original, handle, args) => {
      // A full disk takes a part first.
      if (method === 'write') await handle.writev([(args[0] as Buffer).subarray(0, 10)], args[3] as number)
      else await original()
      throw diskError(code)
    })
    await t.rejects(audit.record({ ...ENTRY, resource: 'kept' }), { code: 'STR_001' })
    t.match(audit.failing, new RegExp(code))
    audit.note({ ...ENTRY, resource: 'noted' })
    await t.rejects(audit.record({ ...ENTRY, resource: 'kept too' }), { code: 'STR_001' })
    t.ok(audit.statistics().write_failures >= 2)
    t.equal(log.said.error.length, 1, 'said once')
    restore()
    await audit.record({ ...ENTRY, resource: 'later' })
    t.equal(audit.failing, undefined)
    t.strictSame((await recordsOf(directory)).map(({ resource }) => resource), ['agent/test-engineer-0', 'kept', 'noted', 'kept too', 'later'])
    t.strictSame((await verifyAuditLog(directory)).faults, [])
    t.equal(audit.statistics().pending, 0)
  }
})

t.test('more than can be kept is counted, and the log says so', async (t) => {
  const { directory, audit } = await openLog(t)
  const restore = interceptFileHandles(t, 'write', async () => { throw diskError('ENOSPC') })
  await t.rejects(audit.record(ENTRY))
  for (let index = 0; index < 10_004; index++) audit.note(ENTRY)
  t.equal(audit.statistics().lost, 5)
  restore()
  await audit.close()
  const records = await recordsOf(directory)
  t.match(records[0], { action: 'audit.lost', count: 5 })
  t.equal(records.length, 10_001)
  t.strictSame((await verifyAuditLog(directory)).faults, [])
  await t.rejects(audit.record(ENTRY), { code: 'STR_001' }, 'a closed log takes nothing')
})

t.test('files beyond their retention go, and the chain says so', async (t) => {
  const { directory, audit, clock } = await openLog(t, { fileBytes: 800, retentionDays: 10 })
  await fill(audit, 12)
  const before = await linesIn(directory)
  const at = clock() / 1000
  for (const [index, { file }] of before.entries()) utimesSync(join(directory, file), at, at - (index < 2 ? 11 : 9) * 86_400)
  for (let index = 12; (await listFiles(directory))[0]! < 3; index++) await fill(audit, 1, index)
  await audit.close()
  const left = await linesIn(directory)
  t.equal(left[0]!.file, before[2]!.file)
  const { faults, first_seq: first } = await verifyAuditLog(directory)
  t.strictSame(faults, [])
  t.ok(first! > 1)
  rmSync(join(directory, left[0]!.file))
  t.match((await verifyAuditLog(directory)).faults, [{ kind: 'dropped' }], 'one more that goes is missed')
})

t.test('readers follow the log over files', async (t) => {
  const { directory, audit } = await openLog(t, { fileBytes: 1000 })
  await fill(audit, 3)
  const start = await endOf(directory)
  t.strictSame((await recordsSince(directory, start)).records, [])
  await fill(audit, 9, 3)
  const { records, position } = await recordsSince(directory, start)
  t.strictSame(records.map(({ seq }) => seq), [4, 5, 6, 7, 8, 9, 10, 11, 12])
  appendFileSync(join(directory, `audit-${String(position.file).padStart(6, '0')}.jsonl`), '{"half')
  t.strictSame((await recordsSince(directory, position)).records, [], 'a line that is not whole waits')
})

t.test('equal refusals are one record and a count, and an attack is bounded', async (t) => {
  const audit = createAuditSpy()
  const refusals = new Refusals(audit)
  const refused = { action: 'token.refused', outcome: 'refused', actor: null, code: 'AUTH_001' } as const
  for (let index = 0; index < 1000; index++) refusals.note('a', { ...refused, address: '10.0.0.1' })
  refusals.note('b', { ...refused, address: '10.0.0.2' })
  refusals.flush()
  t.strictSame(audit.entries.map(({ address, count }) => [address, count]), [['10.0.0.1', undefined], ['10.0.0.2', undefined], ['10.0.0.1', 999]])
  audit.entries.length = 0
  for (let index = 0; index < 100_000; index++) refusals.note(`address ${index}`, { ...refused, address: `10.0.${index}` })
  refusals.flush()
  t.equal(audit.entries.length, 258)
  t.match(audit.entries.at(-1), { action: 'token.refused', actor: null, count: 99_743, details: { mixed: true } })
})

t.test('the head survives a torn write of itself', async (t) => {
  const { directory, audit } = await openLog(t)
  await fill(audit, 4)
  await audit.close()
  const head = readFileSync(join(directory, 'head'))
  t.equal(head.length, 512)
  // The slot that would be written next, half of it.
  truncateSync(join(directory, 'head'), 300)
  const { faults } = await verifyAuditLog(directory)
  t.strictSame(faults, [], 'a head that lags by a write is no fault')
})
