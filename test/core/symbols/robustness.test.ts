import fc from 'fast-check'
import t from 'tap'
import { outlineLines, renderLines, stripComments } from '../../../core/project/worker/symbols/outline.js'
import { extractSymbols, type FileSymbols } from '../../../core/project/worker/symbols/symbols.js'
import { describe } from './symbols-of.js'

const PARSED = ['typescript', 'javascript', 'python', 'go', 'rust', 'java', 'c', 'cpp', 'csharp', 'ruby', 'php', 'swift', 'dart', 'kotlin', 'shell']
const OTHERS = ['sql', 'vue', 'svelte', 'lua', 'scala', 'elixir', 'haskell', 'r', 'perl', 'powershell', 'groovy', 'apex', 'objective-c', 'erlang', 'markdown', 'toml', 'terraform', 'makefile', 'protobuf', 'graphql', 'css', 'yaml', 'text', undefined]

/** What every result must keep to, or what is wrong with it. */
function fault ({ definitions, references, imports, comments }: FileSymbols, text: string): string | undefined {
  const lines = text.split('\n').length
  for (const [index, { name, start, line, head, end, parent }] of definitions.entries()) {
    if (name === '') return 'a definition without a name'
    if (!(start >= 0 && start <= line && line <= head && head <= end && end < lines)) return `lines of ${name}: ${start} ${line} ${head} ${end}`
    if (index > 0 && definitions[index - 1]!.line > line) return `${name} before one that stands above it`
    if (parent >= index || parent < -1) return `parent of ${name}: ${parent} of ${index}`
    const outer = definitions[parent]
    if (outer !== undefined && (outer.start > start || outer.end < end || outer.line > line)) return `${name} is not within ${outer.name}`
  }
  let last = -2
  for (const [first, end] of comments) {
    if (first <= last + 1 || end < first || end >= lines) return `comment lines ${first} to ${end}`
    last = end
  }
  if (new Set(references).size !== references.length || references.length > 2000) return 'references'
  return new Set(imports).size === imports.length ? undefined : 'imports'
}

t.test('every language named has a parser', async (t) => {
  for (const language of PARSED) t.equal((await extractSymbols(language, '')).by, 'tree-sitter', language)
  t.equal((await extractSymbols('sql', '')).by, 'text')
  t.equal((await extractSymbols(undefined, '')).by, 'text')
  t.equal((await extractSymbols('constructor', '')).by, 'text')
})

t.test('odd texts', async (t) => {
  const texts: Record<string, string> = {
    empty: '',
    blank: '\n\n  \n',
    'one line of a megabyte': `x = "${'a'.repeat(1_000_000)}"`,
    'no line break at the end': 'class A {}',
    'replacement characters': '\ufffd\ufffd class A { \ufffd }\nfunction f\ufffd () {}',
    'lone surrogates': '\ud800\udc00\ud800 = 1',
    'control characters': '\0\u0001class A {}\0',
    'nested blocks': 'if (a) {\n'.repeat(200),
    'byte order mark': '\ufeffclass A {}'
  }
  for (const language of [...PARSED, ...OTHERS]) {
    for (const [name, text] of Object.entries(texts)) t.equal(fault(await extractSymbols(language, text), text), undefined, `${language}: ${name}`)
  }
  t.end()
})

t.test('deep nesting overflows nothing', async (t) => {
  const text = `${'['.repeat(10_000)}${']'.repeat(10_000)}`
  for (const language of [...PARSED, 'sql', 'markdown']) t.equal(fault(await extractSymbols(language, text), text), undefined, language)
  // Here it does overflow the stack of the parser, which must not be used any more.
  const deep = '{('.repeat(5_000)
  for (let round = 0; round < 3; round++) {
    t.equal(fault(await extractSymbols('java', deep), deep), undefined)
    t.equal((await extractSymbols('java', 'class A {}')).by, 'tree-sitter', 'the next file is parsed')
    t.equal((await extractSymbols('python', 'class A: pass')).by, 'tree-sitter', 'in other languages, too')
  }
})

t.test('texts that make a parser slow end soon', async (t) => {
  const texts: [language: string, text: string][] = [
    ['dart', '\u0001'.repeat(200_000)],
    ['swift', '# a\n'.repeat(200_000)],
    ['go', '*'.repeat(990_000)],
    ['javascript', '('.repeat(990_000)],
    ['c', '\n'.repeat(990_000)],
    ['typescript', '/>\n'.repeat(300_000)],
    ['kotlin', 'a<b>c '.repeat(100_000)],
    ['sql', 'create table a\n'.repeat(60_000)],
    ['lua', '--[[ '.repeat(190_000)]
  ]
  for (const [language, text] of texts) {
    const start = performance.now()
    const symbols = await extractSymbols(language, text)
    const seconds = (performance.now() - start) / 1000
    // Without the bounds some of these take minutes.
    t.ok(seconds < 15, `${language}: ${seconds.toFixed(1)} s`)
    t.equal(fault(symbols, text), undefined)
    t.strictSame(describe(await extractSymbols('python', 'def f(): pass')), ['function f 0 0 0 0'], 'and the next one is read')
  }
})

