import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { makeDirectory, removeLeftovers, writeFileDurably } from '../../core/durable-file.js'
import { temporaryFolder } from '../support/temporary.js'

t.test('writes a whole file, readable by its owner alone', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'a.json')
  await writeFileDurably(file, 'one')
  await writeFileDurably(file, Buffer.from('two'))
  t.equal(await readFile(file, 'utf8'), 'two')
  t.equal((await stat(file)).mode & 0o777, 0o600)
  t.strictSame(await readdir(folder), ['a.json'])
})

t.test('FAULT 7: whoever reads meanwhile sees the old or the new', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'a')
  const [old, fresh] = ['x'.repeat(200_000), 'y'.repeat(300_000)]
  await writeFileDurably(file, old)
  let during: string | undefined
  await writeFileDurably(file, fresh, async (temporary) => {
    during = await readFile(file, 'utf8')
    t.equal(await readFile(temporary, 'utf8'), fresh, 'the new content is whole before it takes its place')
  })
  t.equal(during, old)
  t.equal(await readFile(file, 'utf8'), fresh)

  const contents = ['a', 'b', 'c', 'd'].map((sign) => sign.repeat(100_000))
  const state = { writing: true }
  const writers = Promise.all(contents.map(async (content) => { for (let round = 0; round < 10; round++) await writeFileDurably(file, content) })).finally(() => { state.writing = false })
  while (state.writing) {
    const seen = await readFile(file, 'utf8')
    if (seen !== fresh && !contents.includes(seen)) t.fail(`a mixture of ${seen.length} characters was read`)
  }
  await writers
  t.strictSame(await readdir(folder), ['a'], 'and nothing is left beside it')
})

t.test('FAULT 7: a write that fails leaves the old content and no leftover', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'a')
  await writeFileDurably(file, 'old')
  await t.rejects(writeFileDurably(file, 'new', async () => { throw new Error('before the rename') }), { message: 'before the rename' })
  t.equal(await readFile(file, 'utf8'), 'old')
  await mkdir(join(folder, 'taken'))
  await t.rejects(writeFileDurably(join(folder, 'taken'), 'new'), { code: 'EISDIR' })
  await t.rejects(writeFileDurably(join(folder, 'gone/a'), 'new'), { code: 'ENOENT' })
  t.strictSame((await readdir(folder)).sort(), ['a', 'taken'])
})

t.test('a link is replaced, not written through', async t => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'outside'), 'mine')
  await symlink(join(folder, 'outside'), join(folder, 'a'))
  await writeFileDurably(join(folder, 'a'), 'new')
  t.equal(await readFile(join(folder, 'outside'), 'utf8'), 'mine')
})

t.test('FAULT 7: leftovers of a crash are removed, and nothing else', async t => {
  const folder = await temporaryFolder(t)
  const kept = ['a.json', '.hidden', 'a.tmp', '.a.tmp', '.a.123.tmp', 'a.00000000-0000-0000-0000-000000000000.tmp']
  for (const name of [...kept, '.a.json.0b6e8a04-7a52-4a2a-9f1c-0123456789ab.tmp']) await writeFile(join(folder, name), '')
  let temporary = ''
  await writeFileDurably(join(folder, 'b'), '', async (path) => { temporary = path })
  await writeFile(temporary, 'as a crash leaves it')
  await removeLeftovers(folder)
  t.strictSame((await readdir(folder)).sort(), [...kept, 'b'].sort())
  await removeLeftovers(join(folder, 'gone'))
})

t.test('makes folders for their owner alone', async t => {
  const base = await temporaryFolder(t)
  await makeDirectory(join(base, 'a/b/c'))
  await makeDirectory(join(base, 'a/b/c'))
  for (const path of ['a', 'a/b', 'a/b/c']) t.equal((await stat(join(base, path))).mode & 0o777, 0o700)
})
