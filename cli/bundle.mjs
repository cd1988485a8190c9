// Puts what ships into few files, after the compiler: loading hundreds of small modules one by one takes a third of the start.
// Packages stay outside, and every entry shares one copy of each module with the others.
import { basename, isAbsolute, join, relative, sep } from 'node:path'
import { readdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { rollup } from '@rollup/wasm-node'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const DIST = join(ROOT, 'dist')
const BUNDLE = join(DIST, 'bundle')
const CHUNKS = join(BUNDLE, 'chunks')
const PROGRAM = join(DIST, 'cli', 'cco.js')

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

/** All that a server is made of goes into one file, except what the program itself loads for every small command. */
function serverChunk () {
  const program = new Set()
  const collect = (id, getModuleInfo) => {
    if (program.has(id)) return
    program.add(id)
    for (const next of getModuleInfo(id)?.importedIds ?? []) collect(next, getModuleInfo)
  }
  return (id, { getModuleInfo }) => {
    collect(PROGRAM, getModuleInfo)
    const path = relative(DIST, id).split(sep).join('/')
    return program.has(id) || !/^(core|plugins)\//.test(path) || path.startsWith('core/testing/') ? undefined : 'server'
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
}, { dir: BUNDLE, chunkFileNames: 'chunks/[name].js', manualChunks: serverChunk() })
for (const path of OWN) {
  const name = basename(path)
  await bundle(join(DIST, `${path}.js`), { dir: CHUNKS, entryFileNames: `${name}.js`, chunkFileNames: `${name}-[name].js` })
}
