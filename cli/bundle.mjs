// Puts what ships into few files, after the compiler: loading hundreds of small modules one by one takes a third of the start.
// Packages stay outside, and every entry shares one copy of each module with the others.
import { basename, isAbsolute, join, relative, sep } from 'node:path'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { rollup } from '@rollup/wasm-node'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const DIST = join(ROOT, 'dist')
const BUNDLE = join(DIST, 'bundle')
const CHUNKS = join(BUNDLE, 'chunks')
const PROGRAM = join(DIST, 'cli', 'cco.js')
const CONFIGURATION = join(DIST, 'core', 'config', 'load.js')

/** A thread and processes of their own, which share nothing with the rest. They are looked for beside the code that starts them. */
const OWN = ['core/project/worker/worker', 'core/project/worker/git-helper', 'plugins/spawners/shared/start-helper']

const isPackage = (id) => !id.startsWith('.') && !isAbsolute(id)

async function bundle (input, output) {
  // Strict: else the chunk of the server takes the name and the place of an entry that exports nothing, such as one of types alone.
  const build = await rollup({ input, external: isPackage, preserveEntrySignatures: 'strict', logLevel: 'silent' })
  await build.write({ format: 'es', hoistTransitiveImports: false, ...output })
  await build.close()
}

/** The built-in plugins can be imported by their names, as `cco-sidecar/plugins/<folder>/<name>`. */
function pluginEntries () {
  const files = readdirSync(join(DIST, 'plugins'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.js'))
    .map((entry) => relative(DIST, join(entry.parentPath, entry.name)).split(sep).join('/').slice(0, -'.js'.length))
  return Object.fromEntries(files.filter((name) => !OWN.includes(name)).map((name) => [name, join(DIST, `${name}.js`)]))
}

/** What a module loads at once, with itself. */
function reachFrom (entry, getModuleInfo) {
  const reached = new Set([entry])
  for (const id of reached) for (const next of getModuleInfo(id)?.importedIds ?? []) reached.add(next)
  return reached
}

/**
 * All that a server is made of goes into one file, except what the program loads for every small command and what it reads the
 * configuration with. Each of them is named: what has no chunk goes into that of its importer, and `cco help` would load the server.
 */
function chunks () {
  let program
  let configuration
  return (id, { getModuleInfo }) => {
    program ??= reachFrom(PROGRAM, getModuleInfo)
    configuration ??= reachFrom(CONFIGURATION, getModuleInfo)
    const path = relative(DIST, id).split(sep).join('/')
    if (!/^(core|plugins)\//.test(path) || path.startsWith('core/testing/')) return undefined
    if (program.has(id)) return 'common'
    return configuration.has(id) ? 'settings' : 'server'
  }
}

rmSync(BUNDLE, { recursive: true, force: true })
// In the place of a re-export, for the tests too; see core/typebox.ts.
await bundle(join(ROOT, 'node_modules', 'typebox', 'build', 'index.mjs'), { file: join(DIST, 'core', 'typebox.js') })
await bundle({
  'cli/cco': PROGRAM,
  index: join(DIST, 'index.js'),
  'core/plugin-api': join(DIST, 'core', 'plugin-api.js'),
  'core/testing/index': join(DIST, 'core', 'testing', 'index.js'),
  ...pluginEntries()
}, { dir: BUNDLE, chunkFileNames: 'chunks/[name].js', manualChunks: chunks() })
// What the worker counts tokens by, read at once, beside the code of the worker as it is compiled and as it is shipped.
const { packRanks } = await import(pathToFileURL(join(DIST, 'core', 'project', 'worker', 'byte-pair-ranks.js')).href)
const ranks = packRanks()
for (const folder of [join(DIST, 'core', 'project', 'worker'), CHUNKS]) writeFileSync(join(folder, 'o200k_base.ranks'), ranks)
for (const path of OWN) {
  const name = basename(path)
  await bundle(join(DIST, `${path}.js`), { dir: CHUNKS, entryFileNames: `${name}.js`, chunkFileNames: `${name}-[name].js` })
}
