import t from 'tap'
import apiSpecs from '../../../plugins/context/api-specs.js'
import databaseSchema from '../../../plugins/context/database-schema.js'
import dependencies from '../../../plugins/context/dependencies.js'
import docs from '../../../plugins/context/docs.js'
import frontend from '../../../plugins/context/frontend.js'
import infrastructure from '../../../plugins/context/infrastructure.js'
import mobilePlatform from '../../../plugins/context/mobile-platform.js'
import sourceFiles from '../../../plugins/context/source-files.js'
import testFiles from '../../../plugins/context/test-files.js'
import { MOST_COST, costOf } from '../../support/cost.js'
import { fakeProject, gather } from './fake-project.js'
import { SAMPLE_TREE } from './sample-tree.js'

const sample = () => fakeProject(SAMPLE_TREE)

t.test('languages', async t => {
  t.test('of the requirement restrict', async t => {
    const { paths } = await gather(sourceFiles, sample(), { with: { languages: ['python'] }, languages: ['go'] })
    t.same(paths, ['training/train.py', 'analytics/dags/daily_orders.py', 'analytics/notebooks/churn.ipynb', 'scripts/seed.py'])
  })
  t.test('of the profile are the default', async t => {
    const { paths } = await gather(sourceFiles, sample(), { languages: ['go'] })
    t.ok(paths.length > 2 && paths.every(path => /\.go$|\/go\.mod$/.test(path)))
  })
  t.test('of the profile give way to a task that points elsewhere', async t => {
    const { paths } = await gather(sourceFiles, sample(), { languages: ['dart'], task: { title: 'Login fails' } })
    t.same(paths.slice(0, 2), ['services/auth/login.go', 'mobile/lib/main.dart'])
  })
  t.test('that are no programming languages are served all the same', async t => {
    const { paths } = await gather(sourceFiles, sample(), { languages: ['terraform'] })
    t.same(paths, ['infra/terraform/main.tf'])
  })
  t.test('go by their other names', async t => {
    const { paths } = await gather(sourceFiles, sample(), { with: { languages: ['Golang'] } })
    t.ok(paths.length > 2 && paths.every(path => /\.go$|\/go\.mod$/.test(path)))
  })
  t.test('may be called like a member of every object', async t => {
    for (const name of ['constructor', '__proto__', 'toString']) {
      const project = fakeProject({ 'src/a.py': 'a', 'tests/a.test.ts': 'a', 'tests/test_a.py': 'a' })
      t.same((await gather(testFiles, project, { with: { languages: [name, 'python'] } })).paths, ['tests/test_a.py'])
    }
  })
  t.test('that the project does not have leave its code in', async t => {
    const project = fakeProject({ 'src/a.java': 'a', 'src/b.kt': 'b' })
    t.same((await gather(sourceFiles, project, { with: { languages: ['typescript'] } })).paths, ['src/a.java', 'src/b.kt'])
    t.same((await gather(sourceFiles, project, { with: { languages: ['java'] } })).paths, ['src/a.java'])
  })
  t.test('that the project hardly has lead, and its other code comes behind', async t => {
    const { paths } = await gather(sourceFiles, sample(), { languages: ['dart', 'swift'] })
    t.equal(paths[0], 'mobile/lib/main.dart')
    t.ok(paths.includes('src/server.ts'))
    const library = Object.fromEntries(Array.from({ length: 11 }, (_, number): [string, string] => [`src/${String.fromCharCode(97 + number)}.php`, 'a']))
    const other = { 'docs/search.js': 'a', 'tests/server.js': 'a', 'tests/ClientTest.php': 'a' }
    const languages = { with: { languages: ['typescript', 'javascript'] } }
    const of = async (strategy: typeof sourceFiles, more: Record<string, string>): Promise<string[]> => (await gather(strategy, fakeProject({ ...library, ...other, ...more }), languages)).paths.toSorted()
    t.same(await of(sourceFiles, {}), ['docs/search.js', ...Object.keys(library)])
    t.same(await of(testFiles, {}), ['tests/ClientTest.php', 'tests/server.js'])
    t.same(await of(sourceFiles, { 'web/page.js': 'a' }), ['docs/search.js', 'web/page.js'], 'a twelfth of it is more than hardly')
    t.same(await of(testFiles, { 'web/page.js': 'a' }), ['tests/server.js'])
  })
  t.test('do not hide the pages of a project that is a site', async t => {
    const site = fakeProject({ 'docs/index.html': 'a', 'docs/style.css': 'a', 'README.md': 'a' })
    for (const languages of [undefined, ['typescript'], ['html', 'css']]) {
      t.same((await gather(sourceFiles, site, { ...(languages && { languages }) })).paths, ['docs/index.html', 'docs/style.css'])
    }
    t.same((await gather(sourceFiles, fakeProject({ 'docs/Session.html': 'a', 'src/a.swift': 'a' }), {})).paths, ['src/a.swift'])
  })
  t.test('of the requirement give way to a task that points elsewhere', async t => {
    const { paths } = await gather(sourceFiles, sample(), { with: { languages: ['python'] }, task: { title: 'Login fails' } })
    t.ok(paths.includes('services/auth/login.go'))
  })
  t.test('include their dialects', async t => {
    const project = fakeProject({ 'src/a.vue': '<template/>', 'src/b.ts': 'b', 'src/c.py': 'c' })
    t.same((await gather(sourceFiles, project, { languages: ['typescript'] })).paths, ['src/a.vue', 'src/b.ts'])
  })
  t.test('of tests leave their data in', async t => {
    const { paths } = await gather(testFiles, sample(), { with: { languages: ['python'] } })
    t.same(paths, ['tests/conftest.py', 'tests/test_train.py', 'tests/fixtures/order.json', 'tests/fixtures/package.json'])
  })
})

