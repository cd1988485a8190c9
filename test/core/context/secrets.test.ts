import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { holdsSecrets } from '../../../core/project/secret-files.js'
import { redact, redactUnasked } from '../../../core/project/worker/redact.js'
import { rules } from '@secretlint/secretlint-rule-preset-recommend'
import { isHinted } from '../../../core/project/worker/secret-hints.js'
import { MOST_COST, costOf } from '../../support/cost.js'
import { createRepository, git, writeFiles } from '../../support/repository.js'
import { startSidecar } from '../../support/sidecar.js'
import { temporaryFolder } from '../../support/temporary.js'
import { createSample, PLANTED, SECRET_FILES } from './sample-repository.js'
import { letters, ORDINARY, privateKeys, SECRETS } from './secret-corpus.js'

t.test('FAULT 33: no planted secret is in any answer', async t => {
  const root = await temporaryFolder(t, 'cco-project')
  await createSample(root)
  const { ask, agent } = await startSidecar(t, { root })
  const leaks = (text: string): string[] => [
    ...Object.entries(PLANTED).filter(([, value]) => text.includes(value) || text.includes(value.slice(0, 16)) || text.includes(value.slice(-16))).map(([name]) => name),
    ...Object.keys(SECRET_FILES).filter((path) => text.includes(path))
  ]
  const { token, agent_id: id } = await agent('python-specialist')
  const named = `uses ${PLANTED.githubTokenInDocs} and ${PLANTED.awsKeyInSource}`
  await ask('PUT', '/api/issues/issue-1', { body: { title: 'Rotate it', description: `The bot still uses ${PLANTED.githubTokenInDocs}.` } })
  await ask('POST', '/api/results', { token, body: { agent_id: id, agent_type: 'python-specialist', issue_id: 'issue-1', result: { status: 'success', decisions: [`It uses ${PLANTED.githubTokenInDocs}`], files_modified: ['src/shop/storage.py'] } } })
  const { body: { profiles } } = await ask('GET', '/api/profiles')
  let redacted = 0
  for (const { id: type } of profiles as { id: string }[]) {
    const { status, text, body } = await ask('GET', `/api/context/issue-1/${type}?explain=true&requirements=config-files,source-files,docs,changes,git-history`)
    t.equal(status, 200, type)
    t.strictSame(leaks(text), [], `${type} sees none`)
    redacted += (body.explanation as { reason: string }[]).filter(({ reason }) => /secrets redacted/.test(reason)).length
  }
  t.ok(redacted > 100, 'they were met, and taken out')
  const { body } = await ask('GET', '/api/context/issue-1/security-auditor?explain=true&fresh=true')
  t.match(body.explanation.find(({ path }: { path: string }) => path === ''), { included: false, reason: `${Object.keys(SECRET_FILES).length} files hold secrets by their names` }, 'files left out are counted, not named')
  t.match(body.context.previous_agent_outputs[0].decisions, ['It uses [REDACTED]'])
  t.match(body.context.task.description, 'The bot still uses [REDACTED].')
  t.strictSame(leaks((await ask('GET', `/api/context/issue-3/security-auditor?task=${encodeURIComponent(named)}`)).text), ['awsKeyInSource'], 'a bare value without its name is any text')

  await t.test('nor where a diff cuts it in half', async t => {
    const filler = Array.from({ length: 2000 }, (_, line) => `// line ${line}`).join('\n')
    for (const offset of [15_900, 15_960, 15_990]) {
      await writeFiles(root, { 'web/src/legacy.ts': `${filler.slice(0, offset - 200)}\nconst token = '${PLANTED.githubTokenInDocs}'\n${filler}` })
      const { text, body } = await ask('GET', '/api/context/issue-4/test-engineer?max_tokens=500000')
      t.match(body.context.git_context.uncommitted_changes[0].diff, /more characters$/)
      t.strictSame(leaks(text), [])
    }
  })
})

