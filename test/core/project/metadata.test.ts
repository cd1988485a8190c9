import t from 'tap'
import { readMetadata } from '../../../core/project/metadata.js'
import { languageOf } from '../../../core/project/languages.js'
import { createProjectView } from '../../../core/testing/index.js'

const read = async (files: Record<string, string>) => await readMetadata(createProjectView({ id: 'p', files }))

t.test('dependencies are what the manifests state', async t => {
  const manifests: [path: string, text: string, expected: [string, string | null][]][] = [
    ['package.json', '{ "dependencies": { "a": "^1.0.0" }, "devDependencies": { "b": "2" }, "peerDependencies": { "c": 5 }, "scripts": { "x": "y" } }', [['a', '^1.0.0'], ['b', '2'], ['c', null]]],
    ['package.json', '{ "dependencies": [', []],
    ['package.json', 'null', []],
    ['pyproject.toml', '[project]\nname = "x"\ndependencies = [\n  "uvicorn[standard]>=0.29", # fast\n  \'httpx\',\n]\n[project.optional-dependencies]\ntest = ["pytest"]\n[build-system]\nrequires = ["hatchling"]\n', [['uvicorn', '>=0.29'], ['httpx', null], ['hatchling', null]]],
    ['pyproject.toml', '[tool.poetry.dependencies]\npython = "^3.12"\ndjango = "^5.0"\n[tool.poetry.group.dev.dependencies]\nruff = { version = "0.4" }\n[tool.other]\nx = "1"\n', [['django', '^5.0'], ['ruff', null]]],
    ['requirements.txt', '# comment\n-r other.txt\n\nflask==3.0.0  # web\nboto3[crt] >= 1.34 ; python_version > "3.8"\nrequests\n', [['flask', '==3.0.0'], ['boto3', '>= 1.34'], ['requests', null]]],
    ['go.mod', 'module example.com/x\n\ngo 1.22\n\nrequire github.com/a/b v1.2.3\n\nrequire (\n\tgolang.org/x/sync v0.7.0 // indirect\n)\n', [['github.com/a/b', 'v1.2.3'], ['golang.org/x/sync', 'v0.7.0']]],
    ['Cargo.toml', '[package]\nname = "x"\n[dependencies]\nserde = "1.0"\ntokio = { version = "1.37", features = ["full"] }\nlocal.workspace = true\n[dev-dependencies]\ninsta = "1"\n[profile.release]\nlto = true\n', [['serde', '1.0'], ['tokio', '1.37'], ['local', null], ['insta', '1']]],
    ['pom.xml', '<project><dependencies><dependency>\n<groupId>org.a</groupId><artifactId>b</artifactId><version>1</version></dependency><dependency><groupId>org.c</groupId><artifactId>d</artifactId></dependency></dependencies></project>', [['org.a:b', '1'], ['org.c:d', null]]],
    ['composer.json', '{ "require": { "php": ">=8.1" }, "require-dev": { "phpunit/phpunit": "^11" } }', [['php', '>=8.1'], ['phpunit/phpunit', '^11']]],
    ['Gemfile', "source 'https://rubygems.org'\ngem 'rails', '~> 7.1'\ngem \"puma\"\n", [['rails', '~> 7.1'], ['puma', null]]],
    ['pubspec.yaml', 'name: x\ndependencies:\n  http: ^1.2.0\n  flutter:\n    sdk: flutter\ndev_dependencies:\n  lints: ^3.0.0\nflutter:\n  assets: x\n', [['http', '^1.2.0'], ['flutter', null], ['lints', '^3.0.0']]]
  ]
  for (const [path, text, expected] of manifests) {
    const { dependencies } = await read({ [path]: text })
    t.strictSame(dependencies.map(({ name, version }) => [name, version]), expected, path)
  }
  const { dependencies, manifests: found } = await read({ 'b/package.json': '{ "dependencies": { "deep": "1" } }', 'package.json': '{ "dependencies": { "top": "1" } }', 'node_modules/x/package.json': '{ "dependencies": { "no": "1" } }', 'vendor/go.mod': 'require a.b/c v1' })
  t.strictSame(found, ['package.json', 'b/package.json'], 'the shallow ones first, those of others not at all')
  t.strictSame(dependencies.map(({ name, manifest }) => `${name} ${manifest}`), ['top package.json', 'deep b/package.json'])
})

