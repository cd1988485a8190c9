import fc from 'fast-check'
import t from 'tap'
import { fitFiles, jsonBytes, type Readable } from '../../../core/context/fit.js'
import { PRIORITY } from '../../../core/context/priority.js'
import { mergeOffers, rankByContent, type Candidate, type Offer } from '../../../core/context/rank.js'
import { shrink } from '../../../core/context/shrink.js'
import { splitWords, stem, termsOf } from '../../../core/context/terms.js'
import type { PriorityClass, Task } from '../../../core/contracts/context-strategy.js'

const priority = fc.constantFrom(...Object.values(PRIORITY)) as fc.Arbitrary<PriorityClass>
const path = fc.constantFrom('src/cart.ts', 'src/cart/total.ts', 'src/login.py', 'docs/cart.md', 'a', 'b/c', 'test/login.test.ts', 'README.md')
const offer: fc.Arbitrary<Offer> = fc.record({
  item: fc.record({ kind: fc.constant('file' as const), path, score: fc.double({ min: -1, max: 2, noNaN: true }), priority }),
  weight: fc.double({ min: 0.01, max: 10, noNaN: true }),
  strategy: fc.constantFrom('one', 'two', 'three')
})
const task: fc.Arbitrary<Task> = fc.record({
  issue_id: fc.constant('i-1'), title: fc.constantFrom('', 'Cart total is wrong', 'login'), labels: fc.constant([]), files: fc.subarray(['src/login.py', 'gone.ts'])
})
const words = fc.constantFrom('', 'cart', 'login login', 'total of the cart', 'nothing to see', 'x'.repeat(3000))

const copy = (candidates: readonly Candidate[]): Candidate[] => structuredClone([...candidates])
const paths = (candidates: readonly Candidate[]): string[] => candidates.map((candidate) => candidate.path)
const EMPTY_TASK: Task = { issue_id: 'i-1', labels: [], files: [] }

function offers (...items: [path: string, score: number, more?: { weight?: number, priority?: PriorityClass, strategy?: string, reason?: string }][]): Offer[] {
  return items.map(([path, score, { weight = 1, priority = PRIORITY.history, strategy = 's', reason } = {}]): Offer => ({
    item: { kind: 'file', path, score, priority, ...(reason === undefined ? {} : { reason }) }, weight, strategy
  }))
}

t.test('ranking is deterministic, complete and finite, for any offers', async t => {
  fc.assert(fc.property(fc.array(offer, { maxLength: 25 }), task, fc.array(words, { minLength: 8, maxLength: 8 }), (given, task, contents) => {
    const merged = mergeOffers(given, task)
    const again = mergeOffers(given, task)
    const contentOf = new Map(paths(merged).map((path, index) => [path, contents[index]!]))
    const ranked = rankByContent(copy(merged), contentOf, task)
    const rankedAgain = rankByContent(copy(merged).reverse(), contentOf, task)
    const offered = [...new Set(given.map(({ item }) => item.path))].sort()
    return JSON.stringify(merged) === JSON.stringify(again) &&
      (task.title === '' && task.files.length === 0 ? true : JSON.stringify(paths(ranked)) === JSON.stringify(paths(rankedAgain))) &&
      JSON.stringify(paths(merged).sort()) === JSON.stringify(offered) && JSON.stringify(paths(ranked).sort()) === JSON.stringify(offered) &&
      ranked.every(({ score, need, match }, index) => Number.isFinite(score) && need >= 0 && need <= 1 && match >= 0 && match <= 1 && score <= (ranked[index - 1]?.score ?? Infinity))
  }), { numRuns: 1500, seed: 1 })
})

