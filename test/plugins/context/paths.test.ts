import t from 'tap'
import { isNoise, noiseOf } from '../../../plugins/context/shared/noise.js'
import { createPathMatcher } from '../../../plugins/context/shared/path-matcher.js'
import { kindOf } from '../../../plugins/context/shared/path-kind.js'
import { createPlaces } from '../../../plugins/context/shared/place.js'
import { wordsOf } from '../../../plugins/context/shared/words.js'
import { fakeProject } from './fake-project.js'

const place = (path: string) => createPlaces()(fakeProject({ [path]: 'x' }).files[0]!, 0)

function matches (pattern: string, path: string): boolean {
  let found = false
  createPathMatcher([[pattern, true]])(place(path), () => { found = true })
  return found
}

t.test('patterns', async t => {
  const cases: [pattern: string, yes: string[], no: string[]][] = [
    ['package.json', ['package.json', 'a/b/Package.JSON'], ['my-package.json', 'package.json/x', 'package.json5']],
    ['*.tf', ['main.tf', 'a/.tf'], ['main.tfvars', 'tf']],
    ['*.pb.go', ['a/x.pb.go'], ['a/x.go', 'pb.go']],
    ['dockerfile*', ['Dockerfile', 'x/Dockerfile.dev'], ['my.dockerfile']],
    ['*_test.go', ['a/b_test.go'], ['b_test.go.txt', 'test.go']],
    ['*alert*rule*.y*ml', ['x/my-alerts-rules.yaml', 'alertrule.yml'], ['rules-alert.yml', 'alert-rule.json']],
    ['*.y*ml', ['a.yml', 'a.yaml'], ['a.yxml', 'yml']],
    ['ab*ba', ['abba', 'abxba'], ['aba', 'ab', 'ba']],
    ['docs/', ['docs/a.md', 'x/Docs/y/z.md'], ['docs', 'mydocs/a.md']],
    ['.github/workflows/*.yml', ['.github/workflows/ci.yml', 'x/.github/workflows/y/ci.yml'], ['.github/ci.yml', 'workflows/.github/ci.yml', '.github/x/workflows/ci.yml']],
    ['/main.*', ['main.go'], ['src/main.go', 'main']],
    ['/src/main.*', ['src/main.ts', 'src/deep/main.ts'], ['x/src/main.ts']],
    ['/*', ['a', 'b.md'], ['x/a']],
    ['*.egg-info/', ['x.egg-info/PKG'], ['x.egg-info', 'egg/PKG']],
    ['/*/readme*', ['a/README.md'], ['README.md']]
  ]
  for (const [pattern, yes, no] of cases) {
    for (const path of yes) t.ok(matches(pattern, path), `${pattern} matches ${path}`)
    for (const path of no) t.notOk(matches(pattern, path), `${pattern} does not match ${path}`)
  }
})

t.test('kinds of files across ecosystems', async t => {
  const kinds = {
    test: [
      'src/a.test.ts', 'a_test.go', 'tests/helper.py', 'test_a.py', 'spec/models/user_spec.rb', 'src/test/java/UserTest.java', 'App.Tests/UserTests.cs', 'lib/user_test.dart',
      'AppTests/UserTests.swift', 'cypress/e2e/login.cy.ts', 'tests/integration.rs', 'conftest.py'
    ],
    source: ['src/contest.ts', 'src/main/java/Contest.java', 'lib/latest.rb', 'app/models/user.rb', 'a.c', 'web/index.html', 'src/spectrum.py', 'src/core.clj', 'lib/a.ex', 'bin/shop', 'libexec/shop-init', 'app/views/a.html.erb'],
    configuration: ['package.json', '.eslintrc', 'vite.config.ts', 'Cargo.toml', 'Dockerfile', 'main.tf', '.env.example', 'a/pom.xml', 'setup.py'],
    documentation: ['README.md', 'docs/a.rst', 'LICENSE', 'tests/README.md', 'CHANGELOG', 'docs/flow.puml'],
    other: ['data.csv', 'x.unknown', 'VERSION', 'docs/Classes/Session.html', 'bin/data.bin']
  }
  for (const [kind, paths] of Object.entries(kinds)) {
    for (const path of paths) t.equal(kindOf(place(path)), kind, path)
  }
})

t.test('noise', async t => {
  const noise = {
    vendored: ['node_modules/a/index.js', 'x/vendor/y.go', 'ios/Pods/a.m', '.venv/lib/a.py', 'third_party/a.cc'],
    generated: ['dist/a.js', 'api/user.pb.go', 'a_pb2.py', 'lib/user.g.dart', 'src/__generated__/types.ts', 'a.js.map', 'x/zz_generated.deepcopy.go', 'Form.Designer.cs'],
    minified: ['a.min.js', 'b/style.min.css', 'main.chunk.js'],
    lock: ['yarn.lock', 'x/go.sum', 'Cargo.lock', 'Gemfile.lock', 'Package.resolved'],
    fixture: ['tests/fixtures/a.json', 'pkg/testdata/x.golden', 'src/__mocks__/a.ts', 'src/test/resources/a.xml'],
    binary: ['logo.PNG', 'a.jar', 'model.onnx']
  }
  for (const [kind, paths] of Object.entries(noise)) {
    for (const path of paths) t.ok(noiseOf(place(path)).has(kind as 'lock'), `${path} is ${kind}`)
  }
  for (const path of ['src/vendor.ts', 'src/distance.ts', 'administer.js', 'locks/door.ts', 'fixtures.ts', 'build/tool.ts']) {
    t.notOk(isNoise(place(path)), `${path} is none`)
  }
  t.notOk(isNoise(place('go.sum'), ['lock']), 'a strategy that is about it keeps it')
  t.ok(isNoise(place('vendor/x/go.sum'), ['lock']), 'but not where it is vendored')
})

t.test('words of identifiers', async t => {
  t.same(wordsOf('HTTPServer_users-list.v2'), ['http', 'server', 'user', 'list'])
  t.same(wordsOf('parseInvoice policies classes status analysis'), ['parse', 'invoice', 'policy', 'classe', 'status', 'analysis'])
  t.same(wordsOf('größteÄnderung 設定'), ['größte', 'änderung', '設定'])
  t.same(wordsOf(''), [])
})
