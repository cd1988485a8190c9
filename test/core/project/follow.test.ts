import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { packCandidates } from '../../../core/project/worker/candidates.js'
import { createContextOperations } from '../../../core/project/worker/context-operations.js'
import { headOf, list, listedFiles, standingOf } from '../../../core/project/worker/listings.js'
import { unpackStrings } from '../../../core/project/worker/transfer.js'
import { createRepository, writeFiles } from '../../support/repository.js'
import { quickFolder } from '../../support/temporary.js'

t.test('what was edited is read as soon as it is listed, so that whoever asks next finds it read', async t => {
  const root = join(await quickFolder(t, 'cco-follow'), 'root')
  await createRepository(root, { 'a.js': 'export function zebra () {}\n', 'b.js': 'export const other = 1\n' })
  const look = async (): Promise<void> => { await list(root, { since: undefined, dirty: undefined, isTrusted: false }) }
  const operations = createContextOperations(async () => ({ files: listedFiles(root)!, head: headOf(root), standing: standingOf(root) }), undefined)
  const find = async (word: string): Promise<string[]> => [...unpackStrings((await operations.search(root, word, '', 1, 1e6)).paths)].flat().filter((path) => path !== '')
  const show = async (): Promise<string> => {
    const { json } = await operations.select(root, {
      maxFileBytes: 1e6, title: 'zebra', description: '', candidates: packCandidates([{ path: 'a.js', need: 1, named: 0 }]),
      around: [], budget: { bytes: 10_000, tokens: 10_000 }, margins: { before: 0, after: 0 }, explain: false
    })
    return Buffer.from(json).toString()
  }
  await look()
  t.strictSame(await find('zebra'), ['a.js'])
  t.match(await show(), /zebra/)

  await writeFiles(root, { 'a.js': 'export function giraffe () {}\n' })
  await look()
  await operations.follow(root, standingOf(root)!)
  // It has gone since and was not listed again: who asks is told of it as it was listed.
  rmSync(join(root, 'a.js'))
  t.strictSame(await find('giraffe'), ['a.js'])
  t.match(await show(), /giraffe/)
  await look()
  await operations.follow(root, standingOf(root)!)
  t.strictSame(await find('giraffe'), ['b.js'])
  t.equal(await show(), '')
})

t.test('nothing is read ahead of a project that nobody has asked about', async t => {
  const root = join(await quickFolder(t, 'cco-follow'), 'root')
  await createRepository(root, { 'a.js': 'export const a = 1\n' })
  await list(root, { since: undefined, dirty: undefined, isTrusted: false })
  const operations = createContextOperations(async () => { throw new Error('It was asked what is listed.') }, undefined)
  await operations.follow(root, standingOf(root)!)
})

t.test('what is read ahead need not be read by whoever asks next', async t => {
  const root = join(await quickFolder(t, 'cco-follow'), 'root')
  await createRepository(root, { 'a.js': 'export function zebra () {}\n', 'b.js': 'export function giraffe () {}\n' })
  await list(root, { since: undefined, dirty: undefined, isTrusted: false })
  const operations = createContextOperations(async () => ({ files: listedFiles(root)!, head: headOf(root), standing: standingOf(root) }), undefined)
  t.equal(await operations.index(root, 1e6), 0)
  rmSync(join(root, 'b.js'))
  t.strictSame([...unpackStrings((await operations.search(root, 'giraffe', '', 1, 1e6)).paths)].flat(), ['b.js'])
})
