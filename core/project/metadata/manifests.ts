import type { ProjectFile, ProjectView } from '../../contracts/index.js'
import { editedBetween } from '../edited-files.js'
import { readPubspec } from './dart.js'
import { readMsbuild } from './dotnet.js'
import { readGoMod, readGoWork } from './go.js'
import { readGradle, readGradleSettings, readVersionCatalog } from './gradle.js'
import { listedOf } from './listed.js'
import { ManifestFault, type DependencyKind, type ManifestFacts, type ManifestReader } from './manifest.js'
import { readPom } from './maven.js'
import { readPackageJson, readPnpmWorkspace } from './npm.js'
import { readComposer } from './php.js'
import { readPipfile, readPyproject, readRequirements, readSetupCfg } from './python.js'
import { readGemfile, readGemfileLock, readGemspec } from './ruby.js'
import { readCargo } from './rust.js'
import { readPackageSwift } from './swift.js'

export interface Dependency {
  name: string
  /** Range or version as the manifest states it; `null` where it states none. */
  version: string | null
  kind: DependencyKind
  ecosystem: string
  /** The first manifest that states it so. */
  manifest: string
  /** Further manifests that state the same. */
  also_in: number
}

export interface ManifestSummary {
  path: string
  ecosystem: string
  name: string | null
  version: string | null
  /** Where it has members. */
  workspaces?: string[]
}

export interface Manifests {
  manifests: ManifestSummary[]
  manifests_omitted: number
  dependencies: Dependency[]
  dependencies_omitted: number
  /** Files of the project that manifests name as the place where programs or importers begin. */
  entryPoints: string[]
  warnings: string[]
}

interface Known { ecosystem: string, read: ManifestReader }

const BY_NAME = new Map<string, Known>([
  ['package.json', { ecosystem: 'npm', read: readPackageJson }],
  ['pnpm-workspace.yaml', { ecosystem: 'npm', read: readPnpmWorkspace }],
  ['pyproject.toml', { ecosystem: 'python', read: readPyproject }],
  ['setup.cfg', { ecosystem: 'python', read: readSetupCfg }],
  ['Pipfile', { ecosystem: 'python', read: readPipfile }],
  ['go.mod', { ecosystem: 'go', read: readGoMod }],
  ['go.work', { ecosystem: 'go', read: readGoWork }],
  ['Cargo.toml', { ecosystem: 'rust', read: readCargo }],
  ['pom.xml', { ecosystem: 'maven', read: readPom }],
  ['build.gradle', { ecosystem: 'gradle', read: readGradle }],
  ['build.gradle.kts', { ecosystem: 'gradle', read: readGradle }],
  ['settings.gradle', { ecosystem: 'gradle', read: readGradleSettings }],
  ['settings.gradle.kts', { ecosystem: 'gradle', read: readGradleSettings }],
  ['composer.json', { ecosystem: 'php', read: readComposer }],
  ['Gemfile', { ecosystem: 'ruby', read: readGemfile }],
  ['gems.rb', { ecosystem: 'ruby', read: readGemfile }],
  ['Gemfile.lock', { ecosystem: 'ruby', read: readGemfileLock }],
  ['pubspec.yaml', { ecosystem: 'dart', read: readPubspec }],
  ['packages.config', { ecosystem: 'nuget', read: readMsbuild }],
  ['Directory.Packages.props', { ecosystem: 'nuget', read: readMsbuild }],
  ['Package.swift', { ecosystem: 'swift', read: readPackageSwift }]
])

const BY_FORM: readonly (readonly [RegExp, Known])[] = [
  [/(?:^|\/)(?:[\w.-]*requirements[\w.-]*|requirements\/[\w.-]+)\.(?:txt|in)$/, { ecosystem: 'python', read: readRequirements }],
  [/\.(?:cs|fs|vb)proj$/, { ecosystem: 'nuget', read: readMsbuild }],
  [/\.versions\.toml$/, { ecosystem: 'gradle', read: readVersionCatalog }],
  [/\.gemspec$/, { ecosystem: 'ruby', read: readGemspec }]
]

/** What others wrote, or what tests are fed with: neither says what the project depends on. */
const FOREIGN = /(?:^|\/)(?:node_modules|bower_components|vendor|third[-_]party|site-packages|\.?venv|fixtures?|__fixtures__|test[-_]?data|test\/resources|templates?)\//
/** Tests may have a manifest of their own; those further down are what tests are fed with. */
const FED = /(?:^|\/)(?:tests?|specs?|__tests__|e2e)\/(?:[^/]+\/){2}/
/** What serves the project without being it. */
const ASIDE = /(?:^|\/)(?:tests?|specs?|__tests__|e2e|examples?|samples?|demos?|bench(?:es|marks?)?|docs?|website)\//

export function isForeign (path: string): boolean {
  return FOREIGN.test(path)
}

export function isAside (path: string): boolean {
  return ASIDE.test(path)
}

function manifestOf (path: string): Known | undefined {
  if (isForeign(path) || FED.test(path)) return undefined
  return BY_NAME.get(path.slice(path.lastIndexOf('/') + 1)) ?? BY_FORM.find(([form]) => form.test(path))?.[1]
}

const MOST_READ = 200
const MOST_MANIFESTS = 60
const MOST_DEPENDENCIES = 1000
const MOST_WORKSPACES = 100
// A manifest that is longer was written by a program; what parses it may not hold up the server.
const LONGEST = 512 * 1024

