import t from 'tap'
import agentInstructions from '../../../plugins/context/agent-instructions.js'
import apiSpecs from '../../../plugins/context/api-specs.js'
import architectureDocs from '../../../plugins/context/architecture-docs.js'
import benchmarks from '../../../plugins/context/benchmarks.js'
import changelog from '../../../plugins/context/changelog.js'
import ciConfig from '../../../plugins/context/ci-config.js'
import codingStandards from '../../../plugins/context/coding-standards.js'
import configFiles from '../../../plugins/context/config-files.js'
import coverage from '../../../plugins/context/coverage.js'
import dataPipelines from '../../../plugins/context/data-pipelines.js'
import databaseSchema from '../../../plugins/context/database-schema.js'
import dependencies from '../../../plugins/context/dependencies.js'
import docs from '../../../plugins/context/docs.js'
import frontend from '../../../plugins/context/frontend.js'
import infrastructure from '../../../plugins/context/infrastructure.js'
import licensing from '../../../plugins/context/licensing.js'
import mcp from '../../../plugins/context/mcp.js'
import mlCode from '../../../plugins/context/ml-code.js'
import mobilePlatform from '../../../plugins/context/mobile-platform.js'
import observability from '../../../plugins/context/observability.js'
import projectStructure from '../../../plugins/context/project-structure.js'
import prompts from '../../../plugins/context/prompts.js'
import scripts from '../../../plugins/context/scripts.js'
import securityConfig from '../../../plugins/context/security-config.js'
import sourceFiles from '../../../plugins/context/source-files.js'
import testFiles from '../../../plugins/context/test-files.js'
import type { SidecarPlugin } from '../../../core/plugin-api.js'
import { fakeProject, gather, type FakeFile } from './fake-project.js'
import { SAMPLE_TREE } from './sample-tree.js'

interface Case {
  plugin: SidecarPlugin
  /** The first files, in order. */
  first: string[]
  /** The last file: what is worth least. */
  last: string
  /** Files nearby that it is not about. */
  without: string[]
  /** Classes of files, as `path: priority`. */
  priority: Record<string, number>
}

