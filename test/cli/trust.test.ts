import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { newestFirst } from '../../core/audit/read.js'
import { verifyAuditLog } from '../../core/audit/verify.js'
import { inspectTrust, isTrusted } from '../../core/config/trust.js'
import type { AuditRecord } from '../../core/contracts/index.js'
import { inspectLock, takeStorage } from '../../core/storage.js'
import { run } from '../../cli/program.js'
import { DEAD_PORT, sidecarFor } from './bound-program.js'
import { stubTerminal } from './stub-terminal.js'

/** Records of trust, the newest first. */
async function trustIn (storage: string): Promise<AuditRecord[]> {
  const found: AuditRecord[] = []
  for await (const record of newestFirst(join(storage, 'audit'))) if (record.action === 'project.trusted') found.push(record)
  return found
}

t.test('trust shows what it covers, asks, and holds until something changes', async (t) => {
  const home = t.testdir({ shop: { '.git': {}, '.cco': { 'config.json': '{"plugins": ["./x.js"]}', agents: { 'own.json': '{}' } }, sub: {} }, plain: {} })
  const shop = join(home, 'shop')
  const cco = async (cwd: string, ...args: string[]): Promise<{ code: number, stdout: string, stderr: string }> => {
    const terminal = stubTerminal({ cwd, env: { HOME: home } })
    const code = await run(['trust', ...args], terminal)
    return { code, stdout: terminal.stdout(), stderr: terminal.stderr() }
  }

  const asked = await cco(join(shop, 'sub'))
  t.equal(asked.code, 1)
  t.match(asked.stdout, /brings:\n {2}\.cco\/agents\/own\.json {2}2 B\n {2}\.cco\/config\.json {2}23 B\nTrusted, it would\n {2}follow \.cco\/agents\/own\.json for agents of type own\n {2}load the plugin \.\/x\.js, which is code that runs as you/)
  t.match(asked.stderr, /There is no terminal to ask on; read the files above and add --yes\./)
  t.equal(await isTrusted(shop, home), false)

  const agreed = await cco(join(shop, 'sub'), '--yes')
  t.equal(agreed.code, 0)
  t.match(agreed.stdout, /is trusted\. A running sidecar takes it up when it is started again\.$/)
  t.equal(await isTrusted(shop, home), true)
  t.match((await cco(home, 'shop')).stdout, /is trusted as it is\.$/)

  writeFileSync(join(shop, '.cco', 'config.json'), '{"plugins": ["./y.js"]}')
  t.equal(await isTrusted(shop, home), false)
  t.equal((await cco(home, 'shop', '--yes')).code, 0)
  t.equal(await isTrusted(shop, home), true)
  t.equal(Object.keys((JSON.parse(readFileSync(join(home, '.cco', 'trust.json'), 'utf8')) as { projects: object }).projects).length, 1)

  writeFileSync(join(shop, '.cco', 'y.js'), 'export default 1\n')
  t.equal(await isTrusted(shop, home), false, 'the module that the configuration names is covered as well')
  t.match((await cco(home, 'shop', '--yes')).stdout, /\.cco\/y\.js {2}17 B/)
  t.equal(await isTrusted(shop, home), true)

  writeFileSync(join(shop, '.cco', 'config.json'), '{}')
  rmSync(join(shop, '.cco', 'agents'), { recursive: true })
  t.match((await cco(home, 'shop', '--yes')).stdout, /brings:\n {2}\.cco\/config\.json {2}2 B\nTrusted, it would do no more than it does now\.\n/)

  t.match((await cco(home, 'plain')).stdout, /brings nothing in \.cco that would need trust\.$/)
  t.match((await cco(home, 'missing')).stderr, /does not exist/)
})

t.test('the decision is recorded when it is made, and there is no trust without a record', async (t) => {
  const home = t.testdir({ shop: { '.cco': { 'config.json': '{"plugins": ["./x.js"]}' } } })
  const shop = join(home, 'shop')
  const storage = join(home, 'storage')
  const cco = async (...args: string[]): Promise<{ code: number, stderr: string }> => {
    const terminal = stubTerminal({ cwd: home, env: { HOME: home, CCO_SIDECAR_STORAGE: storage, CCO_SIDECAR_PORT: DEAD_PORT } })
    return { code: await run(['trust', shop, '--yes', ...args], terminal), stderr: terminal.stderr() }
  }
  const lock = await takeStorage(storage)
  t.match(await cco(), { code: 1, stderr: /has to record it, and none answers at http:\/\/127\.0\.0\.1:\d+; name its --port or --url/ })
  t.equal(await isTrusted(shop, home), false, 'whoever holds the storage could not be told')
  await lock.release()

  writeFileSync(join(storage, 'audit'), 'in the way')
  t.match(await cco(), { code: 1 })
  t.equal(await isTrusted(shop, home), false, 'the log cannot be written')
  rmSync(join(storage, 'audit'))

  const { hash } = await inspectTrust(shop)
  t.match(await cco(), { code: 0, stderr: '' })
  t.equal(await isTrusted(shop, home), true)
  const [record, ...others] = await trustIn(storage)
  t.match(record, { outcome: 'success', actor: 'cli', project: 'shop', details: { root: shop, hash, files: ['.cco/config.json'] } })
  t.strictSame(others, [])
  await cco()
  t.equal((await trustIn(storage)).length, 1, 'what is trusted already is no decision')
  t.match(await inspectLock(storage), { state: 'none' }, 'the storage is given back')
})

t.test('a sidecar that runs records the decision itself, so that the chain stays whole', async (t) => {
  const cco = await sidecarFor(t)
  const { home, storage } = cco
  const shop = join(home, 'shop')
  mkdirSync(join(shop, '.cco'), { recursive: true })
  for (const plugins of [['./x.js'], ['./y.js']]) {
    writeFileSync(join(shop, '.cco', 'config.json'), JSON.stringify({ plugins }))
    const { hash } = await inspectTrust(shop)
    t.match(await cco('trust', shop, '--yes'), { code: 0, stderr: '' })
    t.equal(await isTrusted(shop, home), true)
    t.match((await trustIn(storage))[0], { outcome: 'success', actor: 'operator', project: 'shop', address: '127.0.0.1', details: { root: shop, hash } })
  }
  writeFileSync(join(shop, '.cco', 'config.json'), '{}')
  t.match(await cco('trust', shop, '--yes', '--url', cco.address, '--token', 'wrong'), { code: 1 })
  t.equal(await isTrusted(shop, home), false)
  t.match(await cco('audit', 'verify', '--storage', storage), { code: 0 })
  t.match(await verifyAuditLog(join(storage, 'audit')), { faults: [] })
})

t.test('names of files cannot write to the terminal', async (t) => {
  const home = t.testdir()
  mkdirSync(join(home, '.cco', 'agents'), { recursive: true })
  writeFileSync(join(home, '.cco', 'agents', 'x\u001b[2J.json'), '{}')
  const terminal = stubTerminal({ cwd: home, env: { HOME: home } })
  await run(['trust', home, '--yes'], terminal)
  t.match(terminal.stdout(), 'x\ufffd[2J.json')
  // eslint-disable-next-line no-control-regex
  t.notMatch(terminal.stdout(), /\u001b/)
})
