import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import { fill, shuffle } from '../../bench/context/baselines.js'
import { countWords, rankByBm25 } from '../../bench/context/bm25.js'
import { goldOf, parseLog, type ChangedFile } from '../../bench/context/cases.js'
import { isSource, isTest } from '../../bench/context/files.js'
import { parseHunks } from '../../bench/context/hunks.js'
import { scoreOf } from '../../bench/context/measure.js'
import { cleanMessage, contentWords, unsuitableSubject } from '../../bench/context/message.js'
import { readOptions } from '../../bench/context/options.js'
import { renderMisses, renderTables } from '../../bench/context/report.js'
import type { RepositoryResult, Summary, Table } from '../../bench/context/summary.js'
import { decodeText, isRedactionOf } from '../../bench/context/text.js'
import { isDefinition, readOriginal, showsHalf, showsHunk } from '../../bench/context/visibility.js'
import { wordsOf } from '../../bench/context/words.js'
import { repositoryName } from '../../bench/context/workspace.js'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import { createRepository, git, writeFiles } from '../support/repository.js'
import { temporaryFolder } from '../support/temporary.js'
import { runBench, type BenchRun } from './bench-run.js'

t.test('a message keeps what an issue would have said', async t => {
  const expect = (message: string, title: string, description = ''): void => { t.strictSame(cleanMessage(message), { title, description }, message) }
  expect('fix(cart): discounts are ignored (#123)', 'cart discounts are ignored')
  expect('feat!: add `Reply.prototype.mediaType`', 'add `Reply.prototype.mediaType`')
  expect('Fixes #12, #13: retry failed uploads', 'retry failed uploads')
  expect('Validate style() arguments, see https://example.com/a?b=1#c', 'Validate style() arguments')
  expect('Fix lib/reply.js and docs', 'Fix lib/reply.js and docs', '')
  expect('breaking: .body=<json> keeps the type (owner/repository#7)', 'breaking: .body=<json> keeps the type')
  expect('Handle :port (GH-5)\r\n\r\nWhy: see [the issue](https://example.com/x).\r\nSigned-off-by: Ada <ada@example.com>\r\nCo-authored-by: Bob <b@example.com>',
    'Handle :port', 'Why: see [the issue].')
  expect('Merge two lists\n\n* fix(lists): order\n* tests\n\n\n\nReviewed-by: Ada\nCloses #4', 'Merge two lists', '* lists order\n* tests')
  fc.assert(fc.property(fc.string(), fc.nat(), (words, number) => {
    const { title, description } = cleanMessage(`${words} (#${number})\n\n${words} https://example.com/${number} ${words}`)
    return !/\0|https?:\/\/example|#\d/.test(`${title}\n${description}`.replaceAll(words, ''))
  }))
})

t.test('commits that carry out no wish are known by their subjects', async t => {
  for (const subject of [
    'chore(deps): bump undici from 5 to 6', 'build(deps-dev): Bump x', 'Bump actions/checkout from 3 to 4', 'Bumped v5.1.0', 'v1.2.3', '1.2.3', 'Version 8.1.7',
    'release version 8.1.7', 'chore: release 2.0.0', 'chore(release): 1.0.0', 'Prepare release', '[maven-release-plugin] prepare release gson-parent-2.1', 'Revert "Add it"',
    'Merge branch main', 'style: spaces', 'cargo fmt', 'run prettier (#3)', 'Update dependencies', 'update golang.org/x deps to latest versions', ':arrow_up: statuses@2.0.1',
    'start version 8.2', 'Changelog for v5.2.0'
  ]) t.ok(unsuitableSubject(subject), subject)
  for (const subject of [
    'Fix release of locks in the pool', 'Format dates in the local time zone', 'Add a version option', 'update the cart when the price changes', 'chore: drop old runtimes',
    'Merge sort is unstable'.replace('Merge', 'The merge'), 'fix: dependency cycle is not told', 'Support style attributes', 'formatting redirect url on http(s) protocol url'
  ]) t.equal(unsuitableSubject(subject), undefined, subject)
  t.strictSame(contentWords({ title: 'Fix the parseURL of this', description: '1234 it' }), ['fix', 'parse', 'url'])
})

