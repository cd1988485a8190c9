import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { createCorpus, type Corpus } from '../../../core/project/worker/index/corpus.js'
import { changedTogether, messageMatch, type PastCommit } from '../../../core/project/worker/index/history.js'
import { createProjectIndex } from '../../../core/project/worker/index/project-index.js'
import { createRankMemory, rankFiles, rankMade, type Ranking } from '../../../core/project/worker/index/relevance.js'
import { countWords, hashesOf, hashOf, indexOfHash, queryOf, splitWords, stem, sumWords, wordSet } from '../../../core/project/worker/index/terms.js'
import type { ListedFile } from '../../../core/project/worker/listing.js'
import type { Preparer } from '../../../core/project/worker/prepare.js'
import { anyCharacter } from '../../support/any-character.js'

type Tree = Record<string, string>

const listing = (tree: Tree): Map<string, ListedFile> => new Map(Object.entries(tree).map(([path, text]) => [path, { path, size: text.length, modified: 0, stamp: text }]))
const preparer = (tree: Tree, read: string[] = []): Preparer => async (path, known) => {
  const hash = createHash('sha256').update(tree[path]!).digest('hex')
  read.push(path)
  return known.get(hash) ?? { path, content: tree[path]!, size: tree[path]!.length, modified: 0, hash, redactions: 0 }
}
async function corpusOf (tree: Tree) {
  const corpus = createCorpus()
  await corpus.sync(listing(tree), preparer(tree), Infinity)
  return corpus
}
/** All that a ranking says. */
const all = (ranking: Ranking, corpus: Corpus): string => JSON.stringify([ranking.weights, ranking.best(Infinity).map(({ path, score }) => [path, score, ranking.signalsOf(path), corpus.idOf(path) !== undefined])])
const commit = (message: string, ...files: string[]): PastCommit => ({ words: wordSet([message]), files })
const ranking = async (tree: Tree, title: string, description = '', commits: PastCommit[] = []) => (await rankFiles(await corpusOf(tree), commits, queryOf(title, description))).best(Infinity).map(({ path }) => path)

t.test('words are counted as they are found', async t => {
  const word = fc.oneof(fc.constantFrom('parseURLQuery', 'a_b$c', 'Größe', '語彙', '𝒳y', '\ud800', '١٢', ' ', '.', '-', '\n', '…'), fc.string({ unit: anyCharacter, maxLength: 4 }))
  fc.assert(fc.property(fc.array(word, { maxLength: 30 }).map((words) => words.join('')), (text) => {
    const expected = [...text.matchAll(/[\p{L}\p{N}_$]+/gu)].flatMap(([found]) => [...hashesOf(found)])
    const { hashes, counts, length } = countWords(text)
    return length === expected.length && hashes.length === new Set(expected).size && hashes.every((hash, at) => counts[at] === expected.filter((other) => other === hash).length)
  }), { numRuns: 1000, seed: 3 })
  t.equal(countWords('cart '.repeat(300)).counts[0], 255)
  fc.assert(fc.property(fc.array(fc.array(word, { maxLength: 20 }).map((words) => words.join('')), { maxLength: 6 }), (lines) => {
    t.strictSame(sumWords(lines.map(countWords)), countWords(lines.join('\n')), 'of lines together as of the text')
  }), { numRuns: 100, seed: 4 })
  t.strictSame(sumWords([countWords('cart '.repeat(300)), countWords('cart total')]), countWords(`${'cart '.repeat(301)} total`))
})

t.test('words', async t => {
  t.strictSame(splitWords('parseURLQuery parse_url_query HTTPServer2 a'), ['parse', 'url', 'query', 'parse', 'url', 'query', 'http', 'server'])
  t.strictSame(splitWords('naïve-Größe'), ['na', 'ï', 've', 'gr', 'öß', 'e'].filter((word) => word.length > 1), 'letters beyond ASCII are words of their own')
  for (const [one, other] of [['waiting', 'waits'], ['stopped', 'stop'], ['parsing', 'parser'], ['caches', 'cache'], ['queries', 'query'], ['files', 'file']]) t.equal(stem(one!), stem(other!), `${one} ${other}`)
  t.not(stem('pass'), stem('pas'))
  t.ok(hashesOf('parse_query').includes(hashesOf('parseQuery').at(-1)!), 'a name is the same in either spelling')
  t.strictSame(queryOf('Fix the sessions', 'of sessions').map(({ hash, weight }) => [hash, weight]), [[hashOf(stem('sessions')), 1]])
  fc.assert(fc.property(fc.string({ unit: anyCharacter, maxLength: 500 }), fc.string({ unit: anyCharacter, maxLength: 500 }), (title, description) => {
    const query = queryOf(title, description)
    return query.length <= 200 && query.every(({ weight }) => weight > 0 && weight <= 1) && new Set(query.map(({ hash }) => hash)).size === query.length
  }), { seed: 1 })
  fc.assert(fc.property(fc.array(fc.string({ maxLength: 12 }), { maxLength: 60 }), (texts) => {
    const set = wordSet(texts)
    return [...set].every((hash, index) => indexOfHash(set, hash) === index) && indexOfHash(set, hashOf('absent, surely')) === -1
  }), { seed: 1 })
})