t.test('what ranks before what', async t => {
  const order = (given: Offer[], task: Partial<Task> = {}): string[] => paths(mergeOffers(given, { ...EMPTY_TASK, ...task }))
  t.strictSame(order(offers(['low', 0.2], ['high', 0.9])), ['high', 'low'], 'the higher score')
  t.strictSame(order(offers(['light', 0.9, { weight: 1 }], ['heavy', 0.9, { weight: 3 }])), ['heavy', 'light'], 'the weightier requirement')
  t.strictSame(order(offers(['one', 0.6], ['both', 0.5], ['both', 0.5, { strategy: 'other' }])), ['both', 'one'], 'two strategies that agree')
  t.strictSame(order(offers(['history', 0.5], ['test', 0.5, { priority: 4 }], ['task', 0.5, { priority: 1 }])), ['task', 'test', 'history'], 'the class, where need is equal')
  t.strictSame(order(offers(['b', 0.5], ['a', 0.5])), ['a', 'b'], 'the path, where all is equal')
  t.strictSame(order(offers(['src/invoice.ts', 0.9], ['src/parseCartTotal.ts', 0.5]), { title: 'Cart total is wrong' }), ['src/parseCartTotal.ts', 'src/invoice.ts'], 'a path that the task speaks of')
  t.strictSame(order(offers(['a', 1], ['named', 0.01]), { files: ['named'] }), ['named', 'a'], 'a file that the issue names')

  const task: Task = { ...EMPTY_TASK, title: 'The mailer drops attachments' }
  const candidates = mergeOffers(offers(['a.go', 0.5], ['b.go', 0.5], ['c.go', 0.5]), task)
  const ranked = rankByContent(candidates, new Map([['a.go', 'func x() {}'], ['b.go', 'func sendMail() { attachments = nil }'], ['c.go', 'func y() {}']]), task)
  t.equal(ranked[0]!.path, 'b.go', 'a content that the task speaks of')
  t.match(ranked[0]!.reasons, ['its content matches the task'])
})

t.test('reasons are told once each', async t => {
  const [candidate] = mergeOffers(offers(['cart.ts', 0.5, { reason: 'source of the agent' }], ['cart.ts', 0.5, { reason: 'source of the agent', strategy: 'other' }]), { ...EMPTY_TASK, title: 'cart', files: [] })
  t.strictSame(candidate!.reasons, ['source of the agent', 'its path matches the task'])
  t.strictSame(candidate!.strategies, ['s', 'other'])
})

t.test('files that are all empty rank as well', async t => {
  const task: Task = { ...EMPTY_TASK, title: 'something else' }
  const ranked = rankByContent(mergeOffers(offers(['b/__init__.py', 0.4], ['a/__init__.py', 0.9]), task), new Map([['a/__init__.py', ''], ['b/__init__.py', '']]), task)
  t.strictSame(paths(ranked), ['a/__init__.py', 'b/__init__.py'])
  t.ok(ranked.every(({ score }) => Number.isFinite(score)))
})

t.test('words', async t => {
  t.strictSame(splitWords('parseURLQuery parse_url_query HTTPServer2 a naïve-Größe'), ['parse', 'url', 'query', 'parse', 'url', 'query', 'http', 'server2', 'naïve', 'größe'])
  t.equal(stem('waiting'), stem('waits'))
  t.strictSame(termsOf('Fix the sessions of sessions'), [stem('sessions')])
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (text) => termsOf(text).length <= 48 && termsOf(text).every((term) => term.length > 0)), { seed: 1 })
})

const content = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 3000 }),
  fc.array(fc.constantFrom('# comment', '// comment', '/* open', ' */ x', 'def f():', '    return 1', 'class A {', '}', '', '## Heading', 'Prose.', 'x'.repeat(900)), { maxLength: 200 }).map((lines) => lines.join('\n'))
)
const file = fc.constantFrom('a.py', 'a.ts', 'a.md', 'a.txt', 'a', 'Dockerfile', 'a.json', 'a.css')