t.test('gold are the modified source files that are no tests', async t => {
  for (const path of ['lib/reply.js', 'src/click/types.py', 'router.go', 'src/latest.ts', 'src/contest.py', 'lib/testing.rb', 'types/instance.d.ts', 'src/Protest.java']) {
    t.equal(isSource(path), true, path)
  }
  for (const path of [
    'test/a.js', 'src/__tests__/a.ts', 'pkg/a_test.go', 'a.spec.ts', 'lib/test_a.py', 'src/test/java/AThing.java', 'src/GsonTest.java', 'spec/a.rb', 'tests/fixtures/a.js', 'conftest.py'
  ]) t.ok(isTest(path) && !isSource(path), path)
  for (const path of ['package.json', 'a.yaml', 'README.md', 'index.html', 'main.css', 'yarn.lock', 'go.mod', 'Gemfile', 'app/build.gradle', 'dist/a.js', 'vendor/a.go', 'jquery.min.js', 'a.ipynb', 'Makefile']) {
    t.equal(isSource(path), false, path)
  }
  const file = (path: string, status = 'M', mode = '100644'): ChangedFile => ({ path, status, mode })
  const commit = (files: ChangedFile[], message = 'Count discounts once', parents = ['a'.repeat(40)]) => goldOf({ hash: 'b'.repeat(40), parents, message, files })
  t.strictSame(commit([file('src/b.py'), file('src/a.py'), file('src/new.py', 'A'), file('tests/test_a.py'), file('link.py', 'M', '120000'), file('README.md')]), ['src/a.py', 'src/b.py'])
  t.match(commit([file('src/a.py', 'A')]), { unsuitable: /0 source files/ })
  t.match(commit(Array.from({ length: 9 }, (_, index) => file(`src/${index}.py`))), { unsuitable: /9 source files/ })
  t.match(commit([file('src/a.py')], 'Fix it'), { unsuitable: /1 words/ })
  t.match(commit([file('src/a.py')], 'Count discounts once', []), { unsuitable: /no parent/ })
  t.match(commit([file('src/a.py')], 'Count discounts once', ['a', 'b']), { unsuitable: /merge/ })
  t.match(commit([file('src/a.py')], 'v1.2.3'), { unsuitable: /version/ })
})

t.test('a log is read whatever names and messages hold', async t => {
  const hash = 'c'.repeat(40)
  const raw = (status: string, mode: string, path: string): string => `:${mode} 100644 ${'1'.repeat(40)} ${'2'.repeat(40)} ${status}\0${path}\0`
  const log = `\x01${hash}\0${'d'.repeat(40)}\0One\n\n:100644 100644 a b M\x01\n\0\0\n${raw('M', '100644', ':odd\nname\t.py')}${raw('A', '000000', 'b')}\x01${'e'.repeat(40)}\0\0Two\n\0`
  t.strictSame(parseLog(log), [
    { hash, parents: ['d'.repeat(40)], message: 'One\n\n:100644 100644 a b M\x01\n', files: [{ path: ':odd\nname\t.py', status: 'M', mode: '100644' }, { path: 'b', status: 'A', mode: '000000' }] },
    { hash: 'e'.repeat(40), parents: [], message: 'Two\n', files: [] }
  ])
})

t.test('hunks tell the old lines', async t => {
  t.strictSame(parseHunks('--- a/x\n+++ b/x\n@@ -1 +1,2 @@ def a\n-old\n+@@ -9 +9 @@\n+new\n@@ -10,0 +12,3 @@\n+a\n@@ -0,0 +1 @@\n@@ -5,2 +4,0 @@\n'), [
    { start: 1, count: 1, added: 2 }, { start: 10, count: 0, added: 3 }, { start: 0, count: 0, added: 1 }, { start: 5, count: 2, added: 0 }
  ])
  t.strictSame(parseHunks('Binary files a/x and b/x differ\n'), [])
})

const LINES = ['import a', '', '# helps', 'def one():', '    x = 1', '    # why', '    return x', '', '', 'def two():', '    y = 2', '    return y']
const ORIGINAL = readOriginal('src/a.py', LINES.join('\n'))
const LINE_5 = { start: 5, count: 1, added: 1 }

