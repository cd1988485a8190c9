import t from 'tap'
import { extractSymbols } from '../../../core/project/worker/symbols/symbols.js'
import { describe, fault, PARSED } from './symbols-of.js'

t.test('deep nesting overflows nothing', async (t) => {
  const text = `${'['.repeat(4_000)}${']'.repeat(4_000)}`
  for (const language of [...PARSED, 'sql', 'markdown']) t.equal(fault(await extractSymbols(language, text), text), undefined, language)
  // Here it does overflow the stack of the parser, which must not be used any more.
  const deep = '{('.repeat(5_000)
  for (let round = 0; round < 3; round++) {
    t.equal(fault(await extractSymbols('java', deep), deep), undefined)
    t.equal((await extractSymbols('java', 'class A {}')).by, 'tree-sitter', 'the next file is parsed')
    t.equal((await extractSymbols('python', 'class A: pass')).by, 'tree-sitter', 'in other languages, too')
  }
})

/** Processor time that one reading takes, milliseconds: what else the machine does hardly shows in it. */
async function costOf (language: string, text: string): Promise<{ symbols: Awaited<ReturnType<typeof extractSymbols>>, cost: number }> {
  const before = process.cpuUsage()
  const symbols = await extractSymbols(language, text)
  const { user, system } = process.cpuUsage(before)
  return { symbols, cost: (user + system) / 1000 }
}

t.test('texts that make a parser slow end soon', async (t) => {
  await extractSymbols('typescript', 'const loaded = true')
  const ordinary = await costOf('typescript', 'export function add (a: number, b: number): number {\n  return a + b\n}\n\n'.repeat(4_000))
  const texts: [language: string, text: string][] = [
    ['dart', '\u0001'.repeat(200_000)],
    ['swift', '# a\n'.repeat(200_000)],
    ['go', '*'.repeat(300_000)],
    ['javascript', '('.repeat(300_000)],
    ['c', '\n'.repeat(300_000)],
    ['typescript', '/>\n'.repeat(100_000)],
    ['kotlin', 'a<b>c '.repeat(100_000)],
    ['sql', 'create table a\n'.repeat(60_000)],
    ['lua', '--[[ '.repeat(60_000)]
  ]
  for (const [language, text] of texts) {
    const { symbols, cost } = await costOf(language, text)
    // Twelve times as much is what the slowest of them takes; without the bounds some take a thousand times as much.
    t.ok(cost < 100 * ordinary.cost, `${language}: ${Math.round(cost)} ms, against ${Math.round(ordinary.cost)} ms of an ordinary text`)
    t.equal(fault(symbols, text), undefined)
    t.strictSame(describe(await extractSymbols('python', 'def f(): pass')), ['function f 0 0 0 0'], 'and the next one is read')
  }
})

t.test('texts that are read at the same time do not spoil each other', async (t) => {
  const deep = '{('.repeat(5_000)
  const texts: [language: string, text: string][] = [['java', 'class A {}'], ['java', deep], ['java', 'class A {}'], ['go', 'package a\ntype A struct {}\n'], ['java', deep], ['python', 'class A: pass'], ['java', 'class A {}']]
  const all = await Promise.all(texts.map(async ([language, text]) => await extractSymbols(language, text)))
  t.strictSame(all.map((symbols) => symbols.definitions.map(({ name }) => name).join()), texts.map(([, text]) => (text === deep ? '' : 'A')))
})
