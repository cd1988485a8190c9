// What a path alone tells about a file: its language, and what part it plays in the project.

const EXTENSIONS = {
  javascript: 'js mjs cjs jsx',
  typescript: 'ts mts cts tsx',
  python: 'py pyi',
  go: 'go',
  rust: 'rs',
  java: 'java',
  kotlin: 'kt kts',
  scala: 'scala',
  ruby: 'rb',
  c: 'c h',
  cpp: 'cc cpp cxx hh hpp hxx',
  csharp: 'cs',
  php: 'php',
  swift: 'swift',
  dart: 'dart',
  elixir: 'ex exs',
  vue: 'vue',
  svelte: 'svelte',
  shell: 'sh bash'
}

const BY_EXTENSION = new Map(Object.entries(EXTENSIONS).flatMap(([language, list]) => list.split(' ').map((extension) => [extension, language])))

// By folder, by a name like `x.test.js`, `test_x.py` and `x_spec.rb`, or like `XTest.java`.
const TEST_FOLDER = /(^|\/)(tests?|__tests__|__mocks__|specs?|e2e|test-d|testdata|fixtures?)\//i
const TEST_NAME = /[._-](tests?|spec|tst|test-d)\.[^/.]+$|(^|\/)(test_[^/]*|conftest|tests?)\.[^/.]+$/
const TEST_CLASS = /[a-z0-9](Tests?|Spec|IT|TestCase)\.(java|kt|scala|cs|php|swift)$/
const AUXILIARY_FOLDER = new RegExp(`(^|/)(${[
  'examples?', 'samples?', 'demos?', 'docs?', 'bench(marks?)?', 'perf', 'scripts', 'tools', 'build', 'dist', 'out',
  'vendor', 'third_party', 'node_modules', 'generated', 'migrations', '\\.[^/]+'
].join('|')})/`)
const AUXILIARY_NAME = /\.d\.[mc]?ts$|\.min\.js$|\.config\.[mc]?[jt]s$|(^|\/)\.[^/]+$|\.pb\.go$|_pb2\.pyi?$|(^|\/)setup\.py$/

export function languageOf (path) {
  return BY_EXTENSION.get(path.slice(path.lastIndexOf('.') + 1).toLowerCase())
}

/** `source` is what users run; `test` proves it; `auxiliary` is code around it; `other` is no code. */
export function roleOfFile (path) {
  if (languageOf(path) === undefined) return 'other'
  if (TEST_FOLDER.test(path) || TEST_NAME.test(path) || TEST_CLASS.test(path)) return 'test'
  return AUXILIARY_FOLDER.test(path) || AUXILIARY_NAME.test(path) ? 'auxiliary' : 'source'
}

export function isSource (path) {
  return roleOfFile(path) === 'source'
}

export function isTest (path) {
  return roleOfFile(path) === 'test'
}

export function isMarkdown (path) {
  return /\.(md|markdown|mdx)$/i.test(path)
}

export function folderOf (path) {
  const end = path.lastIndexOf('/')
  return end < 0 ? '' : path.slice(0, end)
}

/** The name without its folder and without its extensions: `lib/hooks.test.js` → `hooks`. */
export function stemOf (path) {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return name.slice(0, name.indexOf('.', 1) < 0 ? undefined : name.indexOf('.', 1))
}

/** `folder` and a relative path in one, without `.` and `..`; `undefined` where it leaves the project. */
export function joinPath (folder, relative) {
  const parts = []
  for (const part of `${folder}/${relative}`.split('/')) {
    if (part === '..' && parts.pop() === undefined) return undefined
    if (part !== '' && part !== '.' && part !== '..') parts.push(part)
  }
  return parts.join('/')
}
