import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { PACKAGE_ROOT } from '../../core/package-root.js'

interface Source { path: string, time: number, compiled: boolean }

interface Setup {
  nodeFault (version: string): string | undefined
  installDue (times: { lock: number | undefined, installed: number | undefined }): boolean
  buildDue (build: { sources: Source[], outputs: string[], built: number | undefined }): 'none' | 'compile' | 'rebuild'
  readBuild (root: string): { sources: Source[], outputs: string[], built: number | undefined }
}

const FILE = join(PACKAGE_ROOT, 'cli', 'setup.mjs')
const setup = await import(pathToFileURL(FILE).href) as Setup

t.test('a Node that is too old is told what is needed', async (t) => {
  for (const version of ['20.19.0', '20.20.2', '22.0.0', 'v24.1.0', '100.0.0']) t.equal(setup.nodeFault(version), undefined, version)
  for (const version of ['20.14.9', '18.20.0', 'v4.0.0']) t.match(setup.nodeFault(version), new RegExp(`needs Node 20\\.19 or newer, and this is ${version}`), version)
})

t.test('dependencies are installed when they are missing or older than the lock file', async (t) => {
  t.equal(setup.installDue({ lock: 1, installed: undefined }), true)
  t.equal(setup.installDue({ lock: 2, installed: 1 }), true)
  t.equal(setup.installDue({ lock: 1, installed: 2 }), false)
  t.equal(setup.installDue({ lock: undefined, installed: 2 }), false)
})

t.test('the compiler runs when, and only when, sources and output differ', async (t) => {
  const source = (path: string, time: number, compiled = true): Source => ({ path, time, compiled })
  const sources = [source('index', 1), source('core/a', 5), source('tsconfig.json', 1, false)]
  const outputs = ['index', 'core/a']
  const due = (changes: Partial<Parameters<Setup['buildDue']>[0]>): string => setup.buildDue({ sources, outputs, built: 10, ...changes })
  t.equal(due({}), 'none')
  t.equal(due({ built: undefined, outputs: [] }), 'compile', 'never built')
  t.equal(due({ built: undefined }), 'rebuild', 'a build that did not end well')
  t.equal(due({ sources: [...sources, source('core/a', 11)] }), 'compile', 'a source is newer')
  t.equal(due({ sources: [source('index', 1), source('core/a', 5), source('tsconfig.json', 11, false)] }), 'compile', 'the settings are newer')
  t.equal(due({ sources: [...sources, source('core/old-but-new', 1)] }), 'compile', 'a source has no output, whatever its time')
  t.equal(due({ outputs: [...outputs, 'core/deleted'] }), 'rebuild', 'an output has no source: a deleted test would go on running')
})

t.test('sources and outputs are read from the folders of the project', async (t) => {
  const root = t.testdir({
    'index.ts': '', 'tsconfig.json': '{}', 'package.json': '{}', core: { 'a.ts': '', 'b.d.ts': '', 'note.md': '', deep: { 'c.ts': '' } }, docs: { 'x.ts': '' },
    dist: { '.tsbuildinfo': '', 'index.js': '', 'index.d.ts': '', core: { 'a.js': '', deep: { 'c.js': '' } }, bundle: { 'a.js': '' } }
  })
  const build = setup.readBuild(root)
  t.same(build.sources.map(({ path, compiled }) => [path, compiled]), [['index', true], ['tsconfig.json', false], ['core/a', true], ['core/b.d', false], ['core/deep/c', true]])
  t.same(build.outputs.sort(), ['core/a', 'core/deep/c', 'index'])
  t.type(build.built, 'number')
  rmSync(join(root, 'dist'), { recursive: true })
  t.same(setup.readBuild(root).outputs, [])
  t.equal(setup.readBuild(root).built, undefined)
})

interface Run { code: number | null, output: string }

/** A small project of the same shape, whose compiler and npm only leave a note that they ran. */
function fakeProject (root: string): (...args: string[]) => Promise<Run> {
  const note = (name: string, more = ''): string => `import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'\nappendFileSync('ran', ${JSON.stringify(name)} + ' ' + process.argv.slice(2).join(' ') + '\\n')\n${more}\n`
  mkdirSync(join(root, 'cli'))
  cpSync(FILE, join(root, 'cli', 'setup.mjs'))
  writeFileSync(join(root, 'cli', 'bundle.mjs'), note('bundle'))
  writeFileSync(join(root, 'npm-cli.mjs'), note('npm', `
for (const [name, bin] of [['typescript', 'tsc'], ['tap', 'tap']]) {
  mkdirSync('node_modules/' + name, { recursive: true })
  writeFileSync('node_modules/' + name + '/package.json', JSON.stringify({ bin: { [bin]: 'bin.mjs' } }))
}
writeFileSync('node_modules/typescript/bin.mjs', ${JSON.stringify(note('tsc', 'mkdirSync("dist", { recursive: true })\nwriteFileSync("dist/.tsbuildinfo", "")\nwriteFileSync("dist/index.js", "")\nprocess.exit(Number(process.env.TSC_EXIT ?? 0))'))})
writeFileSync('node_modules/tap/bin.mjs', ${JSON.stringify(note('tap', 'mkdirSync(".tap/plugins", { recursive: true })'))})
writeFileSync('node_modules/.package-lock.json', '{}')`))
  writeFileSync(join(root, 'package-lock.json'), '{}')
  writeFileSync(join(root, 'index.ts'), '')
  return (...args) => new Promise((resolve) => {
    const env = { PATH: process.env.PATH, npm_execpath: join(root, 'npm-cli.mjs'), npm_config_registry: 'http://registry.test', TSC_EXIT: args.includes('fail') ? '2' : '0' }
    const child = execFile(process.execPath, [join(root, 'cli', 'setup.mjs'), ...args], { cwd: root, env }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, output: stdout + stderr })
    })
  })
}

const COMPILED = ['tsc -p tsconfig.json', 'bundle']

t.test('a fresh clone is set up once, and then nothing is said', async (t) => {
  const root = t.testdir()
  const run = fakeProject(root)
  const ran = (): string[] => {
    const lines = readFileSync(join(root, 'ran'), 'utf8').trimEnd().split('\n').map((line) => line.trimEnd())
    writeFileSync(join(root, 'ran'), '')
    return lines.filter((line) => line !== '')
  }
  const first = await run('--with-tests')
  t.equal(first.code, 0, first.output)
  t.same(ran(), ['npm ci --include=dev --no-audit --no-fund', ...COMPILED, 'tap build'])
  t.same(await run('--with-tests'), { code: 0, output: '' })
  t.same(ran(), [])

  const later = new Date(Date.now() + 5000)
  utimesSync(join(root, 'index.ts'), later, later)
  const failed = await run('fail')
  t.equal(failed.code, 1)
  t.match(failed.output, /compiling failed \(exit code 2\)/)
  t.same(ran(), ['tsc -p tsconfig.json'])
  const before = new Date(Date.now() - 5000)
  utimesSync(join(root, 'index.ts'), before, before)
  t.equal((await run()).code, 0, 'what failed is tried again, although nothing is newer')
  t.same(ran(), COMPILED)

  writeFileSync(join(root, 'dist', 'deleted.js'), '')
  await run()
  t.same(ran(), COMPILED)
  t.same(setup.readBuild(root).outputs, ['index'])
  utimesSync(join(root, 'package-lock.json'), later, later)
  await run()
  t.same(ran(), ['npm ci --include=dev --no-audit --no-fund'])
})