t.test('a change is seen with the lines around it', async t => {
  const seen = (hunk: { start: number, count: number }, lines: string[]): boolean => showsHunk(ORIGINAL, lines.join('\n'), { added: 1, ...hunk })
  t.ok(seen(LINE_5, LINES), 'in the whole')
  t.ok(seen(LINE_5, LINES.filter((line) => line.trim() !== '' && !line.trim().startsWith('#'))), 'without comments and blank lines')
  t.ok(seen(LINE_5, ['…', ...LINES.slice(2, 7), '…']), 'in a part')
  t.ok(seen(LINE_5, LINES.map((line) => line.trim())), 'at another depth')
  t.notOk(seen(LINE_5, ['def one():', '…', '    return x']), 'not where it is left out')
  t.notOk(seen(LINE_5, ['def one():', '    x = 1']), 'not without the lines behind it')
  t.notOk(seen(LINE_5, ['    return x', '    x = 1', 'def one():']), 'not in another order')
  t.notOk(seen(LINE_5, ['def one():', '    other()', '    x = 1', '    return x']), 'not with others between them')
  t.ok(seen({ start: 10, count: 0 }, ['def two():', '    y = 2', '    return y']), 'an insertion is seen by its neighbours')
  t.notOk(seen({ start: 10, count: 0 }, ['def two():', '…']), 'both of them')
  t.ok(seen({ start: 0, count: 0 }, ['import a']), 'at the top')
  t.ok(seen({ start: 12, count: 0 }, ['    y = 2', '    return y']), 'at the end')
  t.notOk(seen({ start: 6, count: 1 }, LINES.filter((line) => !line.includes('#'))), 'a changed comment is not seen where comments are stripped')
  const braces = readOriginal('a.js', 'function a () {\n  if (b) {\n    c()\n  }\n}\n}\n}\n')
  t.notOk(showsHunk(braces, 'function a () {\n  }\n}\n}\n}', { start: 5, count: 0, added: 1 }), 'braces alone are no place')
  t.ok(showsHunk(braces, '    c()\n  }\n}\n}\n}', { start: 5, count: 0, added: 1 }))
})

/** A file of lines that are all different, with blank ones and comments between them. */
const FILE = fc.array(fc.constantFrom('code', 'comment', 'blank'), { minLength: 1, maxLength: 30 })
  .map((kinds) => kinds.map((kind, index) => (kind === 'blank' ? '' : kind === 'comment' ? `// comment ${index}` : `  call${index}(x)`)))
const CHANGE = FILE.chain((lines) => fc.record({
  lines: fc.constant(lines),
  start: fc.integer({ min: 0, max: lines.length }),
  count: fc.integer({ min: 0, max: 6 })
}).map(({ start, count }) => {
  const fits = Math.min(count, lines.length - start)
  return { lines, hunk: { start: fits === 0 ? start : start + 1, count: fits, added: 1 } }
}))

t.test('whatever shows the lines shows the change, and nothing else does', async () => {
  fc.assert(fc.property(CHANGE, ({ lines, hunk }) => {
    const original = readOriginal('a.js', lines.join('\n'))
    return showsHunk(original, `…\n${lines.join('\n\n')}\n…`, hunk)
  }), { numRuns: 300 })
  fc.assert(fc.property(CHANGE, ({ lines, hunk }) => {
    const original = readOriginal('a.js', lines.join('\n'))
    const changed = lines.slice(hunk.start - 1, hunk.start - 1 + hunk.count)
    const aboutCode = hunk.count === 0 ? lines.some((line) => line.includes('call')) : changed.some((line) => line.includes('call'))
    return !aboutCode || showsHunk(original, lines.filter((line) => line.includes('call')).join('\n'), hunk)
  }), { numRuns: 300 })
  fc.assert(fc.property(CHANGE, ({ lines, hunk }) => {
    const original = readOriginal('a.js', lines.join('\n'))
    return lines.every((line, index) => {
      const isChanged = hunk.count > 0 && index >= hunk.start - 1 && index < hunk.start - 1 + hunk.count
      return !isChanged || !line.includes('call') || !showsHunk(original, lines.toSpliced(index, 1).join('\n'), hunk)
    })
  }), { numRuns: 300 })
})

