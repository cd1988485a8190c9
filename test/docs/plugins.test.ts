import { execFile } from 'node:child_process'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import { writeFiles } from '../support/repository.js'
import { startSidecar } from '../support/sidecar.js'
import { temporaryFolder } from '../support/temporary.js'
import { findSnippet } from './pages.js'

const run = promisify(execFile)

/** A folder from which modules find the package by its name. */
async function folderWith (t: Parameters<typeof temporaryFolder>[0], files: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder(t, 'cco-snippet')
  await mkdir(join(folder, 'node_modules'))
  await symlink(PACKAGE_ROOT, join(folder, 'node_modules', 'cco-sidecar'), 'dir')
  await writeFiles(folder, files)
  return folder
}

t.test('the HTTP extension of the page answers who has a token', async (t) => {
  const base = await folderWith(t, { 'greeting.mjs': findSnippet('docs/plugins.md', 'js', 'greeting').text })
  const { ask, agent } = await startSidecar(t, { plugins: [{ use: './greeting.mjs', base }] })
  t.equal((await ask('GET', '/greeting', { token: '' })).status, 401)
  const { token, agent_id: id } = await agent('test-engineer')
  t.same((await ask('GET', '/greeting', { token })).body, { hello: id })
})

t.test('the test of the page runs as it stands', async (t) => {
  const folder = await folderWith(t, {
    'package.json': '{ "type": "module" }',
    'jsonl-results.js': await readFile(join(PACKAGE_ROOT, 'examples/custom-storage/jsonl-results.js'), 'utf8'),
    'jsonl-results.test.js': findSnippet('docs/plugins.md', 'js', 'resultStoreContract').text
  })
  // Without what a test runner around this one tells its children.
  const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', 'jsonl-results.test.js'], { cwd: folder, env: { PATH: process.env.PATH } })
  t.match(stdout, /^# fail 0$/m)
  t.ok(Number(/^# tests (\d+)$/m.exec(stdout)?.[1]) > 30, stdout)
})
