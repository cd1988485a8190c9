import t from 'tap'
import { readMetadata } from '../../../core/project/metadata.js'
import { languageOf } from '../../../core/project/languages.js'
import { createProjectView } from '../../../core/testing/index.js'
import { MOST_COST, costOf } from '../../support/cost.js'

const read = async (files: Record<string, string | undefined>) => await readMetadata(createProjectView({ id: 'p', files }))

t.test('languages', async t => {
  const metadata = await read({ 'a.py': 'x'.repeat(10), 'b.py': 'x'.repeat(10), 'c.go': 'x'.repeat(15), 'd.md': 'x'.repeat(99) })
  t.strictSame([metadata.project_type, metadata.languages, metadata.last_build_status], ['python', { python: 20, go: 15 }, null])
  t.equal((await read({ 'a.md': 'x' })).project_type, null)
  for (const [path, language] of [['Dockerfile', 'dockerfile'], ['x/Dockerfile.dev', 'dockerfile'], ['go.mod', 'go'], ['A.TSX', 'typescript'], ['.gitignore', undefined], ['constructor', undefined], ['__proto__', undefined], ['x.constructor', undefined], ['a.', undefined]] as const) {
    t.equal(languageOf(path), language, path)
  }
})

t.test('code of others says nothing about the project, unless there is no other', async t => {
  t.strictSame((await read({ 'main.go': 'x', 'vendor/a.js': 'x'.repeat(99), 'tests/fixtures/a.py': 'x'.repeat(99) })).languages, { go: 1 })
  t.strictSame((await read({ 'vendor/a.js': 'xx' })).project_type, 'javascript')
})

t.test('entry points are files of the project that manifests or conventions name', async t => {
  const { entry_points: entries, entry_points_omitted: omitted } = await read({
    'package.json': '{ "main": "./lib/index.js", "bin": { "x": "bin/x.js" }, "exports": { ".": { "import": "./lib/esm.js", "types": "./lib/index.d.ts" }, "./package.json": "./package.json", "./*": "./lib/*" }, "module": "dist/gone.js" }',
    'lib/index.js': '', 'lib/esm.js': '', 'lib/index.d.ts': '', 'lib/data.json': '', 'bin/x.js': '', 'server.js': '', 'src/deep/index.js': '',
    'api/pyproject.toml': '[project]\nname = "shop"\nscripts = { shop = "shop.cli:main" }\n', 'api/src/shop/cli.py': '', 'api/src/shop/__main__.py': '', 'api/manage.py': '',
    'tool/go.mod': 'module x\n', 'tool/main.go': '', 'tool/cmd/run/main.go': '', 'examples/cmd/x/main.go': '',
    'crate/Cargo.toml': '[package]\nname = "c"\n[[bin]]\nname = "c"\npath = "src/c.rs"\n', 'crate/src/c.rs': '', 'crate/src/lib.rs': ''
  })
  t.strictSame(entries, ['server.js', 'api/manage.py', 'bin/x.js', 'lib/esm.js', 'lib/index.js', 'tool/main.go', 'crate/src/c.rs', 'crate/src/lib.rs', 'api/src/shop/__main__.py', 'api/src/shop/cli.py', 'tool/cmd/run/main.go'])
  t.equal(omitted, 0)
  const many = await read(Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`cmd/c${index}/main.go`, ''])))
  t.strictSame([many.entry_points.length, many.entry_points_omitted], [40, 10])
})

t.test('what does not fit is counted', async t => {
  const dependencies = Object.fromEntries(Array.from({ length: 1200 }, (_, index) => [`d${index}`, '1']))
  const packages = Object.fromEntries(Array.from({ length: 230 }, (_, index) => [`packages/p${index}/package.json`, `{ "name": "p${index}", "dependencies": { "shared": "^1" } }`]))
  const metadata = await read({ 'package.json': JSON.stringify({ dependencies, workspaces: Array.from({ length: 120 }, (_, index) => `w${index}`) }), ...packages })
  t.strictSame([metadata.dependencies.length, metadata.dependencies_omitted], [1000, 201])
  t.strictSame([metadata.manifests.length, metadata.manifests_omitted], [60, 171])
  t.strictSame(metadata.warnings, ['31 manifests in inner folders were not read', 'package.json: names 120 workspaces, of which 100 are given'])
})

t.test('what cannot be understood is said, and stops nothing', async t => {
  const { warnings, dependencies } = await read({
    'package.json': '{ "dependencies": [', 'a/package.json': 'null', 'Cargo.toml': '[dependencies]\na = \n', 'pom.xml': '<project><a></project>', 'composer.json': '[]', 'go.mod': undefined, 'pyproject.toml': `# ${'x'.repeat(600_000)}`,
    'x.csproj': '<!DOCTYPE x [', 'deep.csproj': '<a>'.repeat(500), Gemfile: "gem 'puma'\n", 'coverage/lcov.info': 'nothing', 'junit.xml': '<x/>'
  })
  t.strictSame(warnings, [
    'Cargo.toml: is no TOML (line 2)', 'composer.json: is no JSON object', 'deep.csproj: is XML of more than 100 levels', 'go.mod: cannot be read', 'package.json: is no JSON', 'pom.xml: is no XML',
    'pyproject.toml: is longer than the 512 KiB that are read of a manifest', 'x.csproj: is no XML', 'a/package.json: is no JSON object',
    'coverage/lcov.info: is no coverage report that can be understood', 'junit.xml: is no report of tests that can be understood'
  ])
  t.strictSame(dependencies.map(({ name }) => name), ['puma'])
  const many = await read(Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`p${index}/package.json`, '{'])))
  t.strictSame([many.warnings.length, many.warnings.at(-1)], [20, 'and 11 more'])
})

