// Makes a fresh clone ready, before `npm start`, `npm test` and `npm run demo`: dependencies, build, test runner.
// Plain JavaScript without dependencies, because there are none yet. Says nothing when there is nothing to do.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const LEAST_NODE = [20, 19]
const SOURCES = ['core', 'plugins', 'cli', 'test', 'bench']
const SINGLE_SOURCES = ['index.ts', 'tsconfig.json']
const BUNDLER = 'cli/bundle.mjs'

/** A sentence when this Node is too old, else `undefined`. */
export function nodeFault (version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  if (major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])) return undefined
  return `cco-sidecar needs Node ${LEAST_NODE.join('.')} or newer, and this is ${version}. Install one from https://nodejs.org or with your version manager.`
}

/** Whether `npm ci` is due: never run, or run before the lock file changed. Times are ms; `undefined` where there is no file. */
export function installDue ({ lock, installed }) {
  return installed === undefined || (lock !== undefined && lock > installed)
}

/**
 * What the compiler has to do: `none`, `compile`, or `rebuild` from nothing because the output holds files whose source
 * is gone (a deleted test would go on running). `sources` are `{ path, time }`, paths without extension; `outputs` the same.
 */
export function buildDue ({ sources, outputs, built }) {
  if (built === undefined) return outputs.length > 0 ? 'rebuild' : 'compile'
  const known = new Set(sources.map((source) => source.path))
  if (outputs.some((path) => !known.has(path))) return 'rebuild'
  const made = new Set(outputs)
  return sources.some((source) => source.time > built || (source.compiled && !made.has(source.path))) ? 'compile' : 'none'
}

function timeOf (path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs
}

function * walk (root, folder) {
  const entries = existsSync(join(root, folder)) ? readdirSync(join(root, folder), { withFileTypes: true }) : []
  for (const entry of entries) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) yield * walk(root, path)
    else yield path
  }
}

/** Sources and outputs of the build as `buildDue` wants them. */
export function readBuild (root) {
  const dist = join(root, 'dist')
  const files = [...SINGLE_SOURCES, ...SOURCES.flatMap((folder) => [...walk(root, folder)])]
  const sources = files.filter((path) => (/\.ts$|^tsconfig\.json$/.test(path) || path === BUNDLER) && existsSync(join(root, path)))
    .map((path) => ({ path: path.replace(/\.ts$/, ''), time: timeOf(join(root, path)), compiled: path.endsWith('.ts') && !path.endsWith('.d.ts') }))
  const outputs = [...walk(dist, '')].filter((path) => path.endsWith('.js') && !path.startsWith('bundle/')).map((path) => path.slice(0, -3))
  return { sources, outputs, built: timeOf(join(dist, '.tsbuildinfo')) }
}

function run (root, what, command, args) {
  console.error(`setup: ${what}`)
  // The environment of an outer npm run (npm_config_*) goes through: it holds the registry and proxies that the user set.
  const { status, error, signal } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: process.env })
  if (status === 0) return
  const reason = error?.message ?? (signal ? `ended by ${signal}` : `exit code ${status}`)
  fail(`${what} failed (${reason}); the lines above say why.`)
}

function fail (message) {
  console.error(`setup: ${message}`)
  process.exit(1)
}

function install (root) {
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund']
  const npm = process.env.npm_execpath
  // npm names itself in what it runs; it may be another program, yarn for instance, or a path without extension.
  if (npm !== undefined && /npm-cli\.[cm]?js$/.test(npm)) run(root, 'installing dependencies', process.execPath, [npm, ...args])
  else run(root, 'installing dependencies', process.platform === 'win32' ? 'npm.cmd' : 'npm', args)
}

function binOf (root, name, bin) {
  const folder = join(root, 'node_modules', name)
  const facts = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return join(folder, typeof facts.bin === 'string' ? facts.bin : facts.bin[bin])
}

function compile (root) {
  const stamp = join(root, 'dist', '.tsbuildinfo')
  // Written even after errors, so it would hide them the next time.
  process.once('exit', (code) => { if (code !== 0) rmSync(stamp, { force: true }) })
  run(root, 'compiling', process.execPath, [binOf(root, 'typescript', 'tsc'), '-p', 'tsconfig.json'])
  run(root, 'bundling', process.execPath, [join(root, 'cli', 'bundle.mjs')])
  // The compiler leaves it alone when nothing but times has changed.
  const now = new Date()
  utimesSync(stamp, now, now)
}

function main (root, args) {
  const fault = nodeFault(process.versions.node)
  if (fault !== undefined) fail(fault)
  const lock = timeOf(join(root, 'package-lock.json'))
  const installing = installDue({ lock, installed: timeOf(join(root, 'node_modules', '.package-lock.json')) })
  if (installing) install(root)
  const due = buildDue(readBuild(root))
  if (due === 'rebuild') rmSync(join(root, 'dist'), { recursive: true, force: true })
  if (due !== 'none') compile(root)
  if (args.includes('--with-tests') && (installing || !existsSync(join(root, '.tap', 'plugins')))) {
    run(root, 'preparing the test runner', process.execPath, [binOf(root, 'tap', 'tap'), 'build'])
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main(dirname(dirname(fileURLToPath(import.meta.url))), process.argv.slice(2))
}
