// Where an import leads: to a file of the project, or to a package from outside.
import { folderOf, joinPath, languageOf } from './files.mjs'
import { isStandard } from './standard-libraries.mjs'

const SCRIPT_ENDINGS = [
  '', '.js', '.ts', '.tsx', '.mjs', '.cjs', '.jsx', '.mts', '.cts', '.d.ts', '.json', '.vue', '.svelte',
  '/index.js', '/index.ts', '/index.tsx', '/index.mjs', '/index.cjs', '/index.jsx'
]

/** Returns `resolve(from, specifier)` → `{ file }`, `{ external }`, or nothing for the language's own library and what is unknown. */
export function createResolver (project) {
  const has = (path) => path !== undefined && project.paths.has(path)
  const firstOf = (candidates) => candidates.find(has)
  const byName = new Map()
  for (const path of project.paths) {
    const name = path.slice(path.lastIndexOf('/') + 1)
    if (!byName.has(name)) byName.set(name, [])
    byName.get(name).push(path)
  }
  const endingWith = (suffix) => (byName.get(suffix.slice(suffix.lastIndexOf('/') + 1)) ?? []).find((path) => path === suffix || path.endsWith(`/${suffix}`))
  // The project's own packages, by the names under which their files import each other: [name, folder].
  const manifests = (file, name) => project.seen.filter(({ path }) => `/${path}`.endsWith(`/${file}`))
    .map(({ path, content }) => [name.exec(content)?.[1], folderOf(path)])
  const packages = new Map(manifests('package.json', /"name"\s*:\s*"([^"]+)"/))
  const crates = new Map(manifests('Cargo.toml', /^\[package\][^[]*?^name\s*=\s*"([^"]+)"/m).map(([name, folder]) => [name?.replaceAll('-', '_'), folder]))
  const goModules = manifests('go.mod', /^module\s+(\S+)/m)

  function script (from, name) {
    const near = name.startsWith('.') ? [joinPath(folderOf(from), name)] : /^[@~]\//.test(name) ? [`src/${name.slice(2)}`, name.slice(2)] : undefined
    if (near) {
      // TypeScript sources import the name that the compiler will give: `./a.js` is `a.ts`.
      const bases = near.filter((base) => base !== undefined).flatMap((base) => [base, base.replace(/\.([mc]?)jsx?$/, '.$1ts')])
      return { file: firstOf(bases.flatMap((base) => SCRIPT_ENDINGS.map((ending) => base === '' ? ending.replace(/^\//, '') : base + ending))) }
    }
    const external = name.split('/').slice(0, name.startsWith('@') ? 2 : 1).join('/')
    if (name.startsWith('node:') || isStandard.script(external) || !/^@?[\w.-]+(\/[\w.-]+)?$/.test(external)) return {}
    if (!packages.has(external)) return { external }
    const folder = packages.get(external)
    return { file: firstOf(['index.ts', 'index.js', 'src/index.ts', 'src/index.js', 'index.mjs'].map((entry) => joinPath(folder, entry))) }
  }

  function python (from, name) {
    const dots = /^\.*/.exec(name)[0].length
    const path = name.slice(dots).replaceAll('.', '/')
    const roots = []
    for (let folder = folderOf(from); ; folder = folderOf(folder)) {
      roots.push(folder)
      if (folder === '') break
    }
    const bases = dots > 0 ? [roots[dots - 1]] : [...roots.reverse(), 'src', 'lib', 'python']
    const file = firstOf(bases.filter((base) => base !== undefined).flatMap((base) => [`${path}.py`, `${path}/__init__.py`].map((end) => joinPath(base, end))))
    const first = name.split('.')[0]
    if (file || dots > 0) return { file }
    const own = bases.some((base) => project.folders.has(joinPath(base, first)) || has(joinPath(base, `${first}.py`)))
    return own || isStandard.python(first) ? {} : { external: first }
  }

  /** Go imports folders: the file with the package's name stands for it, or else its largest. */
  function goPackage (folder, name) {
    const files = [...project.paths].filter((path) => folderOf(path) === folder && path.endsWith('.go') && !path.endsWith('_test.go'))
    const largest = files.sort((a, b) => (project.sizeOf(b) ?? 0) - (project.sizeOf(a) ?? 0))[0]
    return files.find((path) => `/${path}`.endsWith(`${name.slice(name.lastIndexOf('/'))}.go`)) ?? largest
  }

  function go (from, name) {
    for (const [module, root] of goModules) {
      if (name === module || name.startsWith(`${module}/`)) return { file: goPackage(joinPath(root, name.slice(module.length)), name) }
    }
    const parts = name.split('/')
    return parts[0].includes('.') ? { external: parts.slice(0, /^(github|gitlab|bitbucket)\./.test(parts[0]) ? 3 : 2).join('/') } : {}
  }

  /** The longest beginning of a path of names that is a file; the rest are items in it. */
  function rustFile (root, names) {
    for (let length = names.length; length > 0; length--) {
      const path = joinPath(root, names.slice(0, length).join('/'))
      const file = firstOf([`${path}.rs`, `${path}/mod.rs`])
      if (file) return file
    }
  }

  function rust (from, name) {
    const parts = name.split('::')
    const folder = folderOf(from)
    const source = /^(.*?\/)?src(?=\/|$)/.exec(folder)?.[0] ?? folder
    const inner = /\/(mod|lib|main)\.rs$/.test(`/${from}`) ? folder : from.replace(/\.rs$/, '')
    const base = { crate: source, self: inner, super: folderOf(inner) }[parts[0]]
    const names = base === undefined ? parts : parts.slice(1)
    const file = rustFile(base ?? inner, names) ?? rustFile(base ?? source, names)
    if (file && file !== from) return { file }
    if (isStandard.rust(parts[0])) return {}
    const crate = crates.get(parts[0])
    if (crate === undefined) return { external: parts[0] }
    return { file: rustFile(joinPath(crate, 'src'), parts.slice(1)) ?? firstOf([joinPath(crate, 'src/lib.rs'), joinPath(crate, 'src/main.rs')]) }
  }

  function jvm (from, name) {
    const path = name.replaceAll('.', '/')
    const file = ['java', 'kt', 'scala'].flatMap((ending) => [`${path}.${ending}`, `${folderOf(path)}.${ending}`]).map(endingWith).find(Boolean)
    return file ? { file } : isStandard.jvm(name) ? {} : { external: name.split('.').slice(0, 3).join('.') }
  }

  function c (from, bracketed) {
    const name = bracketed.slice(1)
    const file = firstOf([joinPath(folderOf(from), name), joinPath('include', name), joinPath('src', name)]) ?? endingWith(name)
    if (file) return { file }
    const [folder, rest] = name.split('/')
    return rest === undefined || isStandard.c(folder) ? {} : { external: folder }
  }

  function ruby (from, name) {
    const file = name.startsWith('./') ? firstOf([joinPath(folderOf(from), `${name}.rb`)]) : endingWith(`${name}.rb`)
    const first = name.split('/')[0]
    return file || name.startsWith('./') || isStandard.ruby(first) ? { file } : { external: first }
  }

  function dart (from, name) {
    if (!name.includes(':')) return { file: firstOf([joinPath(folderOf(from), name)]) }
    const [, owner, path] = /^package:([^/]+)\/(.*)$/.exec(name) ?? []
    const file = path && endingWith(`lib/${path}`)
    return file ? { file } : owner ? { external: owner } : {}
  }

  const byLanguage = {
    javascript: script,
    typescript: script,
    vue: script,
    svelte: script,
    python,
    go,
    rust,
    java: jvm,
    kotlin: jvm,
    scala: jvm,
    c,
    cpp: c,
    ruby,
    dart
  }
  return (from, specifier) => byLanguage[languageOf(from)]?.(from, specifier) ?? {}
}