const CASES: Record<string, Case> = {
  'agent-instructions': {
    plugin: agentInstructions,
    first: ['AGENTS.md', 'CLAUDE.md', '.claude/agents/reviewer.md', '.claude/commands/ship.md', '.cursor/rules/style.mdc'],
    last: 'CONTRIBUTING.md',
    without: ['README.md', 'src/prompts/support.md'],
    priority: { 'CLAUDE.md': 5 }
  },
  'api-specs': {
    plugin: apiSpecs,
    first: ['api/openapi.yaml', 'api/schema.graphql', 'api/shop.proto', 'api/v2/contract.yaml'],
    last: 'api/v2/contract.yaml',
    without: ['api/v2/limits.yaml', 'services/orders/orders.pb.go'],
    priority: { 'api/openapi.yaml': 5 }
  },
  'architecture-docs': {
    plugin: architectureDocs,
    first: ['docs/architecture.md', 'docs/adr/0001-use-postgres.md'],
    last: 'README.md',
    without: ['docs/guide/payments.md', 'docs/img/flow.svg'],
    priority: { 'docs/architecture.md': 6 }
  },
  benchmarks: {
    plugin: benchmarks,
    first: ['load-tests/checkout.k6.js', 'benchmarks/checkout.bench.ts', 'services/auth/login_test.go'],
    last: 'services/auth/login_test.go',
    without: ['src/orders/invoice.test.ts', 'package.json'],
    priority: { 'benchmarks/checkout.bench.ts': 4 }
  },
  changelog: {
    plugin: changelog,
    first: ['CHANGELOG.md', '.github/workflows/release.yml'],
    last: 'pyproject.toml',
    without: ['.github/workflows/ci.yml', 'README.md', 'node_modules/left-pad/package.json'],
    priority: { 'CHANGELOG.md': 6, '.github/workflows/release.yml': 5 }
  },
  'ci-config': {
    plugin: ciConfig,
    first: ['.github/workflows/ci.yml', '.github/workflows/release.yml'],
    last: 'package.json',
    without: ['infra/k8s/deployment.yaml', 'docker-compose.yml'],
    priority: { '.github/workflows/ci.yml': 5 }
  },
  'coding-standards': {
    plugin: codingStandards,
    first: ['CONTRIBUTING.md', 'eslint.config.js', '.editorconfig', 'pyproject.toml'],
    last: '.github/CODEOWNERS',
    without: ['package.json', 'jest.config.js', 'README.md'],
    priority: { 'CONTRIBUTING.md': 6, 'eslint.config.js': 5 }
  },
  'config-files': {
    plugin: configFiles,
    first: ['.env.example', 'config/production.yaml', 'training/config/large.yaml'],
    last: 'lerna.json',
    without: ['pnpm-lock.yaml', 'mobile/pubspec.lock', 'tests/fixtures/package.json'],
    priority: { 'config/production.yaml': 5 }
  },
  coverage: {
    plugin: coverage,
    first: ['coverage/coverage-summary.json', 'coverage/lcov.info', 'jest.config.js'],
    last: 'pyproject.toml',
    without: ['coverage/lcov-report/index.html', 'package.json'],
    priority: { 'coverage/lcov.info': 4 }
  },
  'data-pipelines': {
    plugin: dataPipelines,
    first: ['analytics/dbt_project.yml', 'analytics/dags/daily_orders.py', 'analytics/models/marts/orders.sql', 'analytics/notebooks/churn.ipynb'],
    last: 'analytics/orders.csv',
    without: ['db/schema.sql', 'training/train.py'],
    priority: { 'analytics/dags/daily_orders.py': 5 }
  },
  'database-schema': {
    plugin: databaseSchema,
    first: ['db/schema.sql', 'db/migrations/0001_orders.sql', 'src/models/order.ts'],
    last: 'scripts/seed.py',
    without: ['src/orders/total.ts', 'api/schema.graphql'],
    priority: { 'db/schema.sql': 5 }
  },
  dependencies: {
    plugin: dependencies,
    first: ['package.json', 'pyproject.toml', 'mobile/pubspec.yaml', 'services/go.mod'],
    last: 'services/go.sum',
    without: ['node_modules/left-pad/package.json', 'tests/fixtures/package.json', 'infra/terraform/.terraform.lock.hcl'],
    priority: { 'package.json': 5 }
  },
  docs: {
    plugin: docs,
    first: ['README.md', 'docs/architecture.md'],
    last: 'llms.txt',
    without: ['CHANGELOG.md', 'CLAUDE.md', '.claude/agents/reviewer.md', 'src/prompts/support.md', 'node_modules/left-pad/README.md', 'docs/img/flow.svg'],
    priority: { 'README.md': 6 }
  },
  frontend: {
    plugin: frontend,
    first: ['web/src/pages/checkout.tsx', 'web/vite.config.ts', 'web/src/components/Cart.tsx', 'web/src/styles/theme.css'],
    last: 'tsconfig.json',
    without: ['web/public/app.min.js', 'src/server.ts', 'coverage/lcov-report/index.html', 'package.json'],
    priority: { 'web/src/components/Cart.tsx': 5 }
  },
  infrastructure: {
    plugin: infrastructure,
    first: ['Dockerfile', 'docker-compose.yml', 'infra/terraform/main.tf', 'infra/helm/shop/Chart.yaml'],
    last: 'infra/helm/shop/values.yaml',
    without: ['infra/grafana/dashboards/shop.json', 'infra/terraform/.terraform.lock.hcl', 'config/production.yaml'],
    priority: { Dockerfile: 5 }
  },
  licensing: {
    plugin: licensing,
    first: ['LICENSE', 'NOTICE', 'SECURITY.md', 'package.json', 'pyproject.toml'],
    last: 'CONTRIBUTING.md',
    without: ['node_modules/left-pad/README.md', 'README.md'],
    priority: { LICENSE: 6 }
  },
  mcp: {
    plugin: mcp,
    first: ['.mcp.json', 'src/plumbing.ts', 'src/mcp/tools.ts', 'package.json'],
    last: 'docs/mcp.md',
    without: ['src/server.ts', 'node_modules/left-pad/package.json'],
    priority: { 'src/mcp/tools.ts': 5, 'docs/mcp.md': 6 }
  },
  'ml-code': {
    plugin: mlCode,
    first: ['training/train.py', 'training/config/large.yaml'],
    last: 'analytics/notebooks/churn.ipynb',
    without: ['tests/test_train.py', 'config/production.yaml', 'src/models/order.ts'],
    priority: { 'training/train.py': 5 }
  },
  'mobile-platform': {
    plugin: mobilePlatform,
    first: ['mobile/pubspec.yaml', 'mobile/ios/Runner/Info.plist', 'mobile/android/app/src/main/AndroidManifest.xml', 'mobile/lib/main.dart'],
    last: 'mobile/ios/Runner.xcodeproj/project.pbxproj',
    without: ['mobile/pubspec.lock', 'mobile/lib/cart.g.dart', 'package.json', 'src/index.ts'],
    priority: { 'mobile/lib/main.dart': 5 }
  },
  observability: {
    plugin: observability,
    first: ['infra/prometheus/alerts.yml', 'src/telemetry.ts', 'services/orders/metrics.go', 'infra/grafana/dashboards/shop.json'],
    last: 'docs/runbooks/outage.md',
    without: ['src/server.ts', 'CHANGELOG.md'],
    priority: { 'infra/prometheus/alerts.yml': 5, 'docs/runbooks/outage.md': 6 }
  },
  'project-structure': {
    plugin: projectStructure,
    first: ['package.json', 'pyproject.toml', 'README.md', 'lerna.json', 'src/index.ts', 'src/server.ts'],
    last: 'tsconfig.json',
    without: ['pnpm-lock.yaml', 'src/orders/total.ts', 'tests/fixtures/package.json', 'node_modules/left-pad/package.json'],
    priority: { 'package.json': 5, 'README.md': 6 }
  },
  prompts: {
    plugin: prompts,
    first: ['src/prompts/support.md', 'src/llm/chat.ts'],
    last: '.claude/agents/reviewer.md',
    without: ['README.md', 'src/server.ts'],
    priority: { 'src/prompts/support.md': 5 }
  },
  scripts: {
    plugin: scripts,
    first: ['Makefile', 'scripts/backup.sh', 'scripts/seed.py'],
    last: 'package.json',
    without: ['node_modules/left-pad/package.json', 'src/index.ts', 'pyproject.toml'],
    priority: { 'scripts/backup.sh': 5 }
  },
  'security-config': {
    plugin: securityConfig,
    first: ['services/auth/login.go', '.gitleaks.toml', '.github/dependabot.yml', 'src/server.ts', 'infra/nginx/nginx.conf', 'SECURITY.md'],
    last: 'docker-compose.yml',
    without: ['services/orders/author.go', 'services/vendor/github.com/x/auth.go', 'src/orders/total.ts'],
    priority: { 'services/auth/login.go': 5, 'SECURITY.md': 6 }
  },
  'source-files': {
    plugin: sourceFiles,
    first: ['src/index.ts', 'src/server.ts'],
    last: 'db/migrations/0001_orders.sql',
    without: [
      'node_modules/left-pad/index.js', 'services/vendor/github.com/x/auth.go', 'web/public/app.min.js', 'services/orders/orders.pb.go', 'mobile/lib/cart.g.dart',
      'src/orders/invoice.test.ts', 'README.md', 'package.json', 'jest.config.js', 'coverage/lcov-report/index.html'
    ],
    priority: { 'src/index.ts': 5 }
  },
  'test-files': {
    plugin: testFiles,
    first: ['tests/conftest.py', 'tests/test_train.py', 'services/auth/login_test.go', 'src/orders/invoice.test.ts', 'jest.config.js'],
    last: 'tests/fixtures/package.json',
    without: ['src/orders/invoice.ts', 'src/__snapshots__/app.test.ts.snap'],
    priority: { 'tests/conftest.py': 4, 'tests/fixtures/package.json': 4 }
  }
}