t.test('what the task speaks of ranks before what it does not', async t => {
  t.equal((await ranking({ 'a.js': 'function x () {}', 'b.js': 'function sendMail () { attachments = null }', 'c.js': 'let y' }, 'The mailer drops attachments'))[0], 'b.js', 'by content')
  t.equal((await ranking({ 'src/parseCart.js': 'let x', 'src/invoice.js': 'let cart' }, 'Cart is wrong'))[0], 'src/parseCart.js', 'a path says more than a body')
  t.equal((await ranking({ 'a.js': 'function render () {}\nlet z', 'b.js': 'render\nlet a' }, 'render twice'))[0], 'a.js', 'a definition says more than a use')
  t.equal((await ranking({ 'a.js': 'queue', 'b.js': 'queue worker '.repeat(2) }, 'worker', 'queue'))[0], 'b.js', 'the title says more than the description')
  const tree = { 'a.js': 'let a', 'b.js': 'let b', 'c.js': 'let c' }
  t.equal((await ranking(tree, 'sessions expire', '', [commit('other', 'a.js'), commit('expire sessions', 'c.js'), commit('something', 'b.js')]))[0], 'c.js', 'by the message of a commit')
  t.strictSame(await ranking(tree, '', ''), [], 'without task and history there is nothing to say')
})

t.test('scores are finite, bounded and in order, for any project and task', async t => {
  const word = fc.constantFrom('cart', 'total', 'parse', 'query', 'function f () {}', '', 'constructor', '__proto__', '\n')
  const tree = fc.dictionary(fc.constantFrom('a.js', 'b/cart.js', 'c.py', 'd.md', 'constructor'), fc.array(word, { maxLength: 20 }).map((words) => words.join(' ')))
  await fc.assert(fc.asyncProperty(tree, fc.array(word, { maxLength: 5 }), async (files, title) => {
    const corpus = await corpusOf(files)
    const commits = [commit('cart', ...Object.keys(files))]
    const ranking = await rankFiles(corpus, commits, queryOf(title.join(' '), 'total'))
    const again = await rankFiles(corpus, commits, queryOf(title.join(' '), 'total'))
    const query = queryOf(title.join(' '), '')
    const made = rankMade(corpus, 'x.txt', 'cart total', query, (await rankFiles(corpus, [], query)).weights)
    const ranked = ranking.best(Infinity)
    return all(ranking, corpus) === all(again, corpus) && made.score >= 0 && made.score <= 1 && ranking.scoreOf('absent') === 0 &&
      JSON.stringify(ranking.best(2)) === JSON.stringify(ranked.slice(0, 2)) &&
      ranked.every(({ path, score }, index) => path in files && score > 0 && score <= 1 && score === ranking.scoreOf(path) && score <= (ranked[index - 1]?.score ?? 1))
  }), { numRuns: 200, seed: 1 })
})

t.test('what is kept of a task ranks as if all had been read anew', async t => {
  const word = fc.constantFrom('cart', 'total', 'parse', 'function f () {}', 'other', '\n')
  const tree = fc.dictionary(fc.constantFrom('a.js', 'b/cart.js', 'c.py', 'd.md', 'e.js'), fc.array(word, { maxLength: 8 }).map((words) => words.join(' ')))
  await fc.assert(fc.asyncProperty(fc.array(tree, { minLength: 2, maxLength: 6 }), async (trees) => {
    const query = queryOf('Cart totals', 'parse')
    const memory = createRankMemory()
    const corpus = createCorpus()
    let before: Tree = {}
    const histories = [[commit('cart', 'a.js', 'b/cart.js', 'c.py'), commit('other', 'c.py', 'd.md')], [commit('parse', 'e.js', 'a.js')]]
    for (const [turn, files] of trees.entries()) {
      const changes = Object.keys({ ...before, ...files }).filter((path) => before[path] !== files[path])
      await corpus.sync(listing(files), preparer(files), Infinity, turn % 3 === 1 ? undefined : new Set([...changes, 'never there']))
      before = files
      const commits = histories[turn % 4 === 3 ? 1 : 0]!
      const anew = await corpusOf(files)
      t.equal(all(await rankFiles(corpus, commits, query, memory), corpus), all(await rankFiles(anew, commits, query), anew))
    }
    return t.passing()
  }), { numRuns: 100, seed: 1 })
})