t.test('definitions are found in the languages that programs are written in', async t => {
  for (const line of [
    'function a (b) {', 'export default async function * a () {', 'export class A extends B {', '  get header () {', '  async send (payload, options = {}) {', 'const a = async (b) => {',
    'Reply.prototype.send = function (payload) {', 'export interface A<T> {', 'export type A =', '  private readonly find<T>(a: string): Promise<T> {', 'def a(', '    async def a(self) -> int:',
    'class A(B):', 'func (r *Router) Add(route Route) (RouteInfo, error) {', 'type node struct {', 'pub(crate) fn new(', "impl<'a> Printer for A<'a> {", 'macro_rules! a {', 'pub enum A {',
    'public final class JsonReader implements Closeable {', '  public void beginArray() throws IOException {', '  private static <T> List<T> read(', 'static int *open (char *name) {',
    'module Sinatra', '  def <=>(other)', 'fun <T> a(b: T) {', '@interface A {'
  ]) t.ok(isDefinition(line), line)
  for (const line of [
    '  if (a) {', '  } else if (a) {', '  for (const a of b) {', '  while (true) {', '  switch (a) {', '  return (a) {', "  t.test('a', () => {", '  run(function (a) {', '  call(a)', 'module.exports = {',
    'defineConfig({', 'import a from b', 'const a = 1', '         def deep():', 'classes = []', 'type = 3'
  ]) t.notOk(isDefinition(line), line)
})

t.test('a file counts with half of what it defines', async t => {
  t.ok(showsHalf(ORIGINAL, 'def one():\n…'))
  t.notOk(showsHalf(ORIGINAL, 'import a\n    x = 1'))
  t.ok(showsHalf(readOriginal('a.js', 'function a () {\n  b()\n}\n'), 'function a () { … }'), 'however an outline closes them')
  t.ok(showsHalf(readOriginal('a.js', 'a()\n\nb()\n\n\n'), 'b()'), 'and one that defines nothing with half of its lines')
  t.notOk(showsHalf(readOriginal('a.js', 'a()\n\nb()\nc()\n'), 'b()'))
  t.equal(readOriginal('a.js', '/*\nfunction a () {\n*/\nfunction b () {}\n').definitions.length, 1, 'comments define nothing')
})

t.test('recall and changes seen are shares of what a commit has changed', async t => {
  const gold = [
    { path: 'src/a.py', original: ORIGINAL, hunks: [LINE_5, { start: 11, count: 1, added: 1 }] },
    { path: 'src/b.py', original: readOriginal('src/b.py', 'def b():\n    return 1\n'), hunks: [{ start: 2, count: 1, added: 1 }] }
  ]
  t.strictSame(scoreOf(gold, new Map()), { found: [], recall: 0, hunksSeen: 0, changedLinesSeen: 0 })
  t.strictSame(scoreOf(gold, new Map([['src/a.py', { content: LINES.slice(0, 8).join('\n'), whole: false }], ['c.py', { content: '', whole: true }]])),
    { found: ['src/a.py'], recall: 0.5, hunksSeen: 1, changedLinesSeen: 1 / 3 })
  t.strictSame(scoreOf(gold, new Map(gold.map(({ path, original }) => [path, { content: original.text, whole: true }]))),
    { found: ['src/a.py', 'src/b.py'], recall: 1, hunksSeen: 3, changedLinesSeen: 1 })
})

t.test('BM25 ranks by rare words, counts paths three times and has no use for order', async t => {
  t.strictSame(wordsOf('parseURLQuery parse_url2 HTTPServer a Straße'), ['parse', 'url', 'query', 'parse', 'url2', 'http', 'server', 'straße'])
  const item = (path: string, text: string) => ({ path, words: countWords(text) })
  const [only] = rankByBm25([item('x', 'cart cart total'), item('y', 'other words here')], 'cart')
  // ln(1 + 1.5 / 1.5) × 2 × 2.2 / (2 + 1.2): both are as long as the average.
  t.equal(only!.item.path, 'x')
  t.ok(Math.abs(only!.score - Math.log(2) * 4.4 / 3.2) < 1e-12)
  const paths = (query: string): string[] => rankByBm25([
    item('docs/cart.md', 'words of the shop'), item('src/checkout.py', 'cart words of the shop'), item('src/mail.py', 'words of the shop mail mail')
  ], query).map((ranked) => ranked.item.path)
  t.strictSame(paths('the cart'), ['docs/cart.md', 'src/checkout.py', 'src/mail.py'])
  t.strictSame(paths('mail words'), ['src/mail.py', 'docs/cart.md', 'src/checkout.py'])
  t.strictSame(rankByBm25([], 'cart'), [])
  const documents = fc.array(fc.array(fc.constantFrom('cart', 'mail', 'shop', 'order'), { maxLength: 12 }).map((words) => words.join(' ')), { minLength: 1, maxLength: 8 })
  fc.assert(fc.property(documents, (texts) => {
    const ranked = rankByBm25(texts.map((text, index) => item(`file ${index}`, text)), 'cart order')
    const without = ranked.filter(({ item: { words } }) => !words.counts.has('cart') && !words.counts.has('order'))
    return ranked.length === texts.length && ranked.every(({ score }) => Number.isFinite(score) && score >= 0) && without.every(({ score }) => score === 0)
  }))
})

