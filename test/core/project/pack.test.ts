import fc from 'fast-check'
import t from 'tap'
import { countWords, queryOf, sumWords } from '../../../core/project/worker/index/terms.js'
import { pack, type Entry, type Packable, type Size, type Truncation } from '../../../core/project/worker/pack/pack.js'
import { jsonBytes, shapeOf, type FileShape } from '../../../core/project/worker/pack/shape.js'
import { renderLines } from '../../../core/project/worker/symbols/outline.js'
import { extractSymbols } from '../../../core/project/worker/symbols/symbols.js'
import { countTokens } from '../../../core/project/worker/tokens.js'
import { languageOf } from '../../../core/project/languages.js'
import { anyCharacter } from '../../support/any-character.js'

interface Made extends Entry {
  content: string
  json: string
}

async function packable (path: string, content: string, worth: number): Promise<Packable<Made> & { content: string }> {
  const language = languageOf(path)
  const shape = shapeOf(content, language, await extractSymbols(language, content))
  const make = (text: string, truncation: Truncation): Made => {
    const json = JSON.stringify({ path, content: text, truncation })
    return { content: text, json, truncation, size: { bytes: Buffer.byteLength(json) + 1, tokens: countTokens(json) + 1 } }
  }
  return {
    path, content, worth, shape, envelope: make('', 'sampled').size,
    entry: (keep, _version, truncation) => make(keep === null ? content : renderLines(shape.lines, keep), truncation)
  }
}

const method = (name: string, body = 12): string => `function ${name} (a, b) {\n${Array.from({ length: body }, (_, line) => `  const ${name}${line} = a + ${line} * b`).join('\n')}\n  return ${name}0\n}\n`
const NONE = { query: [], weights: [] }
const run = (files: Packable<Made>[], budget: Size, task = '') => {
  const query = task === '' ? NONE.query : queryOf(task, '')
  return pack(files, query, query.map(({ weight }) => weight), budget).map(({ path, entry }) => ({ path, ...entry }))
}
const roomy: Size = { bytes: 10_000_000, tokens: Infinity }

t.test('what fits is whole', async t => {
  const files = [await packable('a.js', method('one') + method('two'), 1), await packable('b.md', '# Title\n\nText.\n', 0.1), await packable('empty', '', 0.1)]
  const packed = run(files, roomy)
  t.strictSame(packed.map(({ path, truncation }) => [path, truncation]), [['a.js', 'none'], ['b.md', 'none'], ['empty', 'none']])
  packed.forEach(({ content }, index) => t.equal(content, files[index]!.content))
})

