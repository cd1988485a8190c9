import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { isTrusted } from '../../core/config/trust.js'
import { run } from '../../cli/program.js'
import { stubTerminal } from './stub-terminal.js'

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

  t.match((await cco(home, 'plain')).stdout, /brings nothing in \.cco that would need trust\.$/)
  t.match((await cco(home, 'missing')).stderr, /does not exist/)
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