t.test('a text that is too large for a parser is read line by line', async (t) => {
  const text = `${'export function parse (text) {\n  return JSON.parse(text)\n}\n\n'.repeat(20_000)}import { a } from './a'\n`
  const { by, definitions, references, imports } = await extractSymbols('javascript', text)
  t.equal(by, 'text')
  t.equal(definitions.length, 10_000, 'no more than anybody wrote')
  t.strictSame(definitions[1], { name: 'parse', kind: 'function', start: 4, line: 4, head: 4, end: 6, parent: -1 })
  t.strictSame(references, ['JSON'])
  t.strictSame(imports, ['./a'])
})

t.test('broken code', async (t) => {
  const texts: Record<string, [text: string, expected: string[]]> = {
    javascript: ['function a () {\n  const x = \n}\n\nclass B {\n  c () { return (1 }\n}\nfunction d () {}\n', ['function a', 'class B', 'function d']],
    python: ['def a(:\n    pass\n\nclass B:\n    def c(self):\n        return (1\n\ndef d():\n    pass\n', ['class B', 'method B.c']],
    go: ['package x\nfunc A() {\n\tif {\n}\n\nfunc B() int { return 1 }\n', ['function A']],
    rust: ['fn a() { let x = ; }\nstruct B { c: }\nfn d() {}\n', ['function a', 'function d']],
    java: ['class A {\n  void b() { int x = ; }\n  void c( { }\n  void d() {}\n}\n', ['class A', 'method A.b', 'method A.d']]
  }
  for (const [language, [text, expected]] of Object.entries(texts)) {
    const found = describe(await extractSymbols(language, text)).map((line) => line.replace(/( \d+){4}$/, ''))
    for (const name of expected) t.ok(found.includes(name), `${language}: ${name} of ${found.join(', ')}`)
  }
  t.end()
})

t.test('line breaks of either kind give the same lines', async (t) => {
  const text = '/** Doc. */\nexport function a (\n  b\n) {\n  // note\n\n  return `\n// not\n`\n}\n'
  const [unix, windows] = [await extractSymbols('typescript', text), await extractSymbols('typescript', text.replaceAll('\n', '\r\n'))]
  t.strictSame(windows, unix)
  t.strictSame(describe(unix), ['function a 0 1 3 9'])
})

t.test('a file may hold what its name does not tell', async (t) => {
  const jsx = await extractSymbols('typescript', 'export const Page = () => <Layout title="a" />\nfunction f<T> (x: T) { return x }\n')
  t.strictSame(describe(jsx), ['function Page 0 0 0 0', 'function f 1 1 1 1'])
  t.ok(jsx.references.includes('Layout'))
  const cast = await extractSymbols('typescript', 'const html = "</a>"\nconst a = <Foo>bar\nfunction f () {}\n')
  t.strictSame(describe(cast), ['constant html 0 0 0 0', 'constant a 1 1 1 1', 'function f 2 2 2 2'], 'an assertion is no element')
  const header = await extractSymbols('c', '#pragma once\nnamespace a {\nclass B { void c(); };\n}\n')
  t.strictSame(describe(header), ['module a 1 1 1 3', 'class a.B 2 2 2 2', 'method a.B.c 2 2 2 2'])
  const flow = await extractSymbols('javascript', 'function f (a: string): number { return a.length }\n')
  t.strictSame(describe(flow), ['function f 0 0 0 0'])
})

t.test('any text is read, and what is told of it holds', async (t) => {
  const words = fc.constantFrom('class ', 'def ', 'function ', 'const ', 'fn ', 'impl ', 'type ', 'struct ', 'enum ', 'import ', 'export ', '@a', '#', '//', '/*', '*/', '"', "'", '`', '"""', '<<A', '{', '}', '(', ')', '[', ']', '<', '>', '=', '=>', ':', ';', ',', '.', '\n', '\r\n', '  ', '\t', 'a', 'B', 'end', '1', '${', '$', '\\', '\ufffd', '<script>', '</script>', '<?php ', 'template<', 'namespace ', 'module ', 'case ', '# ', '---\n', '```\n', 'CREATE TABLE ', '-- ')
  const texts = fc.oneof(fc.array(words, { maxLength: 60 }).map((parts) => parts.join('')), fc.string({ unit: 'binary', maxLength: 100 }))
  for (const language of [...PARSED, ...OTHERS]) {
    await fc.assert(fc.asyncProperty(texts, async (text) => {
      const symbols = await extractSymbols(language, text)
      const wrong = fault(symbols, text)
      if (wrong !== undefined) throw new Error(wrong)
      const lines = text.split('\n')
      renderLines(lines, outlineLines(symbols, lines))
      stripComments(symbols, lines)
    }), { numRuns: 60 })
  }
  t.end()
})
