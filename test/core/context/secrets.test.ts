import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { holdsSecrets } from '../../../core/project/secret-files.js'
import { redact } from '../../../core/project/worker/redact.js'
import { writeFiles } from '../../support/repository.js'
import { startSidecar } from '../../support/sidecar.js'
import { temporaryFolder } from '../../support/temporary.js'
import { createSample, PLANTED, SECRET_FILES } from './sample-repository.js'

t.test('no planted secret is in any answer', async t => {
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

const random = (seed: number, length: number): string => fc.sample(fc.string({ minLength: length, maxLength: length, unit: fc.constantFrom(...'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789') }), { seed, numRuns: 1 })[0]!

/** Texts around a value, as they stand in code and configuration. */
const CORPUS: Record<string, [value: string, text: (value: string) => string]> = {
  'AWS secret in Python': [random(1, 40), (value) => `AWS_SECRET_ACCESS_KEY = "${value}"`],
  'AWS secret in an environment': [random(2, 40), (value) => `export aws_secret_access_key=${value}`],
  'AWS secret in JavaScript': [random(3, 40), (value) => `const client = { secretAccessKey: '${value}', region: 'eu' }`],
  'AWS secret in JSON': [random(4, 40), (value) => `{ "SecretAccessKey" : "${value}" }`],
  'AWS secret far from its name': [random(5, 40), (value) => `SecretAccessKey:${' '.repeat(80)}${value}`],
  'AWS identifier': [`AKIA${random(6, 16).toUpperCase()}`, (value) => `key = '${value}'`],
  'GitHub token': [`ghp_${random(7, 36)}`, (value) => `git clone https://x:${value}@github.com/a/b`],
  'GitHub token, fine-grained': [`github_pat_${random(8, 22)}_${random(9, 59)}`, (value) => `token: ${value}`],
  'GitLab token': [`glpat-${random(10, 20)}`, (value) => `PRIVATE-TOKEN: ${value}`],
  'Slack token': [`xoxb-123456789012-1234567890123-${random(11, 24)}`, (value) => `slack(${value})`],
  'npm token': [`npm_${random(12, 36)}`, (value) => `//registry.npmjs.org/:_authToken=${value}`],
  'OpenAI token': [`sk-proj-${random(13, 48)}`, (value) => `OPENAI_API_KEY="${value}"`],
  'Stripe key': [`sk_live_${random(14, 24)}`, (value) => `stripe.api_key = '${value}'`],
  'Google key': [`AIza${random(15, 35)}`, (value) => `maps?key=${value}&v=3`],
  'SendGrid key': [`SG.${random(16, 22)}.${random(17, 43)}`, (value) => `key: ${value}`],
  'Vault token': [`hvs.${random(18, 90)}`, (value) => `VAULT_TOKEN=${value}`],
  'JSON Web Token': [`eyJ${random(19, 30)}.eyJ${random(20, 60)}.${random(21, 43)}`, (value) => `Authorization: Bearer ${value}`],
  'password of PostgreSQL': [random(22, 16), (value) => `postgres://app:${value}@db:5432/app`],
  'password of RabbitMQ': [random(23, 16), (value) => `amqps://app:${value}@mq.internal/vhost`],
  'password of HTTP': [random(24, 16), (value) => `curl https://bot:${value}@example.com/x`]
}

t.test('a planted corpus is found whole, wherever it stands', async t => {
  for (const [what, [value, around]] of Object.entries(CORPUS)) {
    for (const [place, text] of Object.entries({
      alone: around(value), 'among others': `first = 1\n${around(value)}\nlast = 2\n`, 'switched off by a comment': `// secretlint-disable\n${around(value)}\n`,
      'in a diff': `@@ -1 +1 @@\n-old\n+${around(value)}\n`, 'in JSON': JSON.stringify({ text: around(value) })
    })) {
      const { text: clean, count } = await redact(text, 'src/a.py')
      t.ok(count > 0 && !clean.includes(value.slice(0, 12)) && !clean.includes(value.slice(-12)), `${what}, ${place}: ${JSON.stringify(clean)}`)
      if (place === 'among others') t.match(clean, /^first = 1\n[^]*\nlast = 2\n$/, 'and nothing else')
    }
  }
})

t.test('private keys are found in every dress', async t => {
  const keys = [
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' }),
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })
  ].map(String)
  for (const pem of keys) {
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
      t.strictSame(body.filter((line) => clean.includes(line.slice(0, 20))), [], dress)
      t.match(clean, /^before\n[^]*And so it goes on\.\n$/, 'what is around it stays')
    }
  }
})

t.test('ordinary text is left alone', async t => {
  const ordinary = [
    'const BEGIN = "-----BEGIN PRIVATE KEY-----"\nconst END = "-----END PRIVATE KEY-----"\nreturn text.startsWith(BEGIN)\n',
    'postgres://user:password@localhost/app', ['http://$', ':$', '@host/'].join('{name}'), 'amqp://{user}:{pass}@mq', 'see http://example.com/a:b@c and https://example.com:8080/@x',
    'integrity sha512-' + random(30, 86) + '==', 'commit ' + 'a1b2c3d4'.repeat(5), 'id: 550e8400-e29b-41d4-a716-446655440000',
    'password = os.environ["PASSWORD"]', 'secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY', 'sk_test_example', 'def verify_password(given, stored):', 'token = "<your token>"',
    'data:image/png;base64,' + random(31, 200), 'eyJhbGciOiJSUzI1NiJ9', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI' + random(32, 43), 'AKIA is how they begin'
  ]
  for (const text of ordinary) t.strictSame(await redact(text, 'src/a.py'), { text, count: 0 }, text.slice(0, 60))
})

t.test('hostile text costs no more than its length', async t => {
  const hostile = ['-----BEGIN PRIVATE KEY-----', 'a://', 'a:', 'eyJaaaaaaaaaa.', 'secret_access_key=   ', '+', 'AKIA', 'SG.aaaaaaaaaaaaaaaa.', 'http://a:', '\\n', '-----BEGIN PRIVATE KEY-----\n' + '+'.repeat(300)]
  for (const part of hostile) {
    const started = performance.now()
    await redact(part.repeat(Math.ceil(300_000 / part.length)), 'a.txt')
    t.ok(performance.now() - started < 3000, `${JSON.stringify(part.slice(0, 40))} took ${Math.round(performance.now() - started)} ms`)
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