t.test('a budget is filled and never exceeded', async t => {
  const files = fc.array(fc.record({ whole: fc.integer({ min: 1, max: 1000 }), outline: fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }) }), { maxLength: 60 })
  await fc.assert(fc.asyncProperty(files, fc.integer({ min: 0, max: 3000 }), async (order, budget) => {
    const taken = await fill(order, budget, ({ whole }) => ({ content: undefined, charge: whole }), async ({ outline }) => (outline === undefined ? undefined : { content: '…', charge: outline }))
    const spent = taken.reduce((sum, { version }) => sum + version.charge, 0)
    const left = order.filter((file) => !taken.some((entry) => entry.file === file))
    return spent <= budget && (order.length > 40 || left.every(({ whole }) => whole > budget - spent))
  }))
  const taken = await fill([5, ...Array<number>(40).fill(100), 1], 10, (charge) => ({ content: undefined, charge }), async () => undefined)
  t.strictSame(taken.map(({ file }) => file), [5], 'after 40 misses it is full')
  const items = Array.from({ length: 50 }, (_, index) => index)
  t.strictSame(shuffle(items, 7), shuffle(items, 7), 'chance can be repeated')
  t.strictNotSame(shuffle(items, 7), shuffle(items, 8))
  t.strictSame(shuffle(items, 7).sort((a, b) => a - b), items)
})

t.test('what is on the disk is told from what is not', async t => {
  t.equal(decodeText(Buffer.from('\uFEFFa')), 'a')
  t.equal(decodeText(Buffer.from([0xff, 0xfe, 0x61, 0])), 'a')
  t.equal(decodeText(Buffer.from([0x61, 0, 0x62])), undefined)
  t.ok(isRedactionOf('a = [REDACTED]\nb = [REDACTED]\n', 'a = secret\nb = other\n'))
  for (const [content, text] of [['a\n', 'a\nb\n'], ['a = [REDACTED]', 'b = secret'], ['[REDACTED]b[REDACTED]', 'aca'], ['ab[REDACTED]bc', 'abc']]) {
    t.notOk(isRedactionOf(content!, text!), content!)
  }
  fc.assert(fc.property(fc.array(fc.tuple(fc.string(), fc.string()), { maxLength: 5 }), fc.string(), (parts, end) => {
    const content = parts.map(([kept]) => `${kept}[REDACTED]`).join('') + end
    return isRedactionOf(content, parts.map(([kept, secret]) => kept + secret).join('') + end)
  }))
  t.equal(repositoryName('/a/fastify+fastify/repo'), 'fastify+fastify')
  t.equal(repositoryName('/a/click.git'), 'click')
  t.equal(repositoryName('/a/click/.git'), 'click')
})

const BENCH = join(PACKAGE_ROOT, 'dist', 'bench', 'context', 'context.js')

const bench = async (args: string[], temporary?: string): Promise<BenchRun> => await runBench(BENCH, args, temporary)

t.test('wrong usage is told before anything is done', async t => {
  t.strictSame(readOptions(['--repo', 'a', '--repo', 'b', '--budgets', '2000,1000', '--cases', '3']), {
    repo: ['a', 'b'], cases: 3, budgets: [1000, 2000], format: 'text'
  })
  const none = await bench([])
  t.match(none, { code: 2, err: /--repo/ })
  t.match(await bench(['--repo', '.', '--budgets', '8k']), { code: 2, err: /whole number/ })
  t.match(await bench(['--help']), { code: 0, out: /Examples:\n/ })
  t.match(await bench(['--repo', join(tmpdir(), 'there-is-none')]), { code: 1, err: /is no git repository/ })
})