/** The shortest of what each rule of the rule set finds, where it is not in the corpus. */
const FORMS_OF_RULES = [
  ['gsk', '_', letters('gsk', 52)], ['nt', 'n_', '12345678901', letters('ntn', 35)], ['gl', 'c_', letters('glc', 32)], ['vc', 'p_', letters('vcp', 20)], ['fig', 'd_', letters('figd', 40)], ['xa', 'pp-1-', 'A1-2-b'], ['xo', 'xr-a-b'],
  ['https://', letters('oauth', 40), ':x-oauth-', 'basic@github.com/a'], ['http://us', ':pass', 'w0rd@a.b'], ['mongodb://a:b', 'cde@h'], ['{"private_key_id":"a","private\\u005fkey":"-----BEGIN PRIVATE\\u0020KEY-----"}']
].map((parts) => parts.join(''))

t.test('FAULT 33: a planted corpus is found whole, wherever it stands', async t => {
  for (const [what, { value, around }] of Object.entries(SECRETS)) {
    for (const [place, text] of Object.entries({
      alone: around(value), 'among others': `first = 1\n${around(value)}\nlast = 2\n`, 'switched off by a comment': `// secretlint-disable\n${around(value)}\n`,
      'in a diff': `@@ -1 +1 @@\n-old\n+${around(value)}\n`, 'in JSON': JSON.stringify({ text: around(value) })
    })) {
      const { text: clean, count } = await redact(text, 'src/a.py')
      t.ok(count > 0 && !clean.includes(value.slice(4, 14)) && !clean.includes(value.slice(-10)), `${what}, ${place}: ${JSON.stringify(clean)}`)
      if (place === 'among others') t.match(clean, /^first = 1\n[^]*\nlast = 2\n$/, 'and nothing else')
    }
  }
})

t.test('private keys are found in every dress', async t => {
  for (const [kind, pem] of Object.entries(privateKeys())) {
    const body = pem.split('\n').filter((line) => /^[A-Za-z0-9+/=]{20,}$/.test(line))
    const dresses: Record<string, string> = {
      plain: pem,
      'Windows lines': pem.replaceAll('\n', '\r\n'),
      'added in a diff': pem.replace(/^/gm, '+'),
      'removed in a diff': pem.replace(/^/gm, '-'),
      indented: pem.replace(/^/gm, '    '),
      'in JSON': JSON.stringify({ key: pem }),
      'a line at a time': pem.trim().split('\n').map((line) => `  '${line}\\n' +`).join('\n'),
      // A key with headers is none without its lines.
      ...(pem.includes('Proc-Type') ? {} : { 'in one line': pem.replaceAll('\n', '') }),
      'cut off': pem.slice(0, Math.floor(pem.length * 0.7))
    }
    for (const [dress, text] of Object.entries(dresses)) {
      const { text: clean } = await redact(`before\n${text}\nAnd so it goes on.\n`, 'a.txt')
      t.strictSame(body.filter((line) => clean.includes(line.slice(0, 20))), [], `${kind}, ${dress}`)
      t.match(clean, /^before\n[^]*And so it goes on\.\n$/, 'what is around it stays')
    }
  }
})

t.test('ordinary text is left alone', async t => {
  const ordinary = [
    'const BEGIN = "-----BEGIN PRIVATE KEY-----"\nconst END = "-----END PRIVATE KEY-----"\nreturn text.startsWith(BEGIN)\n',
    'postgres://user:password@localhost/app', ['http://$', ':$', '@host/'].join('{name}'), 'amqp://{user}:{pass}@mq', 'see http://example.com/a:b@c and https://example.com:8080/@x',
    'integrity sha512-' + letters('30', 86) + '==', 'commit ' + 'a1b2c3d4'.repeat(5), 'id: 550e8400-e29b-41d4-a716-446655440000',
    'password = os.environ["PASSWORD"]', 'secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY', 'sk_test_example', 'def verify_password(given, stored):', 'token = "<your token>"',
    'data:image/png;base64,' + letters('31', 200), 'eyJhbGciOiJSUzI1NiJ9', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI' + letters('32', 43), 'AKIA is how they begin'
  ]
  for (const text of ordinary) t.strictSame(await redact(text, 'src/a.py'), { text, count: 0 }, text.slice(0, 60))
})

