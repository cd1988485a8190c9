import fc from 'fast-check'
import t from 'tap'
import { outlineLines, renderLines } from '../../../core/project/worker/symbols/outline.js'
import { extractSymbols } from '../../../core/project/worker/symbols/symbols.js'
import { stripComments } from './strip-comments.js'

/** Keeps the lines that end in `<`. */
function render (text: string): string {
  const lines = text.split('\n')
  return renderLines(lines.map((line) => line.replace(/ ?<$/, '')), Uint8Array.from(lines, (line) => (line.endsWith('<') ? 1 : 0)))
}

t.test('lines that are left out show as one line', async (t) => {
  t.equal(render('a\nb <\nc\nd\ne <\nf'), '...\nb\n...\ne\n...')
  t.equal(render('a <\n  b <'), 'a\n  b')
  t.equal(render('a\nb'), '...')
  t.equal(render(''), '')
})

t.test('no line tells of a body that is seen to be missing', async (t) => {
  t.equal(render('function a () { <\n  b()\n}\n\nfunction c () { <\n  d()\n}'), 'function a () {\nfunction c () {')
  t.equal(render('class A { <\n  b = 1\n  c () { <\n    d()\n  }\n  e () { <\n  }\n}'), 'class A {\n...\n  c () {\n  e () {', 'but of the first lines of one that is shown')
  t.equal(render('def a(): <\n    b()\n\ndef c(): <\n    d()'), 'def a():\ndef c():')
  t.equal(render('  def a <\n    b\n  end\n  def c <'), '  def a\n  def c')
  t.equal(render('void A() <\n{\n  b();\n}\nvoid C() <\n{\n}'), 'void A()\nvoid C()')
  t.equal(render('const a = { <\n  b: 1\n}\nc()\nd() <'), 'const a = {\nd()', 'what follows the block goes with it')
  t.equal(render('a() <\nb()\nc() <'), 'a()\n...\nc()')
})

t.test('comments, blank lines and closing brackets are not missed', async (t) => {
  t.equal(render('a <\n// note\n\n/* note\n * note\n */\nb <\n}\n});\nend\n# note\nc <\n}'), 'a\nb\nc')
  t.equal(render('a <\n  @b\n  @c.d({ e: 1 })\nf <\n#[derive(A)]\ng <\n[Test]\nh <'), 'a\nf\ng\nh', 'nor decorators')
  t.equal(render('a <\n*b = 1;\nc <\n#include <x>\nd <\n[1, 2]\ne <'), 'a\n...\nc\n...\nd\n...\ne')
})

t.test('long lines are cut', async (t) => {
  t.equal(renderLines(['a'.repeat(201), 'b'.repeat(200)], Uint8Array.of(1, 1)), `${'a'.repeat(200)}…\n${'b'.repeat(200)}`)
  t.equal(renderLines([`${'a'.repeat(199)}😀😀`], Uint8Array.of(1)), `${'a'.repeat(199)}…`, 'not within a character')
})

t.test('an outline shows every definition, and no body', async (t) => {
  const text = `import { a } from './a.js'

/** Doc. */
export const LIMIT = 10
const table = {
  a: 1
}

export interface Options {
  // How many.
  limit: number
  on (event: string): void
}

@decorated
export class Store {
  #count = 0

  /** Finds one. */
  get (
    key: string
  ): string {
    const local = a(key)
    return local
  }

  close () {}
}
`
  const lines = text.split('\n')
  const symbols = await extractSymbols('typescript', text)
  t.equal(renderLines(lines, outlineLines(symbols, lines)), `...
export const LIMIT = 10
const table = {
export interface Options {
  limit: number
  on (event: string): void
export class Store {
...
  get (
    key: string
  ): string {
  close () {}`)
})

t.test('comments are taken out', async (t) => {
  const text = '// a\n\nx = 1 // b\n/* c */\n\ny = 2\n'
  t.equal(stripComments(await extractSymbols('javascript', text), text.split('\n')), 'x = 1 // b\ny = 2')
  t.equal(stripComments({ definitions: [], references: [], imports: [], comments: [], by: 'text' }, ['a', '']), 'a\n')
})

t.test('every line that is kept is shown as it is, in order', async () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom('a {', '  b', '', '}', '// c', 'd:', '\te'), fc.boolean())), (items) => {
    const rendered = renderLines(items.map(([line]) => line), Uint8Array.from(items, ([, keep]) => (keep ? 1 : 0))).split('\n')
    const kept = items.filter(([, keep]) => keep).map(([line]) => line)
    const shown = rendered.filter((line) => line !== '...')
    return kept.length === 0 || JSON.stringify(shown) === JSON.stringify(kept)
  }))
})