t.test('the corpus follows the listing, and reads only what has changed', async t => {
  const corpus = createCorpus()
  const read: string[] = []
  const follow = async (tree: Tree, deadline = Infinity): Promise<number> => await corpus.sync(listing(tree), preparer(tree, read), deadline)
  await follow({ 'a.js': 'alpha', 'b.js': 'beta' })
  t.strictSame(read.splice(0), ['a.js', 'b.js'])
  const { version } = corpus
  await follow({ 'a.js': 'alpha', 'b.js': 'beta' })
  t.strictSame([read.splice(0), corpus.version], [[], version])
  await follow({ 'a.js': 'gamma', 'c.js': 'beta' })
  t.strictSame(read.splice(0), ['a.js', 'c.js'])
  t.strictSame(['a.js', 'b.js', 'c.js'].map((path) => corpus.idOf(path) !== undefined), [true, false, true])
  const [a, c] = [corpus.idOf('a.js')!, corpus.idOf('c.js')!]
  t.equal(await follow({ 'd.js': 'x', 'e.js': 'y' }, 0), 2, 'what is over the time is told')
  await follow({})
  t.strictSame(corpus.changedSince(version), new Set([a, c]), 'a number that was given up is given out again')
  t.strictSame(corpus.changedSince(corpus.version), new Set())
  for (let turn = 0; turn < 1200; turn++) await follow({ 'a.js': `text ${turn}` })
  t.equal(corpus.changedSince(version), undefined, 'of long ago nothing is known')
  t.strictSame(corpus.changedSince(corpus.version - 1), new Set([corpus.idOf('a.js')]))
})

t.test('the corpus of thousands of files knows each again, and by its content under another name', async t => {
  const corpus = createCorpus()
  const [read, known]: [string[], string[]] = [[], []]
  const follow = async (tree: Tree): Promise<number> => {
    const prepare = preparer(tree, read)
    return await corpus.sync(listing(tree), async (path, records, isOfMany) => {
      const found = await prepare(path, records, isOfMany)
      if (found !== undefined && 'words' in found) known.push(path)
      return found
    }, Infinity)
  }
  const tree: Tree = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`part${index % 7}/file${index}.js`, `word${index}`]))
  await follow(tree)
  t.equal(read.splice(0).length, 3000)
  await follow(tree)
  t.strictSame(read, [])
  const copied: Tree = { ...tree, ...Object.fromEntries(Object.entries(tree).slice(0, 100).map(([path, text]) => [`new/${path}`, text])) }
  await follow(copied)
  t.strictSame([read.length, known.length, corpus.size, corpus.end], [100, 100, 3100, 3100])
  const ranking = await rankFiles(corpus, [], queryOf('word50 word2000', ''))
  t.strictSame(ranking.best(3).map(({ path }) => path).sort(), ['new/part1/file50.js', 'part1/file50.js', 'part5/file2000.js'])
  const number = corpus.idOf('new/part1/file50.js')
  delete copied['new/part1/file50.js']
  await follow(copied)
  await follow({ ...copied, 'in-its-place.js': 'word50 word2000' })
  t.equal(corpus.idOf('in-its-place.js'), number)
  t.equal(ranking.scoreOf('in-its-place.js'), 0, 'what came later is not taken for what was ranked under its number')
  t.notOk(ranking.best(Infinity).some(({ path }) => path === 'in-its-place.js'))
})

t.test('an index looks at what a listing says has changed, and at all where it does not', async t => {
  const root = t.testdir({})
  const tree: Tree = { 'a.js': 'alpha', 'b.js': 'beta' }
  for (const [path, text] of Object.entries(tree)) writeFileSync(join(root, path), text)
  const index = createProjectIndex(root, undefined)
  const told: (string[] | undefined)[] = []
  const refresh = async (version: number, changes?: string[], timeMs = 60_000): Promise<number> => await index.refresh({
    files: listing(tree), head: '', standing: { version, changedSince: (since) => { told.push([String(since)]); return changes === undefined ? undefined : new Set(changes) } }
  }, 1_000_000, timeMs)
  const best = async (word: string): Promise<string | undefined> => (await index.rank(queryOf(word, ''))).best(1)[0]?.path
  t.equal(await refresh(1), 0)
  t.strictSame(told, [], 'the first time there is nothing to compare with')
  tree['b.js'] = 'gamma'
  writeFileSync(join(root, 'b.js'), 'gamma')
  t.equal(await refresh(2, []), 0)
  t.equal(await best('gamma'), undefined, 'it trusts what it is told')
  t.equal(await refresh(3, ['b.js']), 0)
  t.equal(await best('gamma'), 'b.js')
  tree['a.js'] = 'delta'
  writeFileSync(join(root, 'a.js'), 'delta')
  t.equal(await refresh(4, ['a.js'], -1), 1, 'with no time')
  t.equal(await refresh(5, [], 60_000), 0)
  t.equal(await best('delta'), 'a.js', 'what was left to do is done, whatever has changed since')
  t.strictSame(told, [['1'], ['2'], ['3']])
})

