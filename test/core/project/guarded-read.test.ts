import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, readFileSync, renameSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { mkdir, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { decodeText, readGuarded } from '../../../core/project/worker/guarded-read.js'
import { MOST_COST, costOf } from '../../support/cost.js'
import { writeFiles } from '../../support/repository.js'
import { temporaryFolder } from '../../support/temporary.js'

const LIMIT = 2 * 1024 * 1024

t.test('FAULT 26: a file swapped for a link between check and open gives not a byte from outside', async t => {
  const base = await temporaryFolder(t, 'cco-read')
  await writeFiles(base, { 'root/file': 'inside', 'root/dir/file': 'inside', 'outside/file': 'OUTSIDE', secret: 'OUTSIDE' })
  // The swapper works in a process of its own: nothing orders the two but the kernel.
  const swap = `
    const fs = require('node:fs')
    process.chdir(process.argv[1])
    process.send('ready')
    for (;;) {
      fs.renameSync('root/file', 'kept'); fs.symlinkSync('../secret', 'root/file'); fs.unlinkSync('root/file'); fs.renameSync('kept', 'root/file')
      fs.symlinkSync('../secret', 'link'); fs.renameSync('root/file', 'kept'); fs.renameSync('link', 'root/file'); fs.renameSync('kept', 'root/file')
      fs.renameSync('root/dir', 'keptdir'); fs.symlinkSync('../outside', 'root/dir'); fs.unlinkSync('root/dir'); fs.renameSync('keptdir', 'root/dir')
    }`
  const swapper = spawn(process.execPath, ['-e', swap, base], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  t.teardown(() => { swapper.kill('SIGKILL') })
  await new Promise((resolve) => swapper.once('message', resolve))
  const seen = { inside: 0, refused: 0, outside: 0 }
  const until = performance.now() + 10_000
  let rounds = 0
  for (; rounds < 20_000 && performance.now() < until; rounds++) {
    for (const path of ['file', 'dir/file']) {
      const read = readGuarded(join(base, 'root'), path, 1000)
      if (typeof read === 'string') seen.refused++
      else if (read.bytes.toString() === 'inside') seen.inside++
      else seen.outside++
    }
  }
  t.equal(seen.outside, 0)
  t.ok(seen.inside > 0 && seen.refused > 0, `the race went both ways in ${rounds} rounds: ${JSON.stringify(seen)}`)
})

t.test('FAULT 27: what is no file of a bearable size is refused at once', async t => {
  const base = await temporaryFolder(t, 'cco-read')
  await mkdir(join(base, 'folder'))
  execFileSync('mkfifo', [join(base, 'fifo')])
  const server = createServer().listen(join(base, 'socket'))
  t.teardown(() => { server.close() })
  await new Promise((resolve) => server.once('listening', resolve))
  await symlink('/dev/zero', join(base, 'device'))
  for (const [name, size] of [['5 GB', 5 * 1024 ** 3], ['line of 1 GB', 1024 ** 3], ['just too large', LIMIT + 1]] as const) {
    writeFileSync(join(base, name), '')
    truncateSync(join(base, name), size)
  }
  const refusals: [path: string, refusal: string][] = [
    ['fifo', 'not-a-file'], ['folder', 'not-a-file'], ['socket', 'gone'], ['device', 'gone'], ['5 GB', 'too-large'], ['line of 1 GB', 'too-large'], ['just too large', 'too-large'], ['missing', 'gone'], ['folder/missing', 'gone']
  ]
  const cost = await costOf(() => {
    for (const [path, refusal] of refusals) t.equal(readGuarded(base, path, LIMIT), refusal, path)
  })
  t.ok(cost < MOST_COST, `nothing of them is read: costs ${Math.round(cost)}`)
  // The device itself, as a careless root would reach it.
  t.equal(readGuarded('/dev', 'zero', LIMIT), 'not-a-file')
})

t.test('FAULT 27: a sparse file within the limit is binary, not text', async t => {
  const base = await temporaryFolder(t, 'cco-read')
  writeFileSync(join(base, 'sparse'), '')
  truncateSync(join(base, 'sparse'), LIMIT)
  const read = readGuarded(base, 'sparse', LIMIT)
  t.ok(typeof read !== 'string' && read.bytes.length === LIMIT)
  t.equal(typeof read === 'string' ? read : decodeText(read.bytes), undefined)
})

t.test('FAULT 27: text is what its bytes say, and nothing else is text', t => {
  const texts: [what: string, bytes: Buffer, text: string | undefined][] = [
    ['UTF-8', Buffer.from('naïve 漢 😀'), 'naïve 漢 😀'],
    ['UTF-8 with a mark', Buffer.from('\uFEFFa'), 'a'],
    ['UTF-16, little end first', Buffer.from('\uFEFFü漢', 'utf16le'), 'ü漢'],
    ['UTF-16, big end first', Buffer.from('\uFEFFü漢', 'utf16le').swap16(), 'ü漢'],
    ['UTF-16 of an odd length', Buffer.concat([Buffer.from('\uFEFFa', 'utf16le'), Buffer.from([0x62])]), 'a\uFFFD'],
    ['UTF-16 without a mark', Buffer.from('plain', 'utf16le'), undefined],
    ['Latin-1', Buffer.from('M\xFCller', 'latin1'), 'M\uFFFDller'],
    ['half a character', Buffer.from([0x61, 0xE6, 0xBC]), 'a\uFFFD'],
    ['overlong and surrogate forms', Buffer.from([0xC0, 0xAF, 0xED, 0xA0, 0x80]), '\uFFFD'.repeat(5)],
    ['a program', Buffer.from([0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0]), undefined],
    ['an image', Buffer.from([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0]), undefined],
    ['nothing', Buffer.alloc(0), '']
  ]
  for (const [what, bytes, text] of texts) t.equal(decodeText(bytes), text, what)
  t.end()
})

t.test('FAULT 27: a file that changes while it is read gives one of its states, or a part of it', async t => {
  const base = await temporaryFolder(t, 'cco-read')
  const [path, root] = [join(base, 'root/file'), join(base, 'root')]
  await writeFiles(base, { 'root/file': 'a'.repeat(300_000) })
  const change = `
    const fs = require('node:fs')
    process.send('ready')
    for (let round = 0; ; round++) {
      fs.truncateSync(process.argv[1], 0)
      fs.appendFileSync(process.argv[1], 'b'.repeat(100_000))
      fs.writeFileSync(process.argv[1], 'a'.repeat(300_000))
      fs.writeFileSync(process.argv[1] + '.new', 'c'.repeat(300_000)); fs.renameSync(process.argv[1] + '.new', process.argv[1])
    }`
  const changer = spawn(process.execPath, ['-e', change, path], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  t.teardown(() => { changer.kill('SIGKILL') })
  await new Promise((resolve) => changer.once('message', resolve))
  const until = performance.now() + 2000
  let lengths = 0
  for (let round = 0; round < 5000 && performance.now() < until; round++) {
    const read = readGuarded(root, 'file', LIMIT)
    if (typeof read === 'string') continue
    // Never more than the file had when it was measured, and never memory that nothing was read into.
    if (read.bytes.length > read.size || !/^[abc]*$/.test(read.bytes.toString('latin1'))) t.fail(`${read.bytes.length} of ${read.size} bytes`)
    lengths++
  }
  t.ok(lengths > 0)
})

t.test('a file that is replaced or grows afterwards is read as it was opened', async t => {
  const base = await temporaryFolder(t, 'cco-read')
  writeFileSync(join(base, 'file'), 'first')
  const before = readGuarded(base, 'file', LIMIT)
  appendFileSync(join(base, 'file'), ' and more')
  const after = readGuarded(base, 'file', LIMIT)
  t.match([before, after].map((read) => typeof read === 'string' ? read : read.bytes.toString()), ['first', 'first and more'])
  renameSync(join(base, 'file'), join(base, 'kept'))
  symlinkSync('kept', join(base, 'file'))
  t.equal(readGuarded(base, 'file', LIMIT), 'gone', 'a link is none, even within')
  unlinkSync(join(base, 'file'))
  t.equal(readFileSync(join(base, 'kept'), 'utf8'), 'first and more')
})
