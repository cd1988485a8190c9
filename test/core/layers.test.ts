import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { ESLint } from 'eslint'
import t from 'tap'
import ts from 'typescript'
import { PACKAGE_ROOT } from '../../core/package-root.js'

/** Imported from anywhere in the core, and importing nothing of it but errors, contracts and the file beneath. */
const LEAVES = ['core/circuit-breakers', 'core/connection', 'core/durable-file', 'core/ids', 'core/package-root', 'core/plain-file', 'core/secret-text', 'core/storage', 'core/telemetry', 'core/typebox', 'core/validation']

/**
 * What each part may import, top to bottom; every part may import itself. The rule of the house is
 * cli → index → core/sidecar → core/{http,fleet,results,context,events} → core/{project,profiles,plugin-host} → core/{contracts,errors}.
 */
const MAY_IMPORT: Record<string, string[]> = {
  // The program loads the configuration and prints errors itself, and `cco plugin verify` loads a plugin as the host would.
  cli: ['index', 'core/audit', 'core/backup', 'core/doctor', 'core/config', 'core/plugin-host', 'core/testing', 'core/errors', 'core/connection', 'core/package-root', 'core/secret-text', 'core/contracts'],
  // The only file that sees both core and plugins.
  index: ['core/sidecar', 'core/config', 'core/errors', 'core/contracts', 'plugins/builtins'],
  'plugins/builtins': ['core/plugin-api', 'plugins'],
  plugins: ['core/plugin-api'],
  // What is published for plugins and for their tests.
  'core/plugin-api': ['core/plugin-host', 'core/context/priority', 'core/context/glob', 'core/events/topics', 'core/events/consumer-groups', 'core/errors', 'core/contracts', 'core/connection', 'core/durable-file', 'core/ids', 'core/project/languages', 'core/telemetry', 'core/typebox'],
  'core/testing': ['core/plugin-host', 'core/errors', 'core/contracts'],
  // Builds the whole; further files beside it are parts of it (see below).
  'core/sidecar': ['core/audit', 'core/http', 'core/fleet', 'core/results', 'core/context', 'core/events', 'core/config', 'core/project', 'core/profiles', 'core/plugin-host', 'core/errors', 'core/contracts', ...LEAVES],
  'core/http': ['core/audit', 'core/fleet', 'core/results', 'core/context', 'core/events', 'core/config', 'core/project', 'core/profiles', 'core/plugin-host', 'core/errors', 'core/contracts', ...LEAVES],
  'core/fleet': ['core/results', 'core/events', 'core/project', 'core/errors', 'core/contracts', ...LEAVES],
  'core/results': ['core/context', 'core/events', 'core/profiles', 'core/errors', 'core/contracts', ...LEAVES],
  'core/context': ['core/context/priority', 'core/project', 'core/profiles', 'core/errors', 'core/contracts', ...LEAVES],
  'core/events': ['core/events/topics', 'core/events/consumer-groups', 'core/profiles', 'core/errors', 'core/contracts', ...LEAVES],
  // The schema of settings shares patterns with the profiles' and names plugins as the host does.
  // Works on a storage from outside, also when no sidecar runs.
  'core/backup': ['core/errors', 'core/contracts', ...LEAVES],
  'core/audit': ['core/errors', 'core/contracts', ...LEAVES],
  // Looks at an installation from outside; what it may try of plugins and spawners is handed in.
  'core/doctor': ['core/config', 'core/project', 'core/profiles', 'core/plugin-host', 'core/errors', 'core/contracts', ...LEAVES],
  'core/config': ['core/profiles', 'core/plugin-host', 'core/errors', 'core/contracts', ...LEAVES],
  'core/project': ['core/project/languages', 'core/profiles', 'core/errors', 'core/contracts', ...LEAVES],
  'core/profiles': ['core/errors', 'core/contracts', ...LEAVES],
  'core/plugin-host': ['core/errors', 'core/contracts', ...LEAVES],
  ...Object.fromEntries(LEAVES.map((leaf) => [leaf, ['core/errors', 'core/contracts', ...(leaf === 'core/storage' ? ['core/durable-file'] : [])]])),
  // Re-exported by the plugin API, so they know of nothing.
  'core/context/priority': [],
  'core/context/glob': [],
  'core/project/languages': [],
  'core/events/topics': [],
  // Groups for a bus that has none of its own.
  'core/events/consumer-groups': ['core/errors', 'core/contracts'],
  'core/errors': ['core/contracts'],
  'core/contracts': []
}

/** Files that make up a part under another name. */
const PARTS: Record<string, string> = Object.fromEntries([
  'assemble', 'audit-start', 'configured-plugins', 'offline-keys', 'offline-trust', 'operator-token', 'retention', 'route-list', 'shut-down', 'sidecar-config', 'telemetry-source'
].map((name) => [`core/${name}`, 'core/sidecar']))

