import t from 'tap'
import { startSidecar } from '../../support/sidecar.js'
import { temporaryFolder } from '../../support/temporary.js'
import { createSample } from './sample-repository.js'

interface Expectation {
  /** The first so many files are, in any order, among these. */
  first: [count: number, paths: string[]]
  present: string[]
  absent: RegExp
}

const CHANGED = ['web/src/legacy.ts', 'web/src/publish.ts']
const PYTHON = ['src/shop/cart.py', 'src/shop/orders.py', 'src/shop/signing.py', 'src/shop/storage.py', 'src/shop/auth/password.py', 'src/shop/auth/session.py']
const PYTHON_TESTS = ['tests/conftest.py', 'tests/test_cart.py', 'tests/test_session.py']
const DOCS = ['README.md', 'docs/architecture.md', 'docs/adr/0001-orders-in-postgres.md', 'docs/operations.md', 'docs/guide/checkout.md', 'api/openapi.yaml', 'SECURITY.md', 'CHANGELOG.md']

const AGENTS: Record<string, Expectation> = {
  'python-specialist': {
    first: [10, ['pyproject.toml', ...PYTHON, ...PYTHON_TESTS]],
    present: ['pyproject.toml', ...PYTHON, ...PYTHON_TESTS, 'config/settings.yaml'],
    absent: /\.(go|ts|tsx|tf)$|package-lock|go\.sum/
  },
  'go-specialist': {
    first: [5, ['services/mailer/go.mod', 'services/mailer/main.go', 'services/mailer/send.go', 'services/mailer/send_test.go', 'pyproject.toml']],
    present: ['services/mailer/go.mod', 'services/mailer/main.go', 'services/mailer/send.go', 'services/mailer/send_test.go'],
    absent: /\.(py|ts|tsx|tf)$|package-lock/
  },
  'documentation-expert': {
    first: [8, DOCS],
    present: DOCS,
    absent: /test|\.tf$|\.lock$|package-lock|go\.sum|\.github|Dockerfile/
  },
  'security-auditor': {
    first: [9, ['src/shop/auth/password.py', 'src/shop/auth/session.py', 'Dockerfile', 'SECURITY.md', 'docker-compose.yml', 'pyproject.toml', 'web/package.json', 'services/mailer/go.mod', ...CHANGED]],
    present: ['src/shop/auth/password.py', 'src/shop/auth/session.py', 'Dockerfile', 'infra/main.tf', '.github/workflows/ci.yml', 'config/settings.yaml', ...CHANGED],
    absent: /^docs\/|CHANGELOG|openapi|test_|_test|\.test\./
  },
  'test-engineer': {
    first: [7, [...PYTHON_TESTS, 'services/mailer/send_test.go', 'web/src/cart.test.ts', ...CHANGED]],
    present: [...PYTHON_TESTS, 'services/mailer/send_test.go', 'web/src/cart.test.ts', 'src/shop/cart.py', '.github/workflows/ci.yml', ...CHANGED],
    absent: /^docs\/|CHANGELOG|openapi|\.tf$/
  },
  'chief-architect': {
    first: [9, ['pyproject.toml', 'docs/architecture.md', 'README.md', 'docs/adr/0001-orders-in-postgres.md', 'web/package.json', 'Dockerfile', 'services/mailer/go.mod', 'docker-compose.yml', 'api/openapi.yaml']],
    present: ['docs/architecture.md', 'docs/adr/0001-orders-in-postgres.md', 'api/openapi.yaml', 'infra/main.tf'],
    absent: /test/
  }
}

t.test('each agent gets what it needs of one repository', async t => {
  const root = await temporaryFolder(t, 'cco-project')
  await createSample(root)
  const { ask } = await startSidecar(t, { root })
  const chosen = new Map<string, string[]>()
  for (const [agent, { first: [count, leading], present, absent }] of Object.entries(AGENTS)) {
    const { body } = await ask('GET', `/api/context/issue-1/${agent}`)
    const paths: string[] = body.context.relevant_files.map(({ path }: { path: string }) => path)
    chosen.set(agent, paths)
    t.strictSame(paths.slice(0, count).filter((path) => !leading.includes(path)), [], `${agent}: first come the right ones`)
    t.strictSame(present.filter((path) => !paths.includes(path)), [], `${agent}: what it needs is there`)
    t.strictSame(paths.filter((path) => absent.test(path)), [], `${agent}: what is none of its business is not`)
    t.equal(body.truncated, false, 'nothing had to be cut')
  }
  for (const [one, paths] of chosen) {
    for (const [other, others] of chosen) {
      if (one < other) t.notSame(paths.slice(0, 8), others.slice(0, 8), `${one} and ${other} see different things first`)
    }
  }

  await t.test('the task moves what it is about to the front', async t => {
    const before = chosen.get('python-specialist')!.indexOf('src/shop/auth/session.py')
    const { body } = await ask('GET', '/api/context/issue-1/python-specialist?task=Sessions+must+expire:+create_session')
    const paths: string[] = body.context.relevant_files.map(({ path }: { path: string }) => path)
    t.ok(before > 3)
    t.strictSame(new Set(paths.slice(0, 2)), new Set(['src/shop/auth/session.py', 'tests/test_session.py']))
    t.match(body.context.task, { issue_id: 'issue-1', description: 'Sessions must expire: create_session' })
  })
  await t.test('files that the issue names come first, whatever the agent needs', async t => {
    await ask('PUT', '/api/issues/issue-2', { body: { title: 'Buckets are public', files: ['infra/main.tf', 'gone.py', '.env'] } })
    const { body, text } = await ask('GET', '/api/context/issue-2/python-specialist?explain=true')
    t.equal(body.context.relevant_files[0].path, 'infra/main.tf')
    t.match(body.explanation[0], { path: 'infra/main.tf', included: true, priority: 1, reason: /named by the issue/ })
    t.notMatch(text, /gone\.py|\.env/)
  })
  await t.test('requirements of the call are added', async t => {
    const { body } = await ask('GET', '/api/context/issue-1/python-specialist?requirements=ci-config')
    t.ok(body.context.relevant_files.some(({ path }: { path: string }) => path === '.github/workflows/ci.yml'))
    t.match((await ask('GET', '/api/context/issue-1/python-specialist?requirements=ci-confg')).body, { code: 'VAL_001', message: /ci-confg/ })
  })
  await t.test('it says what the project is', async t => {
    const { body: { context } } = await ask('GET', '/api/context/issue-1/chief-architect')
    t.match(context.metadata, { project_type: 'python', test_coverage: null, last_build_status: null })
    t.match(Object.keys(context.metadata.languages).sort(), ['go', 'python', 'typescript'])
    t.match(context.metadata.dependencies.map(({ name }: { name: string }) => name), ['fastapi', 'sqlalchemy'])
    t.match(context.git_context, { branch: 'main', head: /^[0-9a-f]{40}$/, remote: 'origin', remote_url: 'https://git.example.com/shop.git' })
    t.match(context.git_context.recent_commits, [{ message: /^Rotate the token/, author: 'Ada', files_changed: ['CHANGELOG.md'] }, { message: 'Begin' }])
    t.strictSame(context.git_context.uncommitted_changes.map(({ path, status }: { path: string, status: string }) => `${status} ${path}`), ['modified web/src/legacy.ts', 'added web/src/publish.ts'])
    t.equal(context.project_structure.total_files, context.project_structure.files.length)
  })
})