t.test('preferred paths lead, and other code follows where there is room', async t => {
  const all = (await gather(sourceFiles, sample(), {})).paths
  const { paths } = await gather(sourceFiles, sample(), { with: { prefer: ['src/orders/**'] } })
  const inside = all.filter(path => path.startsWith('src/orders/'))
  t.ok(inside.length > 0 && all.length > inside.length)
  t.same(paths.slice(0, inside.length).sort(), inside.sort())
  t.same([...paths].sort(), [...all].sort(), 'nothing is lost')
})

t.test('paths', async t => {
  t.test('restrict by glob', async t => {
    t.same((await gather(sourceFiles, sample(), { with: { paths: ['src/orders/**'] } })).paths, [
      'src/orders/invoice.ts', 'src/orders/total.ts', 'src/orders/invoice.test.ts'
    ])
    t.same((await gather(docs, sample(), { with: { paths: ['docs/*.md'] } })).paths, ['docs/architecture.md', 'docs/mcp.md'])
  })
  t.test('may be written from the root or as a folder', async t => {
    for (const paths of [['./docs/guide/'], ['/docs/guide/**'], 'docs/guide/']) {
      t.same((await gather(docs, sample(), { with: { paths } })).paths, ['docs/guide/payments.md'])
    }
  })
  t.test('are no regular expressions', async t => {
    for (const glob of ['.*', '(src|docs)/.+', 'src/[a-z]+.ts', '(a+)+$', '[', '\\', '^.*$', '**/(']) {
      const { paths, warnings } = await gather(sourceFiles, sample(), { with: { paths: [glob] } })
      t.same({ paths, warnings }, { paths: [], warnings: [] }, glob)
    }
  })
  t.test('cost no more than they are long', async t => {
    const name = `${'a'.repeat(200)}b.ts`
    const project = fakeProject({ [`${'a/'.repeat(100)}${name}`]: 'x', 'src/ok.ts': 'x' })
    const paths = ['*a'.repeat(100), `${'**/'.repeat(80)}z`, `${'*a*'.repeat(80)}z`, 'src/*.ts']
    const cost = await costOf(async () => { t.same((await gather(sourceFiles, project, { with: { paths } })).paths, ['src/ok.ts']) })
    t.ok(cost < MOST_COST, `costs ${Math.round(cost)}`)
  })
  t.test('are bounded in number and length, and what is left out is said', async t => {
    const long = await gather(sourceFiles, sample(), { with: { paths: [`**/${'*'.repeat(300)}`, 'src/server.ts'] } })
    t.same(long.paths, ['src/server.ts'])
    t.match(long.warnings, [/'paths' takes at most 64 strings/])
    const many = await gather(sourceFiles, sample(), { with: { paths: [...Array(64).fill('none'), 'src/server.ts'] } })
    t.same(many.paths, [])
    t.equal(many.warnings.length, 1)
  })
})

