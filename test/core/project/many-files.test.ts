import { createHash } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { createCorpus } from '../../../core/project/worker/index/corpus.js'
import { createRankMemory, rankFiles } from '../../../core/project/worker/index/relevance.js'
import { queryOf } from '../../../core/project/worker/index/terms.js'
import type { ListedFile } from '../../../core/project/worker/listing.js'
import type { Preparer } from '../../../core/project/worker/prepare.js'

/** A quarter of what the fault is about: of what is held for each file the rest holds as much. */
const FILES = 25_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function held (): number {
  // The memory of arrays is let go behind a collection, at the latest by the next.
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const NOUNS = ['cart', 'order', 'invoice', 'session', 'message', 'upload', 'report', 'account', 'payment', 'filter', 'router', 'parser', 'cache']
/** Small files, each with words of its own. Data, which needs no parser. */
const textOf = (index: number): string => `${NOUNS[index % NOUNS.length]}${index}: limit value total name count ${NOUNS[(index * 7) % NOUNS.length]} helper return`

t.test('FAULT 29: the index of many files and what a task says of them take little memory', async t => {
  const listing = new Map<string, ListedFile>()
  for (let index = 0; index < FILES; index++) {
    const path = `part${index % 40}/area${index % 900}/entry${index}.txt`
    listing.set(path, { path, size: 100, modified: 0, stamp: `100 ${index}` })
  }
  const prepare: Preparer = async (path) => {
    const content = textOf(Number(/\d+(?=\.txt$)/.exec(path)![0]))
    return { path, content, size: content.length, modified: 0, hash: createHash('sha256').update(content).digest('hex'), redactions: 0 }
  }
  // What is loaded for the first file, and what is remembered of words and contents, is no part of an index.
  await createCorpus().sync(listing, prepare, Infinity)
  const before = held()
  const corpus = createCorpus()
  t.equal(await corpus.sync(listing, prepare, Infinity), 0)
  t.equal(corpus.size, FILES)
  const own = held()
  // With objects and arrays of each file it was more than 1,000 bytes.
  t.ok((own - before) / FILES < 500, `${Math.round((own - before) / FILES)} bytes for each file`)

  const query = queryOf('The cart loses its limit after an upload', 'total value of each session')
  const memory = createRankMemory()
  const ranking = await rankFiles(corpus, [], query, memory)
  t.equal(ranking.best(2000).length, 2000)
  // Every file holds some of the words. With objects of each it was 1,000 bytes.
  t.ok((held() - own) / FILES < 250, `${Math.round((held() - own) / FILES)} bytes for what a task says of each`)
  t.ok(ranking.scoreOf('part0/area0/entry0.txt') > 0)
})
