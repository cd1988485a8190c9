import { folderOf, languageOf, roleOfFile } from './files.mjs'

const DEEPEST = 12 // the folders of a Java package alone are six deep
const SOURCE_SHARE = 0.25

/**
 * The folders that structure a project: top-level ones, and where one of them holds a large part of the code, its subfolders.
 * Each as `{ path, role, files, bytes, main_language, languages }`; files of the root are the module `.`. `members` gives a module's paths.
 */
export function moduleMap (project) {
  const code = project.files.map((file) => file.path).filter((path) => roleOfFile(path) !== 'other')
  const large = Math.max(12, code.length * 0.25)
  let groups = split(code, '')
  for (let depth = 1; depth < DEEPEST; depth++) {
    groups = new Map([...groups].flatMap(([path, files]) => {
      if (path === '.') return [[path, files]]
      const parts = split(files, path)
      const onlyChild = parts.size === 1 && !parts.has(path)
      return onlyChild || (files.length > large && parts.size > 1) ? [...parts] : [[path, files]]
    }))
  }
  const members = groups
  const modules = [...groups].map(([path, files]) => describe(path, files, project)).sort((a, b) => b.files - a.files || a.path.localeCompare(b.path))
  return { modules, members }
}

/** Files by the next folder below `base`; those that lie in `base` itself stay under its name. */
function split (paths, base) {
  const groups = new Map()
  for (const path of paths) {
    const rest = base === '' ? path : path.slice(base.length + 1)
    const folder = rest.includes('/') ? rest.slice(0, rest.indexOf('/')) : ''
    const name = [base, folder].filter(Boolean).join('/') || '.'
    if (!groups.has(name)) groups.set(name, [])
    groups.get(name).push(path)
  }
  return groups
}

function describe (path, files, project) {
  const sizes = files.map(project.sizeOf)
  const roles = tally(files.map(roleOfFile))
  const languages = tally(files.map(languageOf))
  return {
    path,
    role: roles.source >= files.length * SOURCE_SHARE ? 'source' : Object.keys(roles)[0],
    files: files.length,
    bytes: sizes.includes(undefined) ? null : sizes.reduce((sum, size) => sum + size, 0),
    main_language: Object.keys(languages)[0],
    languages
  }
}

/** How often each value occurs, the most frequent first. */
export function tally (values) {
  const counts = new Map()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return Object.fromEntries([...counts].sort((a, b) => b[1] - a[1]))
}

/** The module of a path: the longest one that holds it. `modules` are `{ path }`, folders or single files. */
export function moduleOf (path, modules) {
  let best
  for (const module of modules) {
    const holds = module.path === '.' ? folderOf(path) === '' : path === module.path || path.startsWith(`${module.path}/`)
    if (holds && module.path.length > (best?.path.length ?? 0)) best = module
  }
  return best
}