t.test('coverage is what a report says, or null', async t => {
  const coverage = async (files: Record<string, string>) => (await read(files)).test_coverage
  t.equal(await coverage({ 'coverage/coverage-summary.json': '{ "total": { "lines": { "total": 10, "pct": 87.5 } } }' }), 87.5)
  t.equal(await coverage({ 'coverage/lcov.info': 'SF:a\nLF:10\nLH:9\nSF:b\nLF:30\nLH:21\n' }), 75)
  t.equal(await coverage({ 'coverage.xml': '<?xml version="1.0"?>\n<coverage version="7" line-rate="0.8123" branch-rate="0">' }), 81.23)
  for (const files of [{}, { 'coverage/lcov.info': '' }, { 'coverage/coverage-summary.json': '{' }, { 'coverage/coverage-summary.json': 'null' }, { 'coverage.xml': '<x>' }]) t.equal(await coverage(files as Record<string, string>), null)
})

t.test('languages', async t => {
  const metadata = await read({ 'a.py': 'x'.repeat(10), 'b.py': 'x'.repeat(10), 'c.go': 'x'.repeat(15), 'd.md': 'x'.repeat(99) })
  t.strictSame([metadata.project_type, metadata.languages, metadata.last_build_status], ['python', { python: 20, go: 15 }, null])
  t.equal((await read({ 'a.md': 'x' })).project_type, null)
  for (const [path, language] of [['Dockerfile', 'dockerfile'], ['x/Dockerfile.dev', 'dockerfile'], ['go.mod', 'go'], ['A.TSX', 'typescript'], ['.gitignore', undefined], ['constructor', undefined], ['__proto__', undefined], ['x.constructor', undefined], ['a.', undefined]] as const) {
    t.equal(languageOf(path), language, path)
  }
})

t.test('a hostile manifest costs no more than its length', async t => {
  const hostile: [path: string, part: string][] = [
    ['pyproject.toml', '\n'], ['pyproject.toml', 'dependencies = [\n'], ['pyproject.toml', 'dependencies = ["'], ['pyproject.toml', '['], ['pyproject.toml', 'dependencies = [' + '"'.repeat(900) + '\n'],
    ['go.mod', '\n'], ['go.mod', 'a.b/'], ['go.mod', 'require '], ['go.mod', 'a.'.repeat(450) + '\n'], ['Gemfile', '\n'], ['Gemfile', "gem '"], ['Cargo.toml', '[dependencies]\n' + 'version '.repeat(110) + '\n'], ['Cargo.toml', '['.repeat(900) + '\n'],
    ['pom.xml', '<dependency>'], ['pom.xml', '<dependency><groupId>'], ['requirements.txt', 'a' + ' '.repeat(900) + '[\n'], ['pubspec.yaml', 'dependencies:\n  a:' + ' '.repeat(900) + 'x y\n'],
    ['coverage.xml', '<coverage '], ['coverage/coverage-summary.json', '{"total":{"lines":{'], ['coverage/lcov.info', 'LF:1'], ['coverage/lcov.info', '\n']
  ]
  for (const [path, part] of hostile) {
    const started = performance.now()
    await read({ [path]: part.repeat(Math.ceil(1_500_000 / part.length)) })
    t.ok(performance.now() - started < 1500, `${path} of ${JSON.stringify(part.slice(0, 30))} took ${Math.round(performance.now() - started)} ms`)
  }
})
