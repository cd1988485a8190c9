import fc from 'fast-check'
import t from 'tap'
import { outlineLines, renderLines } from '../../../core/project/worker/symbols/outline.js'
import { extractSymbols } from '../../../core/project/worker/symbols/symbols.js'
import { anyCharacter } from '../../support/any-character.js'
import { describe, fault, PARSED } from './symbols-of.js'
import { stripComments } from './strip-comments.js'

const OTHERS = ['sql', 'vue', 'svelte', 'lua', 'scala', 'elixir', 'haskell', 'r', 'perl', 'powershell', 'groovy', 'apex', 'objective-c', 'erlang', 'markdown', 'toml', 'terraform', 'makefile', 'protobuf', 'graphql', 'css', 'yaml', 'text', 'clojure', 'emacs-lisp', 'julia', 'ocaml', 'nim', 'fortran', 'pascal', 'visualbasic', undefined]

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
  const texts = fc.oneof(fc.array(words, { maxLength: 60 }).map((parts) => parts.join('')), fc.string({ unit: anyCharacter, maxLength: 100 }))
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