t.test('a file that does not fit shows its definitions and the bodies that the task is about', async t => {
  const file = await packable('mail.js', ['connect', 'sendAttachment', 'close', 'retry'].map((name) => method(name, 40)).join('\n'), 1)
  const [outline] = run([file], { bytes: 10_000_000, tokens: 150 })
  t.equal(outline!.truncation, 'outline')
  for (const name of ['connect', 'sendAttachment', 'close', 'retry']) t.match(outline!.content, `function ${name} (a, b)`)
  const [some] = run([file], { bytes: 10_000_000, tokens: 1000 }, 'attachment')
  t.equal(some!.truncation, 'sampled')
  t.match(some!.content, 'sendAttachment39')
  t.notMatch(some!.content, 'close39')
  const book = await packable('a.md', Array.from({ length: 30 }, (_, part) => `## Part ${part}\n\nFirst of ${part}.\n\n${'Much more. '.repeat(60)}\n`).join('\n'), 1)
  const [prose] = run([book], { bytes: 10_000_000, tokens: book.envelope.tokens + book.shape.outlineTokens + 10 })
  t.equal(prose!.truncation, 'summary')
  t.match(prose!.content, /## Part 29\n/)
})

t.test('one huge file does not push the others out', async t => {
  const huge = await packable('huge.js', Array.from({ length: 300 }, (_, index) => method(`f${index}`, 30)).join('\n'), 1)
  const small = await packable('small.js', 'export const x = 1\n', 0.2)
  for (const tokens of [4000, 16_000, 64_000]) t.strictSame(run([huge, small], { bytes: 10_000_000, tokens }).map(({ path }) => path).sort().at(-1), 'small.js', String(tokens))
  const single = run([await packable('data.csv', 'word '.repeat(100_000), 1), small], { bytes: 20_000, tokens: Infinity })
  t.ok(single.some(({ path }) => path === 'small.js'), 'not even one that is a single line')
})

t.test('where the budget is not the bound, whole files win', async t => {
  const note = (name: string): string => `/**\n${Array.from({ length: 9 }, (_, line) => ` * Note ${line} of what ${name} is for, and of how it is called.\n`).join('')} */\n`
  const top = await packable('top.js', Array.from({ length: 12 }, (_, index) => `${note(`cart${index}`)}\n${method(`cart${index}`)}`).join('\n'), 1)
  const others = await Promise.all(Array.from({ length: 90 }, async (_, index) => await packable(`other${index}.js`, method(`f${index}`, 4), 1e-4)))
  const sum = (files: readonly Packable<Made>[]): number => files.reduce((all, { shape, envelope }) => all + shape.tokens + envelope.tokens, 0)
  const some = run([top, ...others], { bytes: 10_000_000, tokens: sum([top, ...others.slice(0, 80)]) }, 'cart')
  t.equal(some.find(({ path }) => path === 'top.js')!.truncation, 'none', 'its comments come before files that have nothing to do with the task')
  const all = run([top, ...others], { bytes: 10_000_000, tokens: sum([top, ...others]) }, 'cart')
  t.strictSame(all.filter(({ truncation }) => truncation !== 'none'), [])
  t.equal(all.length, 91)

  const huge = await packable('huge.js', Array.from({ length: 60 }, (_, index) => method(`f${index}`, 30)).join('\n'), 1)
  const tokens = Math.floor(0.9 * huge.shape.tokens)
  const [most, rest] = run([huge, await packable('small.js', 'export const x = 1\n', 0.2)], { bytes: 10_000_000, tokens })
  t.ok(most!.size.tokens > 0.8 * tokens, 'a file gets what nobody else has use for')
  t.equal(rest!.truncation, 'none')
})

t.test('what a file had before an edit is not counted again, and nothing is counted otherwise', async t => {
  const shape = async (text: string, before?: FileShape) => shapeOf(text, 'javascript', await extractSymbols('javascript', text), before)
  const first = [0, 1, 2, 3, 4, 5].map((index) => method(`cart${index}`)).join('\n')
  let before = await shape(first)
  for (const text of [`${first}// end\n`, `// begin\n${first}`, first.replace('cart33', 'other words'), first.replace(method('cart2'), ''), '', first, `${first}${first}`, first]) {
    const after = await shape(text, before)
    t.strictSame(after, await shape(text))
    before = after
  }
  const same = await shape(`${first}// end\n`, before)
  t.ok(same.segments.filter(({ words }) => before.segments.some((segment) => segment.words === words)).length >= 5, 'segments that are as they were are taken over')
})

const piece = fc.oneof(
  fc.constantFrom('', '}', '/* open', '# x', '## Heading', 'x'.repeat(900), 'class A {', '  run () {', '  }'),
  fc.string({ unit: anyCharacter, maxLength: 40 }),
  fc.constantFrom('cart', 'total', 'mail').map((name) => method(name, 5))
)
const content = fc.array(piece, { maxLength: 60 }).map((parts) => parts.join('\n'))
const given = fc.array(fc.tuple(fc.constantFrom('a.js', 'b.ts', 'c.py', 'd.md', 'e.txt', 'f', 'g.json'), content, fc.double({ min: 1e-6, max: 1, noNaN: true })), { maxLength: 8 })

t.test('the words of the segments are those of the file', async t => {
  await fc.assert(fc.asyncProperty(given, async (list) => {
    for (const [path, text] of list) t.strictSame(sumWords((await packable(path, text, 1)).shape.segments.map(({ words }) => words)), countWords(text))
  }), { numRuns: 25, seed: 5 })
})

t.test('the budget is never exceeded, and every line shown is a line of the file', async t => {
  const limit = fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 60_000 }))
  let [kept, shrunk] = [0, 0]
  await fc.assert(fc.asyncProperty(given, limit, fc.oneof(limit, fc.constant(Infinity)), async (list, bytes, tokens) => {
    const files = await Promise.all(list.map(async ([path, text, worth], index) => await packable(`${index}/${path}`, text, worth)))
    const packed = run(files, { bytes, tokens }, 'the cart total')
    kept += packed.length
    shrunk += packed.filter(({ truncation }) => truncation !== 'none').length
    const json = packed.map((file) => file.json).join(',')
    const source = new Map(files.map((file) => [file.path, file]))
    return Buffer.byteLength(json) <= bytes && countTokens(json) <= tokens && new Set(packed.map(({ path }) => path)).size === packed.length &&
      packed.every((file) => (file.truncation === 'none') === (file.content === source.get(file.path)!.content))
  }), { numRuns: 300, seed: 1 })
  t.ok(kept > 300 && shrunk > 20, `${kept} files packed, ${shrunk} of them made smaller`)
})

t.test('a larger budget never shows fewer files of those that were worth showing', async t => {
  const files = await Promise.all(Array.from({ length: 12 }, async (_, index) => await packable(`f${index}.js`, Array.from({ length: 2 + index % 5 }, (_, part) => method(`cart${index}x${part}`, 10 + 7 * part)).join('\n'), 1 / (index + 1))))
  let before = new Set<string>()
  for (const tokens of [500, 1000, 2000, 4000, 8000, 16_000]) {
    const shown = new Set(run(files, { bytes: 10_000_000, tokens }, 'cart').map(({ path }) => path))
    t.ok([...before].every((path) => shown.has(path)), `${tokens}: ${shown.size} files`)
    before = shown
  }
})

t.equal(jsonBytes('"ü\n'), 8)
