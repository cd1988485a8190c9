import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { Connection, load } from '../../bench/speed/client.js'
import { findStale } from '../../bench/speed/disk.js'
import { advantage, difference, isMet, least, median, most, percentile, plain, ratio, type Figure } from '../../bench/speed/figures.js'
import { generatedFile } from '../../bench/speed/generate.js'
import { readOptions } from '../../bench/speed/options.js'
import { renderReport, type Report } from '../../bench/speed/report.js'
import { builtPart, isHit } from '../../bench/speed/session.js'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import { createRepository, git, writeFiles } from '../support/repository.js'
import { temporaryFolder } from '../support/temporary.js'
import { runBench, type BenchRun } from './bench-run.js'

t.test('a figure is the median of its rounds, beside a limit of the same rounds', async t => {
  t.equal(median([5, 1, 9]), 5)
  t.equal(percentile([3, 1, 2, 4], 0.99), 4)
  t.match(ratio('a', [1, 30, 3], [2, 2, 90], 'ms'), { value: 3, limit: 2, compared: 1.5, sign: '×' })
  t.equal(advantage('a', [2], [80], 'ms').compared, 40)
  t.match(difference('a', [12], [9]), { compared: 3, sign: 'ms' })
  t.equal(isMet(ratio('a', [3], [2], 'ms')), undefined, 'one that is held to nothing is neither met nor missed')
  t.equal(isMet(ratio('a', [3], [2], 'ms', { aim: most(1.5) })), true)
  t.equal(isMet(ratio('a', [3], [2], 'ms', { aim: most(1.4) })), false)
  t.equal(isMet(advantage('a', [2], [80], 'ms', { aim: least(40) })), true)
  t.equal(isMet(plain('a', 2, '', { aim: most(1) })), false)
})

