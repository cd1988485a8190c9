import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { run } from '../../cli/program.js'
import type { Report } from '../../core/doctor/doctor.js'
import { stubTerminal } from './stub-terminal.js'

interface Outcome { code: number, stdout: string, stderr: string, report (): Report }

interface House { home: string, storage: string, cco (...args: string[]): Promise<Outcome> }

function houseOf (t: Test, config: object = {}): House {
  const home = t.testdir({ project: {}, '.cco': { 'config.json': JSON.stringify(config) } })
  const storage = join(home, 'storage')
  mkdirSync(storage, { mode: 0o700 })
  return {
    home,
    storage,
    async cco (...args) {
      const terminal = stubTerminal({ cwd: join(home, 'project'), env: { HOME: home, PATH: process.env.PATH, CCO_SIDECAR_STORAGE: storage, CCO_SIDECAR_PORT: '0' } })
      const code = await run(['doctor', ...args], terminal)
      return { code, stdout: terminal.stdout(), stderr: terminal.stderr(), report: () => JSON.parse(terminal.stdout()) as Report }
    }
  }
}

t.test('doctor tells what is wrong, repairs what is safe, and its exit code says whether anything is left', async (t) => {
  const { storage, cco } = houseOf(t)
  t.match(await cco(), { code: 0, stdout: /\nNothing is wrong\.$/ })
  chmodSync(storage, 0o755)
  const ill = await cco()
  t.match(ill, { code: 1, stderr: '', stdout: /^PROBLEM {2}storage {8}Other users may look into .*\n {24}Take the rights away: cco doctor --fix\.$/m })
  t.match(ill.stdout, /\n1 problem\.$/)
  const json = await cco('--json')
  t.equal(json.code, 1)
  t.match(json.report(), { healthy: false })
  t.match(await cco('--fix'), { code: 0, stdout: /^fixed {4}storage/m })
  t.equal(statSync(storage).mode & 0o777, 0o700)
  t.equal((await cco('--json')).report().healthy, true)
})

t.test('a configuration or a plugin that cannot be loaded keeps it from nothing', async (t) => {
  const broken = houseOf(t, { sidecar: { prot: 1 } })
  const { code, stdout } = await broken.cco()
  t.equal(code, 1)
  t.match(stdout, /^PROBLEM {2}configuration {2}Wrong configuration in .*did you mean 'port'\?/m)
  t.match(stdout, new RegExp(`^ok {7}storage {8}${broken.storage} `, 'm'))
  const plugin = await houseOf(t, { plugins: ['./gone.js'] }).cco('--json')
  t.match(plugin.report().findings.find(({ check }) => check === 'plugins'), { state: 'problem', text: /Plugin '\.\/gone\.js' in .* was not found/ })
})

t.test('the report for whoever helps holds no secret that was planted', async (t) => {
  const pem = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const jwt = `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.${Buffer.from('{"sub":"operator"}').toString('base64url')}.c2lnbmF0dXJl`
  const planted = {
    aws: 'AKIAIOSFODNN7EXAMPLF', password: 'correct-horse-battery', url: 'hunter2-in-a-url', option: 'a-word-under-a-name', jwt, pem: pem.split('\n')[5]!, header: 'dXNlcjpwYXNzd29yZA==', file: 'what-a-file-says'
  }
  const { home, storage, cco } = houseOf(t, {
    sidecar: { spawn: { command: `run --key ${planted.aws} --password ${planted.password} --auth "Bearer ${planted.jwt}" --basic "Basic ${planted.header}"` }, cors: { origins: [`https://user:${planted.url}@shop.example`] } },
    plugins: [{ use: './gone.js', options: { apiKey: planted.option, nested: [{ certificate: pem }], address: `postgres://cco:${planted.url}@db/cco` } }]
  })
  writeFileSync(join(storage, 'operator.token'), `${planted.jwt}\n`, { mode: 0o600 })
  writeFileSync(join(storage, 'note.json'), planted.file, { mode: 0o600 })
  const { code, stderr } = await cco('--bundle', 'report.json')
  t.equal(code, 1, 'the plugin is not there')
  t.equal(stderr, '')
  const file = join(home, 'project', 'report.json')
  t.equal(statSync(file).mode & 0o777, 0o600)
  const text = readFileSync(file, 'utf8')
  for (const [what, secret] of Object.entries(planted)) t.notOk(text.includes(secret), what)
  t.notMatch(text, /BEGIN|PRIVATE/)
  t.match(JSON.parse(text), {
    version: /\d/, node: process.version, system: { platform: process.platform }, report: { healthy: false }, settings: { port: 0, spawn: { command: /^run --key / }, storage },
    plugins: [{ use: './gone.js', options: { nested: [{}] } }], storage: { entries: [{ path: 'note.json', bytes: planted.file.length, mode: '600' }, { path: 'operator.token' }], more: 0 }
  })
  t.match(await cco('--bundle', 'report.json'), { code: 1, stderr: /The report cannot be written: EEXIST/ }, 'what is there is left')
})