t.test('a hostile manifest costs no more than its length', async t => {
  const hostile: [path: string, part: string][] = [
    ['pyproject.toml', '\n'], ['pyproject.toml', 'dependencies = [\n'], ['pyproject.toml', 'dependencies = ["'], ['pyproject.toml', '['], ['pyproject.toml', 'dependencies = [' + '"'.repeat(900) + '\n'], ['pyproject.toml', 'a=[[[[['], ['pyproject.toml', 'a.'], ['pyproject.toml', 'a={'],
    ['go.mod', '\n'], ['go.mod', 'a.b/'], ['go.mod', 'require '], ['go.mod', 'a.'.repeat(450) + '\n'], ['go.work', 'use (\n'], ['Gemfile', '\n'], ['Gemfile', "gem '"], ['Gemfile', "gem 'a'" + ', "b" '.repeat(140) + '\n'], ['Gemfile', 'a do |' + ' '.repeat(900) + '\n'], ['Gemfile.lock', '    a (\n'],
    ['Cargo.toml', '[dependencies]\n' + 'version '.repeat(110) + '\n'], ['Cargo.toml', '['.repeat(900) + '\n'],
    ['pom.xml', '<dependency>'], ['pom.xml', '<dependency><groupId>'], ['pom.xml', '<a b="'], ['pom.xml', '<!--'], ['pom.xml', '<![CDATA['], ['pom.xml', '<a><!DOCTYPE ['], ['pom.xml', '<x></x>'], ['x.csproj', '<PackageReference ' + 'a="b" '.repeat(100) + '/>'],
    ['requirements.txt', 'a' + ' '.repeat(900) + '[\n'], ['pubspec.yaml', 'dependencies:\n  a:' + ' '.repeat(900) + 'x y\n'], ['setup.cfg', '[' + ' '.repeat(900) + '\n'], ['setup.cfg', 'a' + ' '.repeat(900) + '\n'], ['pnpm-workspace.yaml', 'packages:\n' + ' '.repeat(900) + '\n'],
    ['build.gradle', 'a'.repeat(990) + '\n'], ['build.gradle', 'api ' + '"'.repeat(900) + '\n'], ['build.gradle', 'api ' + 'group: "a", '.repeat(80) + '\n'], ['settings.gradle', 'include ' + "'".repeat(900) + '\n'], ['x.gemspec', ' '.repeat(990) + '\n'], ['x.gemspec', 's.add_dependency "a"' + ', "b" '.repeat(140) + '\n'],
    ['Package.swift', '.package('], ['Package.swift', '.package(url: "'], ['Package.swift', 'Package(name: "'], ['Package.swift', 'Package' + ' '.repeat(900)],
    ['coverage.xml', '<coverage '], ['coverage.xml', '<coverage a='], ['coverage/coverage-summary.json', '{"total":{"lines":{'], ['coverage/coverage-summary.json', '{"total":{' + '{'.repeat(900)], ['coverage/lcov.info', 'LF:1'], ['coverage/lcov.info', '\n'],
    ['jacoco.xml', '<report><counter '], ['clover.xml', '<project><metrics></project>'], ['cover.out', 'mode: set\n'], ['cover.out', 'mode: set ' + 'x '.repeat(900)], ['junit.xml', '<testsuite tests="1">'], ['junit.xml', '<testsuites>']
  ]
  for (const [path, part] of hostile) {
    // As long as a manifest is read; and a third longer than any is, for reports.
    for (const length of /cover|jacoco|clover|junit/.test(path) ? [1_500_000] : [520_000]) {
      const text = part.repeat(Math.ceil(length / part.length)).slice(0, length)
      const cost = await costOf(async () => { await read({ [path]: text }) })
      t.ok(cost < MOST_COST, `${path} of ${JSON.stringify(part.slice(0, 30))} costs ${Math.round(cost)}`)
    }
  }
})

t.test('entities of a document are never expanded', async t => {
  const laughs = `<!DOCTYPE project [<!ENTITY a "ha"> ${Array.from({ length: 30 }, (_, index) => `<!ENTITY a${index} "&a${index - 1};&a${index - 1};">`).join('')}]>`
  const { dependencies, coverage } = await read({
    'pom.xml': `${laughs}<project><dependencies><dependency><groupId>&a29;</groupId><artifactId>b</artifactId></dependency></dependencies></project>`,
    'coverage.xml': `${laughs}<coverage line-rate="0.5" a="&a29;"/>`
  })
  t.equal(dependencies[0]!.name, '&a29;:b')
  t.equal(coverage?.percent, 50)
})