t.test('a report says what was missed, what is wrong and what was left out', async t => {
  const figures: Figure[] = [
    ratio('build', [30], [10], 'ms', { aim: most(2.2), note: '3 files' }), difference('edit', [12], [9], { aim: most(5) }), plain('stale', 0, '', { aim: most(0) }), plain('p50', 7, 'ms')
  ]
  const report: Report = { name: 'shop', agent: 'python-pro', files: 3, figures, faults: ['an answer was stale'], notMeasured: ['repomix'] }
  const text = renderReport(report, false)
  t.match(text, /^shop: 3 files, as python-pro\n/)
  t.match(text, /build \(3 files\) +30\.00 ms +10\.00 ms +3\.00 × +≤ 2\.2 × +MISSED\n/)
  t.match(text, /edit +12\.00 ms +9\.00 ms +\+3\.00 ms +≤ 5 ms +met\n/)
  t.match(text, /2 of 3 aims met\.\nNot measured: repomix\nWRONG: an answer was stale$/)
  t.match(renderReport(report, true), /### shop[^]*\n\| --- \| ---: \|[^]*\n\| stale \| 0 \| {2}\| {2}\| ≤ 0 \| met \|\n/)
})

t.test('what is built is told from what is added to each answer', async t => {
  const body = Buffer.from('{"a":",\\"cache_hit\\":false","cache_hit":true,"timestamp":"2020"}')
  t.equal(builtPart(body).toString(), '{"a":",\\"cache_hit\\":false"')
  t.ok(isHit(body))
  t.notOk(isHit(Buffer.from('{"cached":true,"cache_hit":false,"timestamp":""}')))
})

t.test('a connection reads answers however they are cut, one after another', async t => {
  const answer = 'HTTP/1.1 200 OK\r\nETag: "x"\r\nContent-Length: 5\r\n\r\nhello'
  const pieces = [[answer], [answer.slice(0, 20), answer.slice(20, 50), answer.slice(50)], ['HTTP/1.1 304 Not Modified\r\netag: "y"\r\n\r\n'], ['HTTP/1.1 200 OK\r\n\r\n']]
  const server = createServer((socket) => {
    socket.setNoDelay(true)
    socket.on('data', async () => {
      for (const piece of pieces.shift() ?? []) {
        socket.write(piece)
        await wait(5)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const connection = await Connection.open((server.address() as AddressInfo).port)
  for (let round = 0; round < 2; round++) {
    const { status, etag, body } = await connection.get('/', {})
    t.strictSame([status, etag, body.toString()], [200, '"x"', 'hello'])
  }
  t.match(await load([connection], 0, '/', {}, 304), { unexpected: 0 })
  t.match(await connection.get('/', {}), { status: 304, etag: '"y"' })
  await t.rejects(connection.get('/', {}), /how long it is/)
})

t.test('an answer that is not what is on the disk is found', async t => {
  const root = await temporaryFolder(t, 'cco-disk')
  await writeFiles(root, { 'a.py': 'a = 1\n' })
  const entry = { path: 'a.py', content: 'a = 1\n', checksum: 'sha256:e98b35aaac8ec0d2dc2fa27f2f8bd0a3ba5e1ad7f3e8ecbd6a26ed0ea7f0a2a3', truncation: 'none' }
  t.strictSame(findStale(root, new Set(['a.py']), [entry]), ['a.py'], 'by its checksum')
  t.strictSame(findStale(root, new Set(['a.py', 'b.py']), [{ ...entry, path: 'b.py' }]), ['b.py'], 'when it has gone')
  t.strictSame(findStale(root, new Set(), [entry]), [], 'what is no file is not compared')
})

t.test('generated files lie in folders of few, and say different things', async t => {
  const files = Array.from({ length: 500 }, (_, index) => generatedFile(index))
  t.equal(new Set(files.map(({ path }) => path)).size, 500)
  t.equal(new Set(files.map(({ text }) => text)).size, 500)
})

const BENCH = join(PACKAGE_ROOT, 'dist', 'bench', 'speed', 'speed.js')

const bench = async (args: string[], temporary?: string): Promise<BenchRun> => await runBench(BENCH, args, temporary)

t.test('wrong usage is told before anything is done', async t => {
  t.strictSame(readOptions(['--repo', 'a', '--repo', 'b', '--generate', '1000', '--quick']), { repo: ['a', 'b'], generate: 1000, quick: true, format: 'text' })
  t.match(await bench([]), { code: 2, err: /--repo/ })
  t.match(await bench(['--generate', '9']), { code: 2, err: /whole number/ })
  t.match(await bench(['--help']), { code: 0, out: /Examples:\n/ })
  t.match(await bench(['--repo', join(tmpdir(), 'there-is-none')]), { code: 1, err: /is no git repository/ })
})

t.test('a quick run finds every answer right, and leaves nothing behind', async t => {
  const temporary = await temporaryFolder(t, 'cco-temporary')
  const { code, out, err } = await bench(['--quick', '--format', 'json'], temporary)
  t.equal(code, 0, err)
  const { repositories: [report] } = JSON.parse(out) as { repositories: Report[] }
  t.strictSame(report!.faults, [])
  t.match(report!.figures.find(({ name }) => name.startsWith('builds for 119')), { value: 1 })
  t.match(report!.figures.find(({ name }) => name.startsWith('stale')), { value: 0 })
  t.strictSame(await readdir(temporary), [])
})

t.test('an interrupted run leaves nothing behind, and the repository as it was', async t => {
  const temporary = await temporaryFolder(t, 'cco-temporary')
  const root = await temporaryFolder(t, 'cco-shop')
  await createRepository(root, { 'src/cart.py': 'total = 0\n' })
  const child = spawn(process.execPath, [BENCH, '--repo', root], { env: { ...process.env, TMPDIR: temporary }, stdio: 'ignore' })
  const ended = once(child, 'exit')
  while ((await readdir(temporary)).length === 0) await wait(5)
  await wait(300)
  child.kill('SIGINT')
  t.strictSame(await ended, [130, null])
  t.strictSame(await readdir(temporary), [])
  t.equal(await git(root, 'status', '--porcelain'), '')
})
