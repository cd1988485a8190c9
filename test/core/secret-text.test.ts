import { generateKeyPairSync } from 'node:crypto'
import Fastify from 'fastify'
import t from 'tap'
import { installShutdown } from '../../cli/server/signals.js'
import { loggerOf } from '../../core/http/logger.js'
import { redactSecrets } from '../../core/secret-text.js'
import { stubTerminal } from '../cli/stub-terminal.js'

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const JWT = `${part({ alg: 'RS256', kid: 'k' })}.${part({ sub: 'planted' })}.${'s'.repeat(342)}`
const PEM = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string

/** Each with the part of it that must not be read. */
const PLANTED: [text: string, secret: string][] = [
  [JWT, JWT.slice(20)],
  [`GET /x?token=${JWT}&y=1`, JWT.slice(20)],
  [`/x%3D${JWT}`, JWT.slice(20)],
  [`authorization: Bearer ${JWT}`, JWT.slice(20)],
  ['authorization: bearer abcdef1234567890', 'abcdef1234567890'],
  ['Basic dXNlcjpwYXNzd29yZA==', 'dXNlcjpwYXNzd29yZA'],
  [PEM, PEM.split('\n')[1]!],
  [JSON.stringify({ key: PEM }), PEM.split('\n')[1]!],
  [PEM.slice(0, 60), PEM.slice(40, 60)],
  ['postgres://app:s3cr3t-pw@db.internal/x', 's3cr3t-pw'],
  ['https://s3cr3t-pw@hooks.example/', 's3cr3t-pw'],
  [`ghp_${'a1B2'.repeat(9)}`, 'a1B2a1B2'],
  [`key is sk-${'a1B2'.repeat(9)}.`, 'a1B2a1B2'],
  ['AKIAIOSFODNN7EXAMPLE', 'IOSFODNN7'],
  ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'MfKQ9r8GKY'],
  [JSON.stringify({ db: { password: 'hunter22' } }), 'hunter22'],
  [JSON.stringify(JSON.stringify({ api_key: 'hunter22' })), 'hunter22'],
  ['PGPASSWORD=hunter22 psql', 'hunter22'],
  ['https://x.example/?access_key=hunter22&z=1', 'hunter22']
]

const HARMLESS = [
  'A token is needed: send it as "Authorization: Bearer <token>".', '{"tokens":1234567,"token":null,"token_count":12}', 'agent/test-engineer-01jd3m0n8q4zk7t2v5x9yb6c1d',
  'http://127.0.0.1:3001/api/events/note?topic=x@y', 'token/tok_01jd3m0n8q4ZK7T2V5X9YB6C1D', 'The key of the project', 'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'
]

t.test('what looks like a secret is hidden, and nothing else', async (t) => {
  for (const [text, secret] of PLANTED) t.notOk(redactSecrets(text).includes(secret), text.slice(0, 40))
  for (const text of HARMLESS) t.equal(redactSecrets(text), text)
  t.same(JSON.parse(redactSecrets(JSON.stringify({ token: JWT, n: 1, nested: { secret: 'hunter22' } }))), { token: '•••', n: 1, nested: { secret: '•••' } }, 'JSON stays JSON')
})

t.test('a long text costs time by its length', async (t) => {
  const seeds = ['eyJ', 'eyJ-', 'eyJaaaaa.', 'a.', 'token=', '"token":"', '://a', 'bearer ', '-----BEGIN PRIVATE KEY-----', 'sk-', 'ghp_', ' ', 'a']
  const timeOf = (text: string): number => Math.min(...[1, 2, 3].map(() => {
    const start = process.cpuUsage()
    redactSecrets(text)
    const { user, system } = process.cpuUsage(start)
    return user + system
  }))
  for (const seed of seeds) {
    const [short, long] = [100_000, 800_000].map((length) => timeOf(seed.repeat(length / seed.length))) as [number, number]
    // Eight times the length; by its square it would be 64 times the time. A millisecond is what cannot be told apart.
    t.ok(long < 32 * (short + 1000), `${JSON.stringify(seed)}: ${short} µs and ${long} µs`)
  }
})

t.test('no line of the log holds a secret, wherever it came from', async (t) => {
  const lines: string[] = []
  const app = Fastify({ logger: await loggerOf({ log_level: 'trace', log_format: 'json' }, { write: (line) => { lines.push(line) } }) })
  t.teardown(async () => await app.close())
  for (const [text] of PLANTED) {
    app.log.error({ err: new Error(`failed with ${text}`) }, `it says ${text}`)
    app.log.info({ deep: { list: [text] }, headers: { authorization: text } }, 'seen')
  }
  app.get('/', async () => { throw new Error(`broken by ${JWT}`) })
  await app.inject({ url: `/?token=${JWT}`, headers: { authorization: `Bearer ${JWT}`, 'x-other': JWT } })
  t.ok(lines.length > PLANTED.length * 2)
  for (const [text, secret] of PLANTED) t.notOk(lines.some((line) => line.includes(secret) || line.includes(JSON.stringify(secret).slice(1, -1))), text.slice(0, 40))
  for (const line of lines) JSON.parse(line)
})

t.test('nor does what a crash prints', async (t) => {
  const terminal = stubTerminal({ env: { CCO_DEBUG: '1' } })
  const before = ['uncaughtException', 'unhandledRejection', 'SIGTERM', 'SIGINT'].map((event) => [event, process.listeners(event as 'SIGTERM')] as const)
  for (const [event] of before.slice(0, 2)) process.removeAllListeners(event)
  const codes: number[] = []
  installShutdown(terminal, (code) => { codes.push(code) })
  process.emit('uncaughtException', new Error(`refused ${JWT}`))
  for (const [event, listeners] of before) {
    process.removeAllListeners(event)
    for (const listener of listeners) process.on(event, listener)
  }
  t.strictSame(codes, [1])
  t.match(terminal.stderr(), /unexpected: refused •••\n.*Error: refused •••/)
})
