import { importsIn } from './imports.mjs'
import { createResolver } from './resolve.mjs'

/**
 * Who imports whom, among the files whose content is known.
 * `imports` and `dependents`: path → set of paths; `external`: package → set of the paths that import it.
 */
export function importGraph (project) {
  const resolve = createResolver(project)
  const imports = new Map()
  const dependents = new Map()
  const external = new Map()
  for (const file of project.seen) {
    for (const specifier of importsIn(file.content, file.language)) {
      const target = resolve(file.path, specifier)
      if (target.external) add(external, target.external, file.path)
      if (!target.file || target.file === file.path) continue
      add(imports, file.path, target.file)
      add(dependents, target.file, file.path)
    }
  }
  return { imports, dependents, external }
}

function add (map, key, value) {
  if (!map.has(key)) map.set(key, new Set())
  map.get(key).add(value)
}

/** All files that the given ones reach over imports, themselves included. */
export function reachedFrom (paths, imports) {
  const reached = new Set(paths)
  for (const path of reached) for (const next of imports.get(path) ?? []) reached.add(next)
  return reached
}

/** Groups of the given files that import each other in a ring, the largest first: each reaches all others of its group. */
export function importCycles (allImports, matters) {
  const imports = new Map([...allImports].filter(([from]) => matters(from)).map(([from, targets]) => [from, [...targets].filter(matters)]))
  const cycles = []
  const done = new Set()
  const importedBy = new Map()
  for (const [from, targets] of imports) for (const to of targets) add(importedBy, to, from)
  for (const start of imports.keys()) {
    if (done.has(start)) continue
    const forth = reachedFrom([start], imports)
    const back = reachedFrom([start], importedBy)
    const ring = [...forth].filter((path) => back.has(path))
    for (const path of ring) done.add(path)
    if (ring.length > 1) cycles.push(ring.sort())
  }
  return cycles.sort((a, b) => b.length - a.length)
}
