import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import { groupFiles, LONG } from './groups.js'
import { writeFiles } from './repository.js'
import { temporaryFolder } from './temporary.js'

/** Runs files of these sources in one process; what was printed, and the exit code. */
async function runTogether (t: Parameters<typeof temporaryFolder>[0], files: Record<string, string>): Promise<{ output: string, code: number }> {
  const folder = await temporaryFolder(t)
  const sources = Object.entries(files).map(([name, source]) => [name, `import t from '${import.meta.resolve('tap')}'\n${source}`])
  await writeFiles(folder, Object.fromEntries(sources))
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TAP')))
  const args = [join(PACKAGE_ROOT, 'dist', 'test', 'run.js'), ...Object.keys(files).map((name) => join(folder, name))]
  return await promisify(execFile)(process.execPath, args, { cwd: PACKAGE_ROOT, env }).then(
    ({ stdout }) => ({ output: stdout, code: 0 }),
    ({ stdout, stderr, code }) => ({ output: `${stdout}${stderr}`, code }))
}

t.test('files that share a process each have a name, an end and a folder of their own', async (t) => {
  const { output, code } = await runTogether(t, {
    'a.mjs': "t.teardown(() => console.error('torn down')); t.test('one', async (t) => { t.ok(t.testdir().endsWith('a.mjs-one')) })",
    'b.mjs': "t.test('two', async (t) => { t.pass() })"
  })
  t.equal(code, 0, output)
  t.match(output, /ok 1 - one[^]*ok 1 - .*a\.mjs[^]*ok 1 - two[^]*ok 2 - .*b\.mjs/)
})

t.test('a file that ends the process of several fails, and hides neither itself nor the others', async (t) => {
  const { output, code } = await runTogether(t, {
    'a.mjs': "t.test('before', async (t) => { t.pass() })",
    'b.mjs': "t.test('ends', async (t) => { setTimeout(() => { throw new Error('of nobody') }); await new Promise((resolve) => setTimeout(resolve, 60_000)) })",
    'c.mjs': "t.test('after', async (t) => { t.fail('seen') })"
  })
  t.equal(code, 1)
  t.match(output, /^not ok \d+ - 3 files/m)
  t.match(output, /^not ok \d+ - .*b\.mjs/m)
  t.match(output, /^not ok \d+ - .*c\.mjs/m)
  t.match(output, /^.*c\.mjs > after > seen$/m, 'among those that are told at the end')
  t.notMatch(output, /^(not )?ok \d+ - .*a\.mjs #/m, 'what had come to its end is not run again')
})

t.test('what is left in the temporary folder fails a run', async (t) => {
  const { output, code } = await runTogether(t, {
    'a.mjs': "import { mkdtempSync } from 'node:fs'\nimport { tmpdir } from 'node:os'\nmkdtempSync(tmpdir() + '/left-'); t.test('one', async (t) => { t.pass() })"
  })
  t.equal(code, 1)
  t.match(output, /not ok \d+ - the tests leave nothing in the temporary folder[^]*left-/)
})

t.test('neighbours share processes, but not what changes or measures the process', async (t) => {
  const source = "t.test('a', async () => {})"
  const name = (index: number): string => `core/http/${String(index).padStart(2, '0')}.test.js`
  const many = Array.from({ length: 21 }, (_, index) => ({ name: name(index), source: index === 3 ? 'process.umask(0)' : source }))
  const groups = groupFiles([...many, { name: 'core/http/fuzz.test.js', source }, { name: 'core/http/webhooks.test.js', source }])
  t.strictSame(groups.map((group) => group.length), [20, 2, 1], 'what takes longest begins first')
  t.strictSame(groups.at(-1), [name(3)])
  const long = Object.keys(LONG).slice(0, 3)
  t.strictSame(groupFiles(long.map((name) => ({ name, source }))), long.map((name) => [name]), 'nor do those that take long')
})

t.test('what is said to take long is there', async (t) => {
  for (const name of Object.keys(LONG)) t.ok(existsSync(join(PACKAGE_ROOT, 'dist', 'test', name)), name)
})
