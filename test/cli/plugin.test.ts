import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { run } from '../../cli/program.js'
import { missingFor } from '../../cli/plugin-files.js'
import { TEMPLATES, type TemplateKind } from '../../cli/templates/index.js'
import { runToEnd } from './run-program.js'
import { stubTerminal } from './stub-terminal.js'

interface Verification { kind: string, name: string, note?: string, tests: { name: string, ok: boolean, error?: string }[] }

async function cco (cwd: string, ...args: string[]): Promise<{ code: number, stdout: string, stderr: string }> {
  const terminal = stubTerminal({ cwd })
  const code = await run(args, terminal)
  return { code, stdout: terminal.stdout(), stderr: terminal.stderr() }
}

async function verify (cwd: string, ...args: string[]): Promise<{ code: number, verification: Verification }> {
  const { code, stdout, stderr } = await cco(cwd, 'plugin', 'verify', ...args, '--format', 'json')
  if (stdout === '') throw new Error(stderr)
  return { code, verification: JSON.parse(stdout) as Verification }
}

/** Files in a folder below this package, where its own name can be imported. */
function folderWith (t: Test, files: Record<string, string> = {}): string {
  return t.testdir(files)
}

t.test('what create writes passes the suite of its kind', async (t) => {
  const folder = folderWith(t)
  for (const kind of Object.keys(TEMPLATES) as TemplateKind[]) {
    const created = await cco(folder, 'plugin', 'create', kind, `my-${kind}`, '--directory', 'made')
    t.equal(created.code, 0, created.stderr)
    t.equal(created.stdout, `made/my-${kind}.js\nmade/my-${kind}.test.js`)
    const { code, verification } = await verify(folder, `made/my-${kind}.js`)
    t.same(verification.tests.filter(({ ok }) => !ok), [], `${kind}: every test passes`)
    t.same([verification.kind, verification.name, verification.note, code], [kind, `my-${kind}`, undefined, 0])
    t.ok(verification.tests.length >= 10, `${kind}: ${verification.tests.length} tests`)
  }
})

t.test('the test that create writes runs with node --test', async (t) => {
  const folder = folderWith(t)
  await cco(folder, 'plugin', 'create', 'context-strategy', 'plans')
  const { execFile } = await import('node:child_process')
  const { code, stdout } = await new Promise<{ code: number, stdout: string }>((resolve) => {
    const child = execFile(process.execPath, ['--test', 'plans.test.js'], { cwd: folder, env: { PATH: process.env.PATH ?? '' } }, (_error, output) => {
      resolve({ code: child.exitCode ?? -1, stdout: output })
    })
  })
  t.equal(code, 0, stdout)
})

t.test('create writes over nothing, and writes both files or none', async (t) => {
  const folder = folderWith(t, { 'mine.test.js': 'precious' })
  const { code, stderr } = await cco(folder, 'plugin', 'create', 'result-store', 'mine')
  t.equal(code, 1)
  t.match(stderr, /mine\.test\.js is there already and was left as it is/)
  t.notOk(existsSync(join(folder, 'mine.js')))
  t.equal(readFileSync(join(folder, 'mine.test.js'), 'utf8'), 'precious')
})

t.test('create says what the folder lacks', async (t) => {
  const folder = folderWith(t)
  t.same(missingFor(folder), [], 'inside the package nothing')
  writeFileSync(join(folder, 'package.json'), '{}')
  t.match(missingFor(folder), [/"type": "module"/, /npm install cco-sidecar/])
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}')
  mkdirSync(join(folder, 'node_modules', 'cco-sidecar'), { recursive: true })
  writeFileSync(join(folder, 'node_modules', 'cco-sidecar', 'package.json'), '{}')
  t.same(missingFor(join(folder, 'not', 'made', 'yet')), [])
})

t.test('verify fails with the test that a broken plugin fails, and shows it', async (t) => {
  const folder = folderWith(t)
  await cco(folder, 'plugin', 'create', 'result-store', 'broken')
  const file = join(folder, 'broken.js')
  writeFileSync(file, readFileSync(file, 'utf8').replace('if (earlier === undefined) put', 'if (record.status !== \'failed\') put'))
  const { code, stdout, stderr } = await cco(folder, 'plugin', 'verify', './broken.js')
  t.equal(code, 1)
  t.equal(stderr, '')
  t.match(stdout, /^result-store\/broken\n/)
  t.match(stdout, /\n✓ /)
  t.match(stdout, /\n✗ several results of one agent type on one issue are all kept.*\n {4}\S/)
  t.match(stdout, /\n\d+ failed: \d+ tests in /)
})

t.test('a plugin that cannot be loaded or made is one sentence', async (t) => {
  const plugin = (manifest: string): string => `import { definePlugin, Type } from 'cco-sidecar/plugin-api'\nexport default definePlugin(${manifest})\n`
  const folder = folderWith(t, {
    'throws.js': 'throw new Error("on purpose")',
    'nothing.js': 'export default 1',
    'kind.js': plugin('{ kind: "cake", name: "x", create: () => ({}) }'),
    'lacks.js': plugin('{ kind: "result-store", name: "x", create: () => ({ put () {} }) }'),
    'options.js': plugin('{ kind: "spawner", name: "x", options: Type.Object({ image: Type.String() }), create: () => ({ start () {} }) }')
  })
  const cases: [string[], RegExp][] = [
    [['./missing.js'], /there is no file .*missing\.js/],
    [['no-such-package'], /no package 'no-such-package' is installed/],
    [['throws.js'], /failed to load: on purpose/],
    [['nothing.js'], /must come from definePlugin\(\)/],
    [['kind.js'], /kind 'cake' is none of/],
    [['lacks.js'], /it lacks get\(\), list\(\)/],
    [['options.js'], /'image' is required/],
    [['options.js', '--options', '{"image": 1}'], /options\.image/]
  ]
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await cco(folder, 'plugin', 'verify', ...args)
    t.equal(code, 1, args.join(' '))
    t.match(stderr, message)
    t.match(stderr, /^error: .* \[SIDECAR_ERR_PLUGIN_[A-Z_]+\]$/)
    t.equal(stdout, '')
  }
})

t.test('a kind without a suite, and a spawner that cannot be told what to run, are loaded and checked', async (t) => {
  const folder = folderWith(t, {
    'route.js': 'import { definePlugin } from "cco-sidecar/plugin-api"\nexport default definePlugin({ kind: "http", name: "route", create: () => ({ async register () {} }) })\n',
    'fixed.js': 'import { definePlugin } from "cco-sidecar/plugin-api"\nexport default definePlugin({ kind: "spawner", name: "fixed", create: () => ({ supports: { adopt: false }, async start () {} }) })\n'
  })
  for (const [file, note] of [['route.js', /no suite for plugins of kind http/], ['fixed.js', /takes no option 'command'/]] as const) {
    const { code, verification } = await verify(folder, file)
    t.equal(code, 0)
    t.match(verification.note, note)
    t.same(verification.tests, [])
  }
})

t.test('a plugin that keeps the process alive does not hang the program', async (t) => {
  const folder = folderWith(t, {
    'timer.js': 'import { definePlugin } from "cco-sidecar/plugin-api"\nexport default definePlugin({ kind: "http", name: "timer", create: () => { setInterval(() => {}, 1000); return { async register () {} } } })\n'
  })
  const { code, stderr } = await runToEnd(['plugin', 'verify', 'timer.js'], { cwd: folder, home: folder })
  t.equal(code, 1)
  t.match(stderr, /left something open/)
})