t.test('FAULT 33: of text that only looks random, less than one line in a hundred is taken', async t => {
  const taken: string[] = []
  const lines = Object.entries(ORDINARY).flatMap(([kind, make]) => Array.from({ length: 100 }, (_, index) => [kind, make(`${kind} ${index}`)] as const))
  for (const [kind, line] of lines) if ((await redact(line, 'src/a.ts')).count > 0) taken.push(`${kind}: ${line}`)
  t.ok(taken.length < lines.length / 100, `${taken.length} of ${lines.length}: ${taken.slice(0, 5).join('\n')}`)
})

t.test('asking first whether a text may hold a secret finds the same', async t => {
  t.strictSame(rules.map(({ meta: { id } }) => id).filter((id) => !isHinted(id)), ['@secretlint/secretlint-rule-filter-comments'], 'each rule that is run has a hint')
  const parts = [...Object.values(SECRETS).map(({ value, around }) => around(value)), ...Object.values(SECRETS).map(({ value }) => value), ...Object.values(privateKeys()), ...Object.values(ORDINARY).map((make) => make('x')), ...FORMS_OF_RULES]
  for (const part of parts) t.strictSame(await redact(part, 'a.json'), await redactUnasked(part, 'a.json'), part.slice(0, 60))
  const glue = fc.constantFrom('', ' ', '\n', '"', "'", ':', '@', 'x', '_', '-', '.', '=', '\\n', 'ü')
  const cut = fc.tuple(fc.constantFrom(...parts), fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })).map(([part, from, to]) => part.slice(Math.floor(Math.min(from, to) * 20), part.length - Math.floor((1 - Math.max(from, to)) * 20)))
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(cut, glue), { minLength: 1, maxLength: 4 }), fc.constantFrom('package.json', '.npmrc', 'a.ts'), async (pieces, path) => {
    const text = pieces.map(([piece, sign]) => piece + sign).join('')
    t.strictSame(await redact(text, path), await redactUnasked(text, path))
  }), { numRuns: 400 })
})

t.test('hostile text costs no more than its length', async t => {
  const hostile = ['token: "', 'token=', 'token:' + 'a1'.repeat(90), 'password=a1', 'authorization: basic ', '"auth": "a', 'login a password ', 'x:$2y$', '?sig=a', 'M2aaaaaaaaaaaaaaaaaaaaaa.bbbbbb.', '12345678:AA', 'api_key' + ' '.repeat(20), '-----BEGIN PRIVATE KEY-----', 'a://', 'a:', 'eyJaaaaaaaaaa.', 'secret_access_key=   ', '+', 'AKIA', 'SG.aaaaaaaaaaaaaaaa.', 'http://a:', '\\n', '-----BEGIN PRIVATE KEY-----\n' + '+'.repeat(300)]
  for (const part of hostile) {
    const text = part.repeat(Math.ceil(300_000 / part.length))
    const cost = await costOf(async () => { await redact(text, 'a.txt') })
    t.ok(cost < MOST_COST, `${JSON.stringify(part.slice(0, 40))} costs ${Math.round(cost)}`)
  }
})