t.test('extensions', async t => {
  t.same((await gather(sourceFiles, sample(), { with: { extensions: ['.PROTO'] } })).paths, ['api/shop.proto'])
  t.same(
    (await gather(sourceFiles, sample(), { with: { extensions: ['graphql'] }, languages: ['python'] })).paths,
    ['api/schema.graphql'],
    'speak louder than the languages of the profile'
  )
})

t.test('limit', async t => {
  t.same((await gather(dependencies, sample(), { with: { limit: 2 } })).paths, ['package.json', 'pyproject.toml'])
  t.equal((await gather(sourceFiles, sample(), { with: { limit: 3 } })).paths.length, 3)
  t.equal((await gather(docs, sample(), { with: { limit: 50 }, options: { maxItems: 2 } })).paths.length, 2, 'raises no limit of the operator')
  for (const limit of [0, -1, 1.5, '3', {}]) {
    const { paths, warnings } = await gather(dependencies, sample(), { with: { limit } })
    t.ok(paths.length > 5, `${JSON.stringify(limit)} is ignored`)
    t.match(warnings, [/'limit' must be a positive integer/])
  }
})

t.test('choices', async t => {
  t.same((await gather(dependencies, sample(), { with: { ecosystems: ['go', 'dart'] } })).paths, [
    'mobile/pubspec.yaml', 'services/go.mod', '.github/dependabot.yml', 'mobile/pubspec.lock', 'services/go.sum'
  ])
  t.same(
    (await gather(dependencies, fakeProject({ 'composer.json': '{}', 'docs/requirements.txt': 'a' }), { with: { ecosystems: ['npm'] } })).paths,
    ['composer.json', 'docs/requirements.txt'],
    'of ecosystems that the project does not have it is those that it has'
  )
  t.same((await gather(dependencies, fakeProject({ 'deps.edn': '{}', 'Project.toml': '', DESCRIPTION: '' }), {})).paths, ['DESCRIPTION', 'Project.toml', 'deps.edn'])
  t.same((await gather(apiSpecs, sample(), { with: { formats: ['graphql'] } })).paths, ['api/schema.graphql'])
  t.same((await gather(apiSpecs, sample(), { with: { formats: ['openapi'] } })).paths, ['api/openapi.yaml', 'api/v2/contract.yaml'])
  t.same((await gather(infrastructure, sample(), { with: { tools: ['terraform'] } })).paths, ['infra/terraform/main.tf'])
  t.same((await gather(infrastructure, sample(), { with: { tools: ['helm', 'kubernetes'] } })).paths, [
    'infra/helm/shop/Chart.yaml', 'infra/k8s/deployment.yaml', 'infra/helm/shop/values.yaml'
  ])
  t.same((await gather(infrastructure, sample(), { with: { tools: ['network'] } })).paths, ['infra/nginx/nginx.conf'])
  t.same((await gather(databaseSchema, sample(), { with: { engines: ['orm'] } })).paths, ['src/models/order.ts', 'scripts/seed.py'])
  t.same((await gather(frontend, sample(), { with: { parts: ['styles'] } })).paths, ['web/src/styles/theme.css'])
  t.same((await gather(frontend, sample(), { with: { parts: 'bundler' } })).paths, ['web/vite.config.ts', 'tsconfig.json'])
  t.same((await gather(mobilePlatform, sample(), { with: { platforms: ['ios'] } })).paths, [
    'mobile/ios/Runner/Info.plist', 'mobile/ios/Runner.xcodeproj/project.pbxproj'
  ])
})

t.test('a value that nobody knows is said, with those that are', async t => {
  const { paths, warnings } = await gather(apiSpecs, sample(), { with: { formats: ['soap', 'protobuf'] } })
  t.same(paths, ['api/shop.proto'])
  t.match(warnings, [/'formats' knows 'openapi', 'asyncapi', 'graphql', 'protobuf'/])
})

t.test('a malformed list is ignored and said, an empty one restricts nothing', async t => {
  const all = (await gather(apiSpecs, sample())).paths
  const malformed = await gather(apiSpecs, sample(), { with: { formats: 7 } })
  t.same(malformed.paths, all)
  t.match(malformed.warnings, [/'formats' must be a list of strings/])
  const empty = await gather(apiSpecs, sample(), { with: { formats: [] } })
  t.same({ paths: empty.paths, warnings: empty.warnings }, { paths: all, warnings: [] })
  const mixed = await gather(apiSpecs, sample(), { with: { formats: ['graphql', 7, null] } })
  t.same(mixed.paths, ['api/schema.graphql'])
  t.equal(mixed.warnings.length, 1)
})