const SOURCES = ['index.ts', ...['core', 'plugins', 'cli'].flatMap((folder) => readdirSync(join(PACKAGE_ROOT, folder), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts')).map((path) => join(folder, path)))]

/** The part of the house that a file belongs to: the longest name of the table that it lies under. */
function partOf (file: string): string | undefined {
  const path = file.replace(/\.ts$/, '')
  const names = Object.keys({ ...MAY_IMPORT, ...PARTS }).filter((name) => path === name || path.startsWith(`${name}/`))
  const name = names.sort((a, b) => b.length - a.length)[0]
  return name === undefined ? undefined : PARTS[name] ?? name
}

function importsOf (file: string, text = readFileSync(join(PACKAGE_ROOT, file), 'utf8')): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName)
}

/** Files of the project that a file imports, types and `import()` included. */
function targetsOf (file: string): string[] {
  return importsOf(file).filter((name) => name.startsWith('.')).map((name) => normalize(join(dirname(file), name)).replace(/\.js$/, '.ts'))
}

t.test('the table is one-way', async t => {
  const done = new Set<string>()
  const visit = (part: string, path: string[]): void => {
    if (path.includes(part)) t.fail(`a circle: ${[...path, part].join(' → ')}`)
    else if (!done.has(part)) for (const next of MAY_IMPORT[part] ?? []) visit(next, [...path, part])
    done.add(part)
  }
  for (const part of Object.keys(MAY_IMPORT)) visit(part, [])
  t.strictSame(Object.values(MAY_IMPORT).flat().filter((part) => !(part in MAY_IMPORT)), [], 'and names only parts that it knows')
})

t.test('every import keeps to it', async t => {
  t.ok(SOURCES.length > 200, `${SOURCES.length} files were read`)
  for (const file of SOURCES) {
    const from = partOf(file)
    if (from === undefined) {
      t.fail(`${file} is in no part of the house; add it to the table`)
      continue
    }
    const wrong = targetsOf(file).filter((target) => {
      const to = partOf(target)
      return !existsSync(join(PACKAGE_ROOT, target)) || (to !== from && !MAY_IMPORT[from]!.includes(to!))
    })
    t.strictSame(wrong, [], file)
  }
})

t.test('a plugin never imports another', async t => {
  const builtins = targetsOf('plugins/builtins.ts').filter((file) => file.startsWith('plugins/'))
  t.ok(builtins.length > 30)
  /** The plugin that a file is part of: `undefined` for what the plugins of a kind share. */
  const ownerOf = (file: string): string | undefined => builtins.find((entry) => entry === file || (entry.endsWith('/index.ts') && file.startsWith(`${dirname(entry)}/`)))
  for (const file of SOURCES.filter((path) => path.startsWith('plugins/') && path !== 'plugins/builtins.ts')) {
    const kind = file.split('/')[1]
    const wrong = targetsOf(file).filter((target) => {
      if (target === 'core/plugin-api.ts') return false
      const owner = ownerOf(target)
      return target.split('/')[1] !== kind || (owner !== undefined && owner !== ownerOf(file))
    })
    t.strictSame(wrong, [], file)
  }
})

t.test('contracts are types only', async t => {
  for (const file of SOURCES.filter((path) => path.startsWith('core/contracts/'))) {
    const { outputText } = ts.transpileModule(readFileSync(join(PACKAGE_ROOT, file), 'utf8'), {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true, removeComments: true }
    })
    t.equal(outputText.trim(), 'export {};', `${file} leaves nothing at run time`)
  }
})

t.test('the lint says it while one types', async t => {
  const eslint = new ESLint({ cwd: PACKAGE_ROOT, overrideConfigFile: join(PACKAGE_ROOT, 'eslint.config.js') })
  const faultsOf = async (file: string, name: string): Promise<string[]> => {
    const [result] = await eslint.lintText(`import { x } from '${name}'\n\nexport const y = x\n`, { filePath: join(PACKAGE_ROOT, file) })
    return result!.messages.map(({ ruleId, message }) => `${ruleId}: ${message}`)
  }
  const wrong: [file: string, name: string][] = [
    ['plugins/context/new.ts', '../../core/errors.js'], ['plugins/context/new.ts', '../../core/plugin-host/define-plugin.js'],
    ['plugins/context/shared/new.ts', '../../../core/context/glob.js'], ['plugins/http/new.ts', '../../index.js'], ['plugins/http/new.ts', '../../cli/program.js'],
    ['plugins/events/journal/new.ts', '../../storage/memory.js'],
    ['core/new.ts', '../plugins/builtins.js'], ['core/http/new.ts', '../../plugins/http/cors.js'], ['core/http/routes/new.ts', '../../../index.js'], ['core/fleet/new.ts', '../../cli/cco.js'],
    ['core/http/new.ts', '../sidecar.js'], ['core/context/new.ts', '../http/app.js'], ['core/events/new.ts', '../http/types.js'], ['core/fleet/new.ts', '../sidecar.js'],
    ['core/project/new.ts', '../context/rank.js'], ['core/project/worker/new.ts', '../../fleet/fleet.js'], ['core/project/worker/new.ts', '../../../plugins/http/cors.js'],
    ['core/profiles/new.ts', '../results/results.js'], ['core/plugin-host/new.ts', '../events/events.js'], ['core/plugin-host/new.ts', '../../index.js'],
    ['core/contracts/new.ts', '../errors.js'], ['core/contracts/new.ts', '../ids.js'], ['core/errors.ts', './ids.js'], ['core/errors.ts', '../index.js']
  ]
  for (const [file, name] of wrong) t.match(await faultsOf(file, name), [/^no-restricted-imports: .*'.*' import is restricted/], `${name} in ${file}`)
  const right: [file: string, name: string][] = [
    ['plugins/context/new.ts', '../../core/plugin-api.js'], ['plugins/context/new.ts', './shared/words.js'], ['plugins/context/new.ts', 'fastify'],
    ['core/sidecar.ts', './http/app.js'], ['core/http/new.ts', '../fleet/fleet.js'], ['core/context/new.ts', '../contracts/http.js'], ['core/fleet/new.ts', '../events/events.js'],
    ['core/project/new.ts', '../contracts/context-strategy.js'], ['core/project/worker/new.ts', '../../errors.js'], ['core/contracts/new.ts', './common.js'], ['core/errors.ts', './contracts/common.js'],
    ['index.ts', './plugins/builtins.js'], ['cli/new.ts', '../index.js']
  ]
  for (const [file, name] of right) t.strictSame(await faultsOf(file, name), [], `${name} in ${file}`)
})