t.test('no kind of secret leaves by any way', async t => {
  const root = await temporaryFolder(t, 'cco-project')
  const kinds = Object.entries(SECRETS)
  const slug = (kind: string): string => kind.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  const all = kinds.map(([kind, { value, around }]) => `${kind}:\n${around(value)}\n`).join('\n')
  await createRepository(root, {
    ...Object.fromEntries(kinds.map(([kind, { value, around }]) => [`src/${slug(kind)}.py`, `# ${kind}\n${around(value)}\n`])),
    'config/all.yaml': all, 'docs/all.md': `# All\n\n${all}`, 'src/changed.py': 'a = 1\n', 'src/removed.py': `${all}\n`
  })
  for (const [kind, { value, around }] of kinds) await git(root, 'commit', '--quiet', '--allow-empty', '--message', `Drop the ${kind}\n\nIt was in ${around(value)}`)
  await writeFiles(root, { 'src/changed.py': `a = 1\n${all}`, 'src/removed.py': 'b = 1\n' })
  const { ask, agent } = await startSidecar(t, { root })
  const { token, agent_id: id } = await agent('python-specialist')
  await ask('PUT', '/api/issues/i-1', { body: { title: 'Rotate all', description: all.slice(0, 60_000) } })
  await ask('POST', '/api/results', { token, body: { agent_id: id, agent_type: 'python-specialist', issue_id: 'i-1', result: { status: 'success', decisions: kinds.map(([, { value, around }]) => around(value)), notes: all.slice(0, 40_000) } } })
  const leaks = (text: string): string[] => kinds.filter(([, { value }]) => text.includes(value.slice(4, 16)) || text.includes(value.slice(-12)) || text.includes(JSON.stringify(value).slice(5, 17))).map(([kind]) => kind)
  t.strictSame(leaks(all).length, kinds.length, 'they would be seen')
  for (const type of ['python-specialist', 'security-auditor', 'code-reviewer']) {
    const { status, text, body } = await ask('GET', `/api/context/i-1/${type}?explain=true&max_tokens=900000&requirements=source-files,config-files,docs,changes,git-history,decisions`)
    t.equal(status, 200, type)
    t.strictSame(leaks(text), [], type)
    t.ok((text.match(/\[REDACTED\]/g) ?? []).length > kinds.length, 'they were met, and taken out')
    t.ok(body.context.git_context.uncommitted_changes.some(({ diff }: { diff: string | null }) => diff?.includes('[REDACTED]')), 'in diffs')
  }
})

t.test('a text that is one long run of signs is searched in no time', async t => {
  for (const text of [randomBytes(1_500_000).toString('base64'), randomBytes(1_000_000).toString('hex'), 'a'.repeat(2_000_000), 'A'.repeat(2_000_000), 'ab1'.repeat(700_000), '_'.repeat(2_000_000)]) {
    const cost = await costOf(async () => { await redact(text, 'a.txt') })
    t.ok(cost < MOST_COST, `${text.slice(0, 10)}… costs ${Math.round(cost)}`)
  }
})

t.test('files that hold secrets go by their names', async t => {
  const secret = [
    '.env', 'a/.env', '.env.production', '.ENV', '.envrc', '.netrc', '.npmrc', '.git-credentials', 'id_rsa', 'home/.ssh/config', 'server.pem', 'a.key', 'x.p12', 'x.pfx', 'keys.jks', 'db.kdbx',
    'terraform.tfstate', 'terraform.tfstate.backup', 'prod.tfvars', 'credentials', 'credentials.json', 'secrets.yaml', 'secret.toml', '.aws/credentials', '.docker/config.json', '.kube/config',
    'service-account.json', 'service_account_prod.json', 'client_secret_123.json', 'config/master.key', '.htpasswd', '.pgpass'
  ]
  const open = [
    '.env.example', '.env.sample', '.env.template', 'env.ts', 'environment.py', 'src/secrets/index.ts', 'secrets.py', 'keyboard.ts', 'key.ts', 'credentials.py', 'id_rsa.pub', 'docs/secrets.md',
    'config.json', 'docker/config.json', 'package.json', 'monkey.json', 'service.json', 'tests/auth.test.json'
  ]
  for (const path of secret) t.ok(holdsSecrets(path), path)
  for (const path of open) t.notOk(holdsSecrets(path), path)
})