t.test('of several who wait for an index at once, each waits no longer than for itself', async t => {
  const root = t.testdir({})
  const tree: Tree = Object.fromEntries(Array.from({ length: 600 }, (_, number) => [`file${number}.js`, `word${number}`]))
  for (const [path, text] of Object.entries(tree)) writeFileSync(join(root, path), text)
  const index = createProjectIndex(root, undefined)
  const ask = async (timeMs: number): Promise<number> => await index.refresh({ files: listing(tree), head: '', standing: undefined }, 1_000_000, timeMs)
  // They come at one moment, and from then on each look at the clock is a hundredth of a millisecond later.
  let [now, step] = [performance.now(), 0]
  t.intercept(performance, 'now', { value: () => (now += step) })
  const asked = [ask(2), ask(2), ask(2)]
  step = 0.01
  const [first, second, third] = await Promise.all(asked) as [number, number, number]
  t.ok(first > 0)
  t.strictSame([second, third], [first, first], 'when the first has had its time, that of the others is over as well')
  t.equal(await ask(60_000), 0)
})

t.test('history', async t => {
  const commits = [commit('a', 'x', 'y'), commit('b', 'x', 'y'), commit('c', 'x', 'z'), commit('d', 'w')]
  const together = changedTogether(commits, new Map([['x', 1]]))
  t.ok(together.get('y')! > together.get('z')!)
  t.notOk(together.has('w') || together.has('x'))
  t.strictSame([...messageMatch(commits, queryOf('d', '')).keys()], [], 'one letter is no word')
})

t.test('the index is kept between starts, and does without what was kept when that is damaged', async t => {
  const folder = t.testdir({ project: { src: {} } })
  const [root, file] = [join(folder, 'project'), join(folder, 'cache', 'index', 'one.bin')]
  const tree: Tree = Object.fromEntries(Array.from({ length: 1200 }, (_, index) => [`src/part${index}.js`, `export const word${index} = ${index === 7 ? 'zebra' : 'horse'}\n`]))
  for (const [path, text] of Object.entries(tree)) writeFileSync(join(root, path), text)
  const first = createProjectIndex(root, file)
  t.equal(await first.refresh({ files: listing(tree), head: '', standing: undefined }, 1_000_000, 60_000), 0)
  await first.flush()
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.strictSame(readdirSync(join(file, '..')), ['one.bin'])

  // Nothing is left to read: what the next one knows it knows from what was kept.
  rmSync(join(root, 'src'), { recursive: true })
  const best = async (index: ReturnType<typeof createProjectIndex>): Promise<string | undefined> => {
    await index.refresh({ files: listing(tree), head: '', standing: undefined }, 1_000_000, 60_000)
    return (await index.rank(queryOf('zebra', ''))).best(1)[0]?.path
  }
  t.equal(await best(createProjectIndex(root, file)), 'src/part7.js')
  t.equal(await best(createProjectIndex(join(root, 'other'), file)), undefined, 'another project does not take it')
  t.equal(await best(createProjectIndex(root, undefined)), undefined)
  const whole = readFileSync(file)
  const wild = Buffer.from(whole)
  wild.fill(0xFF, 200, 240)
  const heads = Buffer.from(whole)
  // Where the words of records begin, whose lengths lead anywhere now.
  heads.fill(0xFF, whole.length >> 1)
  for (const damage of [Buffer.from('no index'), Buffer.alloc(0), whole.subarray(0, 40), wild]) {
    writeFileSync(file, damage)
    t.equal(await best(createProjectIndex(root, file)), undefined)
  }
  for (const damage of [whole.subarray(0, whole.length - 5), heads]) {
    writeFileSync(file, damage)
    t.ok([undefined, 'src/part7.js'].includes(await best(createProjectIndex(root, file))), 'what stands before the damage is as good as ever')
  }
})
