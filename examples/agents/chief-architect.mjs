// Draws the map that the others work from: modules, who depends on whom, and which few parts deserve attention.
import { isSource, stemOf } from './analysis/files.mjs'
import { bounded, count, readProject } from './analysis/project.mjs'
import { moduleMap, moduleOf } from './analysis/modules.mjs'
import { importCycles, importGraph } from './analysis/import-graph.mjs'
import { entryPoints } from './analysis/entry-points.mjs'

const ATTENTION = { least: 3, most: 8, share: 0.35 }

export default async function chiefArchitect (sidecar) {
  const began = performance.now()
  await sidecar.say('reading the context', 0.1)
  const { context } = await sidecar.context()
  const project = readProject({ context })
  const { modules, members } = moduleMap(project)
  const graph = importGraph(project)
  await sidecar.say(`${count(modules.length, 'module')} in ${count(project.total, 'file')}, ${count(graph.external.size, 'external package')}`, 0.6)

  const warnings = project.gaps('source files', isSource)
  const dependencies = describeDependencies(graph, modules, warnings)
  const attention = chooseAttention(modules, members, dependencies, project, context, sidecar.task)
  const workItems = attention.map((module) => ({ module: module.path, title: `Review ${nameOf(module)}`, reason: module.reason }))
  const cycles = importCycles(graph.imports, isSource)
  const entries = entryPoints(project)
  const result = {
    status: 'success',
    decisions: decide(modules, dependencies, graph.external.size, cycles, entries, attention),
    metrics: {
      files_total: project.total,
      source_files: project.files.filter((file) => isSource(file.path)).length,
      files_read: project.seen.length,
      modules: modules.length,
      imports_between_files: [...graph.imports.values()].reduce((sum, targets) => sum + targets.size, 0),
      external_packages: graph.external.size,
      import_cycles: cycles.length,
      duration_ms: Math.round(performance.now() - began)
    },
    artifacts: {
      module_map: {
        modules: bounded(modules, 60, 'modules', warnings),
        attention,
        entry_points: bounded(entries, 20, 'entry points', warnings)
      },
      dependencies: { ...dependencies, cycles: bounded(cycles, 10, 'import cycles', warnings) },
      work_items: workItems
    },
    warnings,
    next_steps: workItems.map((item) => `${item.title}: ${item.reason}`)
  }
  const stored = await sidecar.store(result)
  const outcome = { result_id: stored.id, modules: attention.map((module) => module.path), work_items: workItems }
  await sidecar.publish('architecture_defined', 'architecture', outcome)
  await sidecar.say(`stored ${stored.id} and published architecture_defined with ${count(workItems.length, 'work item')}`, 1)
}

function describeDependencies (graph, modules, warnings) {
  const numbers = (importers) => ({ importers: importers.size, source_importers: [...importers].filter(isSource).length })
  const byUse = (a, b) => b.importers - a.importers || (a.path ?? a.name).localeCompare(b.path ?? b.name)
  const internal = [...graph.dependents].map(([path, importers]) => ({ path, ...numbers(importers) })).sort(byUse)
  const external = [...graph.external].map(([name, importers]) => ({ name, ...numbers(importers) })).sort(byUse)
  const betweenModules = new Map()
  for (const [from, targets] of graph.imports) {
    for (const to of targets) {
      const [a, b] = [moduleOf(from, modules)?.path, moduleOf(to, modules)?.path]
      if (a && b && a !== b) betweenModules.set(`${a} ${b}`, { from: a, to: b, imports: (betweenModules.get(`${a} ${b}`)?.imports ?? 0) + 1 })
    }
  }
  return {
    internal: bounded(internal, 200, 'imported files', warnings),
    external: bounded(external, 50, 'external packages', warnings),
    between_modules: bounded([...betweenModules.values()].sort((a, b) => b.imports - a.imports), 60, 'module dependencies', warnings)
  }
}

