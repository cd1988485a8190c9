// Which source files have a test, by the naming conventions of their language, by imports, or inside the file.
import { folderOf, isSource, isTest, languageOf, stemOf } from './files.mjs'
import { reachedFrom } from './import-graph.mjs'

const UNTESTABLE = new Set(['shell', undefined])
const SUPPORT = /(^|\/)__init__\.py$|(^|\/)(types?|constants?|version)\.[^/.]+$/i
const PLAIN_NAMES = new Set(['index', 'main', 'mod', 'lib', '__init__', 'app', 'types'])
// Languages whose tests are often written in the other.
const FAMILIES = { typescript: 'javascript', vue: 'javascript', svelte: 'javascript', kotlin: 'java', scala: 'java', c: 'cpp' }

/** Each testable source as `{ path, by }`: `name`, `import`, `inline`, `package` or `null`; and whether a test reaches it at all. */
export function matchTests (project, graph) {
  const paths = project.files.map((file) => file.path)
  const tests = paths.filter(isTest)
  const sources = paths.filter((path) => isSource(path) && !UNTESTABLE.has(languageOf(path)) && !SUPPORT.test(path))
  const names = new Map()
  for (const test of tests) {
    for (const name of namesOf(test)) {
      if (!names.has(name)) names.set(name, [])
      names.get(name).push(test)
    }
  }
  const inline = new Set(project.seen.filter((file) => hasInlineTests(file)).map((file) => file.path))
  const imported = new Set(tests.flatMap((test) => [...(graph.imports.get(test) ?? [])]))
  const reached = reachedFrom(imported, graph.imports)
  const testedPackages = new Set(tests.filter((test) => test.endsWith('_test.go')).map(folderOf))

  return {
    tests,
    matches: sources.map((path) => {
      const by = matchedBy(path)
      return { path, by, reached: by !== null || reached.has(path) }
    })
  }

  function matchedBy (path) {
    if (inline.has(path)) return 'inline'
    if (imported.has(path)) return 'import'
    if (namedAfter(path, names)) return 'name'
    return path.endsWith('.go') && testedPackages.has(folderOf(path)) ? 'package' : null
  }
}

function hasInlineTests ({ content, language }) {
  return (language === 'rust' && /#\[(cfg\(test\)|test|tokio::test)\]/.test(content)) || (language === 'typescript' && /import\.meta\.vitest/.test(content))
}

/** What a test's name says it tests: `hooks-async.test.js` → `hooksasync`, `hooks`; `test_views.py` → `views`. */
function namesOf (test) {
  const plain = stemOf(test).replace(/^test[_-]?(?=\w)|[._-]?(tests?|spec|TestCase|IT)$/gi, '')
  const words = plain.split(/[._-]/).filter(Boolean)
  // `tests/parser/errors.py` is about the parser too.
  const parts = [...words.map((_, index) => words.slice(0, index + 1).join('')), folderOf(test).split('/').at(-1)].filter((part) => part.length > 2)
  return [...new Set([words.join(''), ...parts].map((name) => name.toLowerCase()))]
}

function namedAfter (source, names) {
  const stem = stemOf(source)
  const folder = folderOf(source).split('/').at(-1)
  const name = (PLAIN_NAMES.has(stem) && folder ? folder : stem).toLowerCase().replace(/[._-]/g, '')
  const family = (path) => FAMILIES[languageOf(path)] ?? languageOf(path)
  const sameKind = (test) => family(test) === family(source)
  return (names.get(name) ?? []).some(sameKind)
}