t.test('a run over a small repository', async t => {
  const root = await temporaryFolder(t, 'cco-shop')
  const cart = (total: string): string => `def add(cart, item):\n    cart.append(item)\n\n\ndef total(cart):\n    return ${total}\n`
  await createRepository(root, { 'src/cart.py': cart('0'), 'src/mail.py': 'def send(message):\n    return message\n', 'README.md': '# Shop\n' })
  await writeFiles(root, { 'src/cart.py': cart('sum(cart)') })
  await git(root, 'commit', '--quiet', '--all', '--message', 'fix(cart): the total counts every item (#3)')
  await writeFiles(root, { 'src/mail.py': 'def send(message):\n    return message.strip()\n' })
  await git(root, 'commit', '--quiet', '--all', '--message', 'Strip white space around a message before sending')
  const temporary = await temporaryFolder(t, 'cco-temporary')
  const head = await git(root, 'show-ref', '--head')

  const { code, out, err } = await bench(['--repo', root, '--cases', '5', '--budgets', '4000,20000', '--format', 'json', '--verbose'], temporary)
  const { repositories: [repository], average, budgets } = JSON.parse(out) as { budgets: number[], average: Table, repositories: (RepositoryResult & Summary)[] }
  t.strictSame(budgets, [4000, 20_000])
  t.match(repository, { agent: 'python-pro', answers: 4, violations: { overBudget: 0 }, stale: 0, failures: 0 })
  t.strictSame(repository!.cases.map(({ title, gold, hunks }) => [title, gold, hunks]), [
    ['Strip white space around a message before sending', ['src/mail.py'], 1], ['cart the total counts every item', ['src/cart.py'], 1]
  ])
  for (const { scores, missed } of repository!.cases) {
    for (const score of Object.values(scores).flatMap((methods) => Object.values(methods))) t.match(score, { recall: 1, changedLinesSeen: 1 }, 'all of it fits')
    t.strictSame(missed, [])
  }
  t.equal(code, repository!.cases.every(({ faults }) => faults.length === 0) ? 0 : 1, err)

  const tables = renderTables([{ repository: repository!, summary: repository! }], average, budgets, true)
  t.match(tables, /\| {2}\| recall 4k \| lines seen \| recall 20k \| lines seen \|\n\| --- \| ---: \|.*\n\| sidecar \| 1\.00 \| 1\.00 \|[^]*\| sidecar \/ bm25 \| 1\.00 × \|/)
  t.match(tables, /2 commits, `[0-9a-f]{12}`…`[0-9a-f]{12}`, as python-pro\. Of 4 answers 0 exceed/)
  t.match(renderMisses(repository!.cases), /[0-9a-f]{12} cart the total counts every item {2}\[1 files; 4k 1\.00\/1\.00/)

  t.match(await bench(['--repo', root, '--case', 'HEAD~2'], temporary), { code: 1, err: /makes no case: it has no parent/ })
  t.match(await bench(['--repo', root, '--case', 'abcdef123'], temporary), { code: 1, err: /No repository has the commit 'abcdef123'/ })
  t.equal(await git(root, 'show-ref', '--head'), head, 'the repository is as it was')
  t.equal(await git(root, 'status', '--porcelain'), '')
  t.strictSame(await readdir(temporary), [], 'and nothing is left behind')
})

t.test('an interrupted run leaves nothing behind', async t => {
  const temporary = await temporaryFolder(t, 'cco-temporary')
  const root = await temporaryFolder(t, 'cco-shop')
  await createRepository(root, { 'src/cart.py': 'total = 0\n' })
  await writeFiles(root, { 'src/cart.py': 'total = 1\n' })
  await git(root, 'commit', '--quiet', '--all', '--message', 'Count every item once')
  const child = spawn(process.execPath, [BENCH, '--repo', root], { env: { ...process.env, TMPDIR: temporary }, stdio: 'ignore' })
  const ended = once(child, 'exit')
  while ((await readdir(temporary)).length === 0) await wait(5)
  child.kill('SIGINT')
  t.strictSame(await ended, [130, null])
  t.strictSame(await readdir(temporary), [])
})