t.test('shrinking', async t => {
  fc.assert(fc.property(file, content, (path, text) => {
    const versions = shrink(path, text)
    return versions.every(({ content }, index) => content.trim() !== '' && content.length < (versions[index - 1]?.content.length ?? text.length)) &&
      new Set(versions.map(({ truncation }) => truncation)).size === versions.length && JSON.stringify(shrink(path, text)) === JSON.stringify(versions)
  }), { numRuns: 1500, seed: 1 })

  const python = ['# Licence', '#', '#!/usr/bin/env python', 'import os', '', 'class Cart:', '    # Adds one.', '    def add(self, item):  # not this', '        self.items.append(item)', '        return len(self.items)', ''].join('\n')
  const [stripped, outline] = shrink('cart.py', python)
  t.match(stripped, { truncation: 'stripped', content: '#!/usr/bin/env python\nimport os\nclass Cart:\n    def add(self, item):  # not this\n        self.items.append(item)\n        return len(self.items)' })
  t.strictSame(outline, { truncation: 'outline', content: '…\nimport os\nclass Cart:\n…\n    def add(self, item):  # not this\n…' })
  const typescript = '/*\n * Licence\n */\n// one\nexport const url = "http://x" // kept\n/* a */ const b = 1\n/** doc */\nfunction f () {\n  return b\n}\n'
  t.strictSame(shrink('a.ts', typescript)[0]!.content, 'export const url = "http://x" // kept\n/* a */ const b = 1\nfunction f () {\n  return b\n}')
  const markdown = '# Title\n\nFirst paragraph.\n\nSecond paragraph.\n\n## Part\n\nIts first.\n\nIts second.\n'
  t.strictSame(shrink('a.md', markdown)[0], { truncation: 'summary', content: '# Title\nFirst paragraph.\n## Part\nIts first.' })
  const lines = Array.from({ length: 100 }, (_, index) => `${index},value`).join('\n')
  t.match(shrink('a.csv', lines), [{ truncation: 'sampled', content: /^0,value\n[^]*\n… 40 lines left out …\n[^]*\n99,value$/ }])
})

t.test('fitting never exceeds its budget', async t => {
  // A tokenizer as bad as any: every character is a token.
  const countTokens = async (texts: string[]): Promise<number[]> => texts.map((text) => text.length)
  const readables = fc.array(fc.tuple(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), content), { maxLength: 30 })
  const limit = fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 60_000 }), fc.constant(Infinity))
  let [kept, shrunk] = [0, 0]
  await fc.assert(fc.asyncProperty(readables, limit, limit, async (given, bytes, tokens) => {
    const readable = new Map<string, Readable>(given.map(([path, content]) => [path, { content, tokens: JSON.stringify(content).length }]))
    const ranked = mergeOffers([...readable.keys()].map((path) => offers([path, 0.5])[0]!), EMPTY_TASK)
    const { files, dropped } = await fitFiles(ranked, readable, { bytes, tokens }, countTokens)
    const entries = files.map(({ candidate, content, truncation }) => ({
      path: candidate.path, content, size: 2 ** 53, last_modified: '2026-01-01T00:00:00.000Z', language: 'restructuredtext', checksum: `sha256:${'0'.repeat(64)}`, truncation
    }))
    kept += files.length
    shrunk += files.filter(({ truncation }) => truncation !== 'none').length
    return Buffer.byteLength(JSON.stringify(entries).slice(1, -1)) <= Math.max(0, bytes) &&
      files.reduce((sum, file) => sum + JSON.stringify(file.content).length + JSON.stringify(file.candidate.path).length, 0) <= tokens &&
      files.every(({ candidate, content, truncation }) => (truncation === 'none') === (content === readable.get(candidate.path)!.content)) &&
      [...paths(files.map(({ candidate }) => candidate)), ...paths(dropped)].sort().join() === [...readable.keys()].sort().join()
  }), { numRuns: 600, seed: 1 })
  t.ok(kept > 1000 && shrunk > 50, `${kept} files fitted, ${shrunk} of them made smaller`)

  await t.test('one huge file does not push the others out', async t => {
    const readable = new Map<string, Readable>([['huge', { content: 'word '.repeat(20_000), tokens: 100_000 }], ['small', { content: 'x = 1', tokens: 7 }]])
    const { files } = await fitFiles(mergeOffers(offers(['huge', 1], ['small', 0.1]), EMPTY_TASK), readable, { bytes: 120_000, tokens: Infinity }, countTokens)
    t.strictSame(files.map(({ candidate, truncation }) => [candidate.path, truncation]), [['huge', 'sampled'], ['small', 'none']])
    t.ok(files[0]!.bytes <= 36_000)
  })
  t.equal(jsonBytes('"ü\n'), 8)
})
