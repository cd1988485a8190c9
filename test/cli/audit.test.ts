import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../../cli/program.js'
import { openLog } from '../core/audit/sample-log.js'
import { stubTerminal } from './stub-terminal.js'

const { directory, audit, clock } = await openLog(t)
const hour = 3_600_000
await audit.record({ action: 'sidecar.started', outcome: 'success', actor: 'sidecar' })
clock.advance(hour)
await audit.record({ action: 'token.issued', outcome: 'success', actor: 'operator', project: 'shop', resource: 'agent/tester-1', request_id: 'req-1', address: '127.0.0.1' })
clock.advance(hour)
await audit.record({ action: 'token.refused', outcome: 'refused', actor: null, code: 'AUTH_001', resource: 'GET /x\u001b[2J', address: '10.0.0.9', count: 12 })
await audit.record({ action: 'agent.ended', outcome: 'success', actor: 'sidecar', resource: 'agent/tester-1' })
await audit.close()

const home = t.testdir({ storage: {} })
cpSync(directory, join(home, 'storage', 'audit'), { recursive: true })
const file = join(home, 'storage', 'audit', 'audit-000001.jsonl')

async function cco (...args: string[]): Promise<{ code: number, stdout: string, stderr: string }> {
  const terminal = stubTerminal({ cwd: home, env: { HOME: home } })
  const code = await run(['audit', ...args, '--storage', 'storage'], terminal)
  return { code, stdout: terminal.stdout(), stderr: terminal.stderr() }
}

t.test('verify says that it is whole, and where it ends', async (t) => {
  const { code, stdout } = await cco('verify')
  t.equal(code, 0)
  const [, link] = /^Whole: 4 records in 1 file\.\nIt ends with (4:[0-9a-f]{64})$/.exec(stdout) ?? []
  t.ok(link, stdout)
  t.equal((await cco('verify', '--head', link!)).code, 0)
  const other = await cco('verify', '--head', `4:${'0'.repeat(64)}`)
  t.match(other, { code: 1, stdout: /^edited {2}audit-000001\.jsonl:4 / })
  t.match(await cco('verify', '--head', '4:x'), { code: 2, stderr: /must look like/ })
  t.match(JSON.parse((await cco('verify', '--format', 'json')).stdout), { whole: true, records: 4, faults: [] })
})

t.test('verify ends with 1 and names file, line and kind', async (t) => {
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.replace('operator', 'nobody00'))
  t.match(await cco('verify'), { code: 1, stdout: /^edited {2}audit-000001\.jsonl:2 {2}/, stderr: '' })
  t.match(JSON.parse((await cco('verify', '--format', 'json')).stdout), { whole: false, faults: [{ kind: 'edited', file: 'audit-000001.jsonl', line: 2 }] })
  writeFileSync(file, text)
  appendFileSync(file, '{"seq":5')
  t.match(await cco('verify'), { code: 0, stdout: /being written, or was never finished: 8 bytes/ })
  writeFileSync(file, text)
  t.match(await run(['audit', 'verify', '--storage', 'elsewhere'], stubTerminal({ cwd: home, env: { HOME: home } })), 1, 'where there is no log')
})

t.test('tail prints the last ones, a line each, whatever is in them', async (t) => {
  const { stdout } = await cco('tail', '-n', '3')
  t.equal(stdout.split('\n').length, 3)
  t.match(stdout.split('\n')[1], /token\.refused ×12 {2}refused AUTH_001 {2}somebody at 10\.0\.0\.9 {2}GET \/x\ufffd\[2J$/)
  t.match((await cco('tail', '--format', 'json')).stdout.split('\n').map((line) => (JSON.parse(line) as { seq: number }).seq), [1, 2, 3, 4])
})

t.test('search finds by every condition', async (t) => {
  const found = async (...args: string[]): Promise<number[]> => (JSON.parse((await cco('search', ...args, '--format', 'json')).stdout) as { records: { seq: number }[] }).records.map(({ seq }) => seq)
  t.strictSame(await found(), [4, 3, 2, 1], 'newest first')
  t.strictSame(await found('--limit', '2'), [4, 3])
  t.strictSame(await found('--action', 'token.'), [3, 2])
  t.strictSame(await found('--action', 'token.issued'), [2])
  t.strictSame(await found('--action', 'token'), [])
  t.strictSame(await found('--outcome', 'refused'), [3])
  t.strictSame(await found('--actor', 'sidecar'), [4, 1])
  t.strictSame(await found('--project', 'shop'), [2])
  t.strictSame(await found('--resource', 'agent/tester-1'), [4, 2])
  t.strictSame(await found('--address', '10.0.0.9'), [3])
  t.strictSame(await found('--request-id', 'req-1'), [2])
  t.strictSame(await found('--text', 'AUTH_001'), [3])
  t.strictSame(await found('--since', '2026-01-01T01:00:00Z', '--until', '2026-01-01T02:00:00Z'), [2])
  t.match((await cco('search', '--actor', 'absent')).stdout, 'No such records.')
  t.match((await cco('search', '--outcome', 'refused')).stdout, /^TIME .*\n.*token\.refused ×12/)
  t.equal((await cco('search', '--outcome', 'odd')).code, 2)
})
