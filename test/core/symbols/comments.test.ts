import fc from 'fast-check'
import t from 'tap'
import { stripComments } from './strip-comments.js'
import { extractSymbols } from '../../../core/project/worker/symbols/symbols.js'

/** How a language writes what looks alike. `N` is a number, so that nothing is declared twice. */
interface Writing {
  code: string[]
  /** Strings that look like comments, one to a row; those of more than one line are the hard ones. */
  strings: string[]
  comments: string[]
  /** Around all of it, where statements cannot stand at the top. */
  around?: [string, string]
}

const C_COMMENTS = ['// note', '/* note */', '/* note\n\n  note */', '/**\n * note\n */ // and', '  // indented  ']
const HASH_COMMENTS = ['# note', '  # indented', '#']

const WRITINGS: Record<string, Writing> = {
  typescript: { code: ['const aN: number = 1', 'function fN () { return 1 } // behind code', 'type TN = 1 /* behind code */'], strings: ["const sN = '// not /* a'", 'const tN = `// not\n\n/* nor this\n`', 'const rN = /\\/\\* not/'], comments: C_COMMENTS },
  javascript: { code: ['const aN = 1', 'let bN = 2 /* behind */'], strings: ["const sN = '// not /* a'", 'const tN = `\n// not\n\n`'], comments: C_COMMENTS },
  python: { code: ['aN = 1', 'def fN(): return 1  # behind'], strings: ['sN = "# not"', 'tN = """# not\n\n# nor this\n"""', 'uN = f"""\n\n# not {aN}\n"""'], comments: HASH_COMMENTS },
  go: { code: ['var aN = 1', 'func fN() {} // behind'], strings: ['var sN = "// not /*"', 'var tN = `// not\n\n/* nor\n`'], comments: C_COMMENTS },
  rust: { code: ['const AN: u8 = 1;', 'fn fN() {} // behind'], strings: ['const SN: &str = "// not /*";', 'const TN: &str = r#"// not\n\n/* nor\n"#;', 'const UN: &str = "\n// not\n\n";'], comments: [...C_COMMENTS, '/// doc\n//! doc'] },
  java: { code: ['int aN = 1;', 'void fN() { } // behind'], strings: ['String sN = "// not /*";', 'String tN = """\n// not\n\n/* nor\n""";'], comments: C_COMMENTS, around: ['class A {', '}'] },
  c: { code: ['int aN = 1;', '#define MN 1'], strings: ['char *sN = "// not /*";', 'char *tN = "// not"\n"/* nor";'], comments: C_COMMENTS },
  cpp: { code: ['int aN = 1;', 'class CN {};'], strings: ['auto sN = "// not /*";', 'auto tN = R"(// not\n\n/* nor\n)";'], comments: C_COMMENTS },
  csharp: { code: ['int aN = 1;', 'void FN() { } // behind'], strings: ['string sN = "// not /*";', 'string tN = @"\n// not\n\n/* nor\n";', 'string uN = $@"\n\n// not {1}\n";'], comments: C_COMMENTS, around: ['class A {', '}'] },
  ruby: { code: ['a_N = 1', 'def f_N; end # behind'], strings: ['s_N = "# not"', 't_N = <<~TEXT\n# not\n\nTEXT', "u_N = '\n# not\n\n'"], comments: [...HASH_COMMENTS, '=begin\nnote\n\n=end'] },
  php: { code: ['$aN = 1;', 'function fN() { } // behind'], strings: ["$sN = '# not // nor';", '$tN = <<<TEXT\n# not\n\n// nor\nTEXT;', "$uN = '\n// not\n\n';"], comments: [...C_COMMENTS, '# note'], around: ['<?php', '$end = 1;'] },
  kotlin: { code: ['val aN = 1', 'fun fN() { } // behind'], strings: ['val sN = "// not /*"', 'val tN = """\n// not\n\n/* nor\n"""'], comments: C_COMMENTS },
  swift: { code: ['let aN = 1', 'func fN() { } // behind'], strings: ['let sN = "// not /*"', 'let tN = """\n// not\n\n/* nor\n"""'], comments: C_COMMENTS },
  dart: { code: ['const aN = 1;', 'void fN() { } // behind'], strings: ["const sN = '// not /*';", "const tN = '''\n// not\n\n/* nor\n''';"], comments: C_COMMENTS },
  shell: { code: ['aN=1', 'fN () { :; } # behind'], strings: ['sN="# not"', "tN='\n# not\n\n'", 'cat <<TEXT\n# not\n\nTEXT'], comments: HASH_COMMENTS },
  sql: { code: ['SELECT N;', 'SELECT N; -- behind'], strings: ["SELECT '-- not /*';", "SELECT '\n-- not\n\n/* nor';", 'DO $$\n-- not\n\n$$;'], comments: ['-- note', '/* note */', '/* note\n\n */'] },
  lua: { code: ['local aN = 1'], strings: ['local sN = "-- not"', 'local tN = [[\n-- not\n\n]]'], comments: ['-- note', '--[[ note\n\n]]'] },
  scala: { code: ['val aN = 1'], strings: ['val sN = "// not"', 'val tN = """\n// not\n\n/* nor"""'], comments: C_COMMENTS },
  toml: { code: ['aN = 1', '[tableN]'], strings: ['sN = "# not"', 'tN = """\n# not\n\n"""'], comments: HASH_COMMENTS }
}

for (const [language, { code, strings, comments, around }] of Object.entries(WRITINGS)) {
  t.test(`of ${language} programs only comments and blank lines go`, async (t) => {
    const parts = fc.array(fc.record({
      text: fc.constantFrom(...code, ...strings, ...comments, '', '  '),
      end: fc.constantFrom('\n', '\r\n')
    }), { maxLength: 12 })
    await fc.assert(fc.asyncProperty(parts, async (parts) => {
      // In a file of one kind of line break; the parser of the language may know only that.
      const end = parts[0]?.end ?? '\n'
      const items = parts.map(({ text }, index) => ({ lines: text.replaceAll('N', String(index)).split('\n'), isCode: code.includes(text) || strings.includes(text) }))
      const all = [{ lines: [around?.[0] ?? ''], isCode: around !== undefined }, ...items, { lines: [around?.[1] ?? ''], isCode: around !== undefined }]
      const text = all.flatMap(({ lines }) => lines).join(end)
      const symbols = await extractSymbols(language, text)
      const expected = all.flatMap(({ lines, isCode }) => (isCode ? lines : [])).join(end)
      return stripComments(symbols, text.split('\n')).replace(/\r$/, '') === expected
    }), { numRuns: 40 })
  })
}

t.test('nothing is taken out of what a parser does not understand', async (t) => {
  const text = 'const a = 1\n// note\nconst b = `\n// not a comment\n\n'
  t.strictSame((await extractSymbols('javascript', text)).comments, [[1, 1]])
  // The grammar does not know that such a string goes on.
  t.strictSame((await extractSymbols('c', '// note\r\nchar *a = "\\\r\n// not a comment\\\r\n";\r\n')).comments, [[0, 0]])
  t.strictSame((await extractSymbols('yaml', 'a: |\n  # content\n\nb: 1\n')).comments, [], 'nor of languages whose strings are not known')
})

t.test('what runs the file stays', async (t) => {
  for (const language of ['python', 'javascript', 'shell', 'ruby']) {
    t.strictSame((await extractSymbols(language, '#!/usr/bin/env x\n\nx = 1')).comments, [[1, 1]], language)
  }
})
