import { execFile, spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { loadConfig } from '../../core/config/load.js'
import { inspectTrust, recordTrust } from '../../core/config/trust.js'
import { projectWithPackage } from '../support/project-with-package.js'
import { startSidecar } from '../support/sidecar.js'
import { temporaryFolder } from '../support/temporary.js'
import { findSnippet } from './pages.js'

const run = promisify(execFile)

const FILES = {
  'src/cart.py': 'def total(lines):\n    # TODO discounts\n    return sum(line.price for line in lines)\n',
  'tests/test_cart.py': 'from src.cart import total\n'
}

const noCurl = spawnSync('curl', ['--version']).status === 0 ? false : 'curl is not installed'

t.test('the session of the read-me runs as it stands', { skip: noCurl }, async (t) => {
  const { sidecar, storage } = await startSidecar(t, { files: FILES })
  const address = await sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const { text } = findSnippet('README.md', 'sh', '/api/tokens')
  const { stdout, stderr } = await run('sh', ['-eu', '-c', text], { env: { PATH: process.env.PATH, SIDECAR: address, STORAGE: storage }, timeout: 120_000 })
  t.equal(stderr, '', 'no call failed')
  const [issue, ...lines] = stdout.trim().split('\n')
  t.match(JSON.parse(issue!), { issue_id: 'issue-1', title: 'The cart ignores discounts' })
  t.ok(lines.includes('src/cart.py none'), 'the context holds the file')
  const [published, waited, stored, listed] = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>)
  t.match(published, { published: true, topic: 'implementation' })
  t.match(waited, { events: [{ event_id: published?.event_id, publisher: 'python-1' }] })
  t.match(stored, { stored: true, storage_path: 'results/sample/issue-1/python-specialist.json' })
  t.match(listed, { results: [{ id: stored?.id, agent_id: 'python-1', status: 'success' }] })
  t.match(await readFile(join(storage, String(stored?.storage_path)), 'utf8'), 'Discounts are integer cents.')
})

t.test('the plugin of the read-me is loaded from a trusted project and shows in a context', async (t) => {
  const home = await temporaryFolder(t, 'cco-home')
  const root = await projectWithPackage(t, FILES, {
    '.gitignore': 'node_modules/\n',
    '.cco/open-remarks.mjs': findSnippet('README.md', 'js', 'open-remarks').text,
    '.cco/config.json': findSnippet('README.md', 'json', 'open-remarks').text
  })
  const load = async () => await loadConfig({ flags: {}, env: {}, project: root, home })
  t.match(await load(), { plugins: [], ignored: ['plugins'], trusted: false }, 'without trust it is left out')
  await recordTrust(await inspectTrust(root), Date.now(), home)
  const { plugins, trusted } = await load()
  t.equal(trusted, true)

  const { ask, agent } = await startSidecar(t, { root, plugins })
  const { body: { plugins: loaded } } = await ask('GET', '/api/plugins')
  t.match(loaded.find(({ name }: { name: string }) => name === 'open-remarks'), {
    kind: 'context-strategy', source: 'path', location: './open-remarks.mjs', options: { words: ['TODO', 'FIXME'] }
  })
  const { token } = await agent('python-specialist')
  const { status, body } = await ask('GET', '/api/context/issue-1/python-specialist?requirements=open-remarks', { token })
  t.equal(status, 200)
  const file = body.context.relevant_files.find(({ path }: { path: string }) => path === 'open-remarks.txt')
  t.equal(file?.content, 'src/cart.py:2: # TODO discounts')
})
