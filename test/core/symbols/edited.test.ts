import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { EditedTrees } from '../../../core/project/worker/symbols/edited-trees.js'
import { Engine } from '../../../core/project/worker/symbols/engine.js'
import { extractStructure, extractSymbols } from '../../../core/project/worker/symbols/symbols.js'

const SOURCES: Record<string, string> = {
  typescript: readFileSync('core/project/worker/pack/shape.ts', 'utf8'),
  javascript: readFileSync('cli/bundle.mjs', 'utf8'),
  python: 'import os\n\n\nclass Cart:\n    """Holds."""\n\n    def total(self, rate=1):\n        text = f"""{rate}\n  x"""\n        if rate:\n            return text\n\n    async def close(self):\n        pass\n\n\ndef main():\n    return Cart()\n',
  ruby: 'class Cart\n  def total\n    text = <<~END\n      some #{text}\n    END\n    text\n  end\nend\n\nmodule Shop\n  def self.open\n    [1].each do |x| x end\n  end\nend\n',
  go: 'package shop\n\nimport "fmt"\n\n// Cart holds.\ntype Cart struct {\n\tlimit int\n}\n\nfunc (c *Cart) Total() int {\n\tfmt.Println(`a\n b`)\n\treturn c.limit\n}\n\nfunc main() {\n}\n',
  c: '#include <stdio.h>\n\n/* Holds. */\nstruct cart { int limit; };\n\nstatic int total(struct cart *c)\n{\n  return c->limit;\n}\n\n#define MOST 10\n\nint main(void) { return total(0); }\n\nvoid last(void) {\n}\n',
  dart: '/// Holds.\nclass Cart {\n  int limit = 1;\n}\n\nint total(Cart c) {\n  return c.limit;\n}\n\n@deprecated\nvoid open() {\n}\n\nvoid close() => open();\n\nvoid main() {\n}\n',
  rust: '/// Holds.\npub struct Cart { limit: u64 }\n\nimpl Cart {\n    pub fn total(&self) -> u64 {\n        let text = r#"a "b" c"#;\n        self.limit\n    }\n}\n\nfn main() {\n}\n'
}

const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.nat({ max: 40 }),
  added: fc.oneof(
    fc.constantFrom('', '\n', '}', '{', '"', '`', "'", '#', '/*', '*/', '//', 'x', '😀', '  ', 'end\n', 'def f():\n    pass\n', 'function f () {}\n', 'fn g() {}\n', '(', '"""'),
    fc.string({ maxLength: 8 })
  )
})

t.test('a file that is edited is read as if nothing were known of it', async t => {
  let parsed = 0
  for (const [language, source] of Object.entries(SOURCES)) {
    await fc.assert(fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 5 }), async (edits) => {
      let text = source
      for (const { at, removed, added } of edits) {
        const start = Math.floor(at * text.length)
        // Every second edit is taken back: most texts of a file can be parsed without an error.
        for (const next of [text.slice(0, start) + added + text.slice(start + removed), text]) {
          const again = await extractStructure(language, next, `${language} file`)
          const { definitions, comments } = await extractSymbols(language, next)
          t.strictSame(again, { definitions, comments }, `${language}: ${JSON.stringify({ start, removed, added })}`)
          parsed++
        }
        if (removed < 10) text = text.slice(0, start) + added + text.slice(start + removed)
      }
    }), { numRuns: 12, seed: 5 })
  }
  t.ok(parsed > 100, `${parsed} texts`)
})

t.test('the tree of the last text is used once, and not where it does not fit', async t => {
  const engine = new Engine()
  const { parser, grammar } = (await engine.grammar('javascript'))!
  const trees = new EditedTrees<string>()
  const put = (file: string, text: string): boolean => trees.hold(file, engine, 'javascript', text, parser.parse(text)!, `of ${file}`)
  const ask = (file: string, text: string, name = 'javascript'): { used: boolean, isThere: boolean } => {
    let used = false
    const edited = trees.parse(file, engine, { name, grammar }, text, (before) => {
      used = true
      return parser.parse(text, before) ?? undefined
    })
    edited?.tree.delete()
    return { used, isThere: edited !== undefined }
  }
  t.equal(put('a.js', 'let a = 1\n'), true)
  t.strictSame(ask('a.js', 'let a = 12\n'), { used: true, isThere: true })
  t.strictSame(ask('a.js', 'let a = 123\n'), { used: false, isThere: false }, 'it is gone')
  put('a.js', 'let a = 1\n')
  t.strictSame(ask('a.js', 'let a = 1\n', 'tsx'), { used: false, isThere: false }, 'of another grammar')
  put('a.js', 'let a = 1\n')
  t.strictSame(ask('a.js', 'let a = (1\n'), { used: true, isThere: false }, 'how an error is made sense of depends on the text before')
  for (const file of ['a.js', 'b.js', 'c.js', 'd.js', 'e.js']) put(file, 'let a = 1\n')
  t.equal(ask('a.js', 'let a = 2\n').used, false, 'only the last few are held')
  t.equal(ask('e.js', 'let a = 2\n').used, true)
  const long = parser.parse(`/*${'x'.repeat(200_000)}*/`)!
  t.equal(trees.hold('long.js', engine, 'javascript', `/*${'x'.repeat(200_000)}*/`, long, ''), false)
  long.delete()
})

t.test('of an edit at the top of a file, in its middle or at its end, the lines around it are read, and no others', async t => {
  const engine = new Engine()
  const { parser, grammar } = (await engine.grammar('javascript'))!
  const trees = new EditedTrees<string>()
  const lines = Array.from({ length: 20 }, (_, number) => [`/** Number ${number}. */`, `function f${number} () {`, `  return ${number}`, '}', '']).flat()
  const partOf = (at: number, ...added: string[]): { firstLine: number, lastLine: number, moved: number, before: string } | undefined => {
    trees.hold('a.js', engine, 'javascript', lines.join('\n'), parser.parse(lines.join('\n'))!, 'what was found')
    const text = [...lines.slice(0, at), ...added, ...lines.slice(at)].join('\n')
    const edited = trees.parse('a.js', engine, { name: 'javascript', grammar }, text, (before) => parser.parse(text, before) ?? undefined)
    edited?.tree.delete()
    return edited?.part
  }
  t.match(partOf(0, '', '// a'), { firstLine: 0, lastLine: 11, moved: 2, before: 'what was found' })
  t.match(partOf(52, '  const x = 1'), { firstLine: 39, lastLine: 65, moved: 1 })
  t.match(partOf(100, '// b'), { firstLine: 89, lastLine: 100, moved: 1 })
  t.match(partOf(55, 'let y', 'let z', ''), { moved: 3 })
  t.equal(partOf(52, '/*'), undefined)
  lines.splice(1, 0, 'function all () {')
  lines.push('}')
  t.equal(partOf(52, '  const x = 1'), undefined, 'and all of it where it has but one')
})