// What a manifest is there for comes first; who cuts the list, cuts the end.
const ORDER: readonly DependencyKind[] = ['prod', 'peer', 'optional', null, 'dev', 'build', 'indirect']

interface Found extends Known { path: string, depth: number }

export function isManifest (path: string): boolean {
  return manifestOf(path) !== undefined
}

/** The outer folders first, and the project before what serves it. */
function outerFirst (files: readonly ProjectFile[]): Found[] {
  return files.flatMap(({ path }) => {
    const known = manifestOf(path)
    return known === undefined ? [] : [{ path, depth: path.split('/').length + (isAside(path) ? 20 : 0), ...known }]
  }).sort((a, b) => a.depth - b.depth || (a.path < b.path ? -1 : 1))
}

/** What was read of each project: it holds as long as its manifests are as they were, and all paths. */
const latest = new Map<string, { files: readonly ProjectFile[], manifests: readonly ProjectFile[], read: Manifests }>()
const MOST_PROJECTS = 64

/** Reads manifests of a project. */
export async function readManifests (project: ProjectView, manifests: readonly ProjectFile[]): Promise<Manifests> {
  const { id, files } = project
  const known = latest.get(id)
  const isSame = known !== undefined && known.manifests.length === manifests.length && manifests.every((file, index) => file === known.manifests[index]) && editedBetween(known.files, files) !== undefined
  const read = isSame ? known.read : await readAll(project, manifests)
  latest.delete(id)
  latest.set(id, { files, manifests, read })
  if (latest.size > MOST_PROJECTS) latest.delete(latest.keys().next().value!)
  return read
}

async function readAll (project: ProjectView, files: readonly ProjectFile[]): Promise<Manifests> {
  const found = outerFirst(files)
  const warnings: string[] = []
  const read: (Found & { facts: ManifestFacts })[] = []
  for (const manifest of found.slice(0, MOST_READ)) read.push({ ...manifest, facts: await readManifest(project, manifest, warnings) })
  if (found.length > MOST_READ) warnings.push(`${found.length - MOST_READ} manifests in inner folders were not read`)
  const manifests = read.map(({ path, ecosystem, facts: { name = null, version = null, workspaces = [] } }) => {
    if (workspaces.length > MOST_WORKSPACES) warnings.push(`${path}: names ${workspaces.length} workspaces, of which ${MOST_WORKSPACES} are given`)
    return { path, ecosystem, name, version, ...(workspaces.length === 0 ? {} : { workspaces: workspaces.slice(0, MOST_WORKSPACES) }) }
  })
  const dependencies = mergeDependencies(read)
  const entryPoints = read.filter(({ path }) => !isAside(path))
    .flatMap(({ path, facts }) => (facts.entryPoints ?? []).map((entry) => path.slice(0, path.lastIndexOf('/') + 1) + entry.replace(/^\.\//, '')))
  return {
    manifests: manifests.slice(0, MOST_MANIFESTS),
    manifests_omitted: found.length - Math.min(manifests.length, MOST_MANIFESTS),
    dependencies: dependencies.slice(0, MOST_DEPENDENCIES),
    dependencies_omitted: Math.max(0, dependencies.length - MOST_DEPENDENCIES),
    entryPoints: [...await listedOf(project.files, new Set(entryPoints))],
    warnings
  }
}

const DEEPEST = 100
const ASIDE_RANK = 10_000

/** The same dependency of several manifests once; by kind, and those of a kind by the depth of the manifest. */
function mergeDependencies (read: readonly (Found & { facts: ManifestFacts })[]): Dependency[] {
  const pinned = new Map<string, string>()
  for (const { ecosystem, facts } of read) {
    for (const [name, version] of facts.pinned ?? []) if (!pinned.has(`${ecosystem} ${name}`)) pinned.set(`${ecosystem} ${name}`, version)
  }
  const merged = new Map<string, { rank: number, dependency: Dependency }>()
  for (const { path, depth, ecosystem, facts } of read) {
    for (const stated of facts.dependencies) {
      const isLeft = stated.version === null || stated.version === 'catalog:'
      const version = isLeft ? pinned.get(`${ecosystem} ${stated.name}`) ?? stated.version : stated.version
      const key = JSON.stringify([ecosystem, stated.name, version, stated.kind])
      const known = merged.get(key)
      if (known !== undefined) known.dependency.also_in++
      else merged.set(key, { rank: (isAside(path) ? ASIDE_RANK : 0) + ORDER.indexOf(stated.kind) * DEEPEST + Math.min(depth, DEEPEST - 1), dependency: { ...stated, version, ecosystem, manifest: path, also_in: 0 } })
    }
  }
  return [...merged.values()].sort((a, b) => a.rank - b.rank).map(({ dependency }) => dependency)
}

async function readManifest (project: ProjectView, { path, read }: Found, warnings: string[]): Promise<ManifestFacts> {
  const nothing: ManifestFacts = { dependencies: [] }
  const text = await project.read(path)
  const fault = text === undefined ? 'cannot be read' : text.length > LONGEST ? `is longer than the ${LONGEST / 1024} KiB that are read of a manifest` : undefined
  if (fault !== undefined) {
    warnings.push(`${path}: ${fault}`)
    return nothing
  }
  try {
    return await read(text!, path)
  } catch (error) {
    // What a reader did not foresee is a fault of the manifest all the same: nobody may stop a context with one.
    warnings.push(`${path}: ${error instanceof ManifestFault ? error.message : 'cannot be understood'}`)
    return nothing
  }
}