/** Modules by how much depends on them, their size, recent work on them and the task. Where there are too few modules, single files. */
function chooseAttention (modules, members, dependencies, project, context, task) {
  const importersOf = new Map(dependencies.internal.map((file) => [file.path, file.importers]))
  let units = modules.filter((module) => module.role === 'source')
    .map((module) => ({ ...module, paths: members.get(module.path).filter(isSource) }))
  if (units.length < ATTENTION.least) {
    const files = units.length > 0 ? units.flatMap((unit) => unit.paths) : project.files.map((file) => file.path).filter(isSource)
    units = files.map((path) => ({ path, files: 1, bytes: project.sizeOf(path) ?? null, paths: [path] }))
  }
  const words = new Set(`${task} ${context.task?.title ?? ''} ${context.task?.description ?? ''}`.toLowerCase().match(/[a-z][a-z0-9]{3,}/g) ?? [])
  const commits = (context.git_context?.recent_commits ?? []).map((commit) => new Set(commit.files_changed ?? []))
  const rated = units.map((unit) => rate(unit, importersOf, commits, words)).sort((a, b) => b.score - a.score || a.path.localeCompare(b.path))
  const worthy = rated.filter((unit) => unit.score >= rated[0].score * ATTENTION.share).length
  return rated.slice(0, Math.min(ATTENTION.most, Math.max(ATTENTION.least, worthy)))
}

function rate (unit, importersOf, commits, words) {
  const importers = unit.paths.reduce((sum, path) => sum + (importersOf.get(path) ?? 0), 0)
  const touched = commits.filter((files) => unit.paths.some((path) => files.has(path))).length
  const named = unit.paths.some((path) => [stemOf(path), ...path.split('/')].some((part) => words.has(part.toLowerCase())))
  const kilobytes = (unit.bytes ?? 0) / 1024
  const score = 3 * Math.log2(1 + importers) + Math.log2(1 + unit.files) + Math.log2(1 + kilobytes) / 2 + Math.min(touched, 5) + (named ? 4 : 0)
  const reason = [
    count(unit.files, 'file'),
    unit.bytes !== null && `${Math.ceil(kilobytes)} kB`,
    `imported ${count(importers, 'time')}`,
    commits.length > 0 && `touched by ${touched} of the last ${count(commits.length, 'commit')}`,
    named && 'named by the task'
  ].filter(Boolean).join(', ')
  return { path: unit.path, files: unit.files, bytes: unit.bytes, importers, recent_commits: touched, score: Math.round(score * 10) / 10, reason }
}

function nameOf ({ path }) {
  return path === '.' ? 'the root folder' : path
}

function decide (modules, dependencies, packages, cycles, entries, attention) {
  const module = modules.find((one) => one.role === 'source')
  const [file, external, between] = [dependencies.internal[0], dependencies.external[0], dependencies.between_modules[0]]
  const ownUse = dependencies.external.toSorted((a, b) => b.source_importers - a.source_importers)[0]
  return [
    module && `The largest source module is ${nameOf(module)} with ${count(module.files, 'file')}, mainly ${module.main_language}, ` +
      `of ${count(modules.length, 'module')} in all.`,
    file && `The most depended-upon file is ${file.path}, imported by ${count(file.importers, 'file')}, ${file.source_importers} of them sources.`,
    external && `The external package used most is ${external.name}, in ${count(external.importers, 'file')}, and among sources alone ` +
      `${ownUse.name}, in ${ownUse.source_importers}; ${count(packages, 'package')} in all.`,
    between && `The strongest tie between modules is ${between.from} → ${between.to} with ${count(between.imports, 'import')}.`,
    cycles.length > 0 && `${count(cycles.length, 'import cycle')}; the largest joins ${cycles[0].length} files, among them ${cycles[0].slice(0, 2).join(' and ')}.`,
    entries.length > 0 && `${count(entries.length, 'entry point')}, first ${entries[0].path}, which ${entries[0].reason.replace(/^(?=bin|main|exports)/, 'is ')}.`,
    attention.length > 0
      ? `Work goes to ${count(attention.length, 'part')}: ${attention.map(nameOf).join(', ')}.`
      : 'The project holds no source files of a known language, so there is no work to hand out.'
  ].filter(Boolean)
}