for (const [need, { plugin, first, last, without, priority }] of Object.entries(CASES)) {
  t.test(`${need} picks the best of a mixed repository first and leaves the rest out`, async t => {
    const { items, paths } = await gather(plugin, fakeProject(SAMPLE_TREE))
    t.same(paths.slice(0, first.length), first)
    t.equal(paths.at(-1), last)
    t.same(paths.filter(path => without.includes(path)), [], 'none of what it is not about')
    t.same(without.filter(path => SAMPLE_TREE[path] === undefined), [], 'what is left out was there to be taken')
    t.equal(new Set(paths).size, paths.length, 'each file once')
    const scores = items.map(item => item.kind === 'file' ? item.score : NaN)
    t.same(scores, [...scores].sort((one, other) => other - one), 'ordered by score')
    t.ok(scores.every(score => score > 0 && score <= 1), 'scores are 0 to 1')
    t.ok(items.every(item => item.kind === 'file' && item.reason!.length > 2 && item.reason!.length < 80), 'each with a reason')
    for (const [path, expected] of Object.entries(priority)) {
      t.match(items.find(item => item.kind === 'file' && item.path === path), { priority: expected }, `class of ${path}`)
    }
  })
}

t.test('reasons say what was recognised', async t => {
  const reasonOf = async (plugin: SidecarPlugin, path: string) =>
    (await gather(plugin, fakeProject(SAMPLE_TREE))).items.find(item => item.kind === 'file' && item.path === path)
  t.match(await reasonOf(dependencies, 'package.json'), { reason: 'root manifest of npm' })
  t.match(await reasonOf(dependencies, 'services/go.mod'), { reason: 'manifest of go' })
  t.match(await reasonOf(securityConfig, 'services/auth/login.go'), { reason: 'auth code by name' })
  t.match(await reasonOf(securityConfig, 'src/server.ts'), { reason: 'auth, CORS or CSP in its content' })
  t.match(await reasonOf(apiSpecs, 'api/v2/contract.yaml'), { reason: 'OpenAPI by content' })
})

t.test('of files that serve the same end the more telling one comes first', async t => {
  const order = async (plugin: SidecarPlugin, tree: Record<string, string | FakeFile>) => (await gather(plugin, fakeProject(tree))).paths
  t.same(await order(dependencies, { 'a/b/c/package.json': '{}', 'package.json': '{}', 'z/package.json': '{}' }), ['package.json', 'z/package.json', 'a/b/c/package.json'], 'near the root')
  t.same(await order(dependencies, { 'examples/package.json': '{}', 'packages/package.json': '{}' }), ['packages/package.json', 'examples/package.json'], 'real before example')
  t.same(await order(docs, { 'docs/a.md': { size: 300_000 }, 'docs/b.md': { size: 3000 } }), ['docs/b.md', 'docs/a.md'], 'handy before huge')
  t.same(await order(codingStandards, { 'src/.prettierrc': '{}', 'tests/.eslintrc': '{}' }), ['src/.prettierrc', 'tests/.eslintrc'], 'the thing before its tests')
  t.same(await order(sourceFiles, { 'a/__init__.py': '', 'b/work.py': 'work()' }), ['b/work.py', 'a/__init__.py'], 'full before empty')
})
