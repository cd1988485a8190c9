import type { Json, ProjectFile, ProjectView } from '../contracts/index.js'
import { PROGRAMMING_LANGUAGES } from './languages.js'

export interface Dependency {
  name: string
  /** As the manifest states it; `null` where it states none. */
  version: string | null
  ecosystem: string
  manifest: string
}

/** What a project says about itself. What it does not show is `null`. */
export interface ProjectMetadata {
  /** Language of most of its code; `null` without code. */
  project_type: string | null
  /** Bytes of code by language. */
  languages: Record<string, number>
  dependencies: Dependency[]
  manifests: string[]
  /** Percentage of lines that a coverage report in the tree tells. */
  test_coverage: number | null
  /** No file in a tree tells it reliably. */
  last_build_status: null
}

const MAX_MANIFESTS = 40
const MAX_DEPENDENCIES = 500
const MAX_CHARACTERS = 1_000_000
const LONGEST_LINE = 1000

// Manifests come from strangers: each is read once from start to end, line by line or part by part, and what is no line that a
// person would write is passed over. A pattern that spans lines could take time in the square of the file.
type Reader = (text: string) => [name: string, version: string | null][]

/** The manifests that are read, by the name of the file. */
const MANIFESTS: Record<string, { ecosystem: string, read: Reader }> = {
  'package.json': { ecosystem: 'npm', read: readPackageJson },
  'pyproject.toml': { ecosystem: 'python', read: readPyproject },
  'requirements.txt': { ecosystem: 'python', read: readRequirements },
  'go.mod': { ecosystem: 'go', read: readGoMod },
  'Cargo.toml': { ecosystem: 'rust', read: readCargo },
  'pom.xml': { ecosystem: 'maven', read: readPom },
  'composer.json': { ecosystem: 'php', read: readComposer },
  Gemfile: { ecosystem: 'ruby', read: readGemfile },
  'pubspec.yaml': { ecosystem: 'dart', read: readPubspec }
}

export async function readMetadata (project: ProjectView): Promise<ProjectMetadata> {
  const languages = countLanguages(project.files)
  const manifests = project.files
    .filter((file) => Object.hasOwn(MANIFESTS, nameOf(file.path)) && !/(^|\/)(node_modules|vendor|fixtures?|testdata)\//.test(file.path))
    .sort((a, b) => depthOf(a.path) - depthOf(b.path) || (a.path < b.path ? -1 : 1))
    .slice(0, MAX_MANIFESTS)
  const dependencies: Dependency[] = []
  for (const { path } of manifests) {
    const { ecosystem, read } = MANIFESTS[nameOf(path)]!
    const text = await project.read(path)
    if (text === undefined) continue
    for (const [name, version] of read(text.slice(0, MAX_CHARACTERS))) dependencies.push({ name, version, ecosystem, manifest: path })
  }
  return {
    project_type: Object.keys(languages).find((language) => PROGRAMMING_LANGUAGES.has(language)) ?? null,
    languages,
    dependencies: dependencies.slice(0, MAX_DEPENDENCIES),
    manifests: manifests.map((file) => file.path),
    test_coverage: await readCoverage(project),
    last_build_status: null
  }
}

function nameOf (path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function depthOf (path: string): number {
  return path.split('/').length
}

/** Bytes by language, the largest first. */
function countLanguages (files: readonly ProjectFile[]): Record<string, number> {
  const bytes = new Map<string, number>()
  for (const { language, size } of files) {
    if (language !== undefined && PROGRAMMING_LANGUAGES.has(language)) bytes.set(language, (bytes.get(language) ?? 0) + size)
  }
  return Object.fromEntries([...bytes].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)))
}

function readPackageJson (text: string): [string, string | null][] {
  return readJsonTables(text, ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'])
}

function readComposer (text: string): [string, string | null][] {
  return readJsonTables(text, ['require', 'require-dev'])
}

function readJsonTables (text: string, tables: readonly string[]): [string, string | null][] {
  let manifest: Record<string, Json>
  try {
    manifest = JSON.parse(text) as Record<string, Json>
  } catch {
    // A manifest that is no JSON states no dependency; the file itself is still there to be read.
    return []
  }
  return tables.flatMap((table) => {
    const entries = manifest?.[table]
    if (typeof entries !== 'object' || entries === null || Array.isArray(entries)) return []
    return Object.entries(entries).map(([name, version]): [string, string | null] => [name, typeof version === 'string' ? version : null])
  })
}

function linesOf (text: string): string[] {
  return text.split('\n').filter((line) => line.length <= LONGEST_LINE)
}

/** Lines of the TOML tables whose heading matches. */
function tomlLines (text: string, heading: RegExp): string[] {
  const lines: string[] = []
  let inside = false
  for (const line of linesOf(text)) {
    const table = /^\s*\[{1,2}([^[\]]+)\]/.exec(line)
    if (table !== null) inside = heading.test(table[1]!.trim())
    else if (inside) lines.push(line)
  }
  return lines
}

function readCargo (text: string): [string, string | null][] {
  return tomlLines(text, /^(workspace\.|target\..*\.)?(dev-|build-)?dependencies$/).flatMap((line) => {
    const match = /^\s*([A-Za-z0-9_-]+)(?:\.workspace)?\s*=\s*(?:"([^"]*)"|.*?version\s*=\s*"([^"]*)"|.*)/.exec(line)
    return match === null ? [] : [[match[1]!, match[2] ?? match[3] ?? null] as [string, string | null]]
  })
}

function readPyproject (text: string): [string, string | null][] {
  const listed = tomlLists(text, /^\s*(?:dependencies|requires)\s*=\s*\[/)
  const poetry = tomlLines(text, /^tool\.poetry(\.group\.[^.]+)?\.dependencies$/).flatMap((line) => {
    const match = /^\s*([A-Za-z0-9._-]+)\s*=\s*(?:"([^"]*)")?/.exec(line)
    return match === null || match[1] === 'python' ? [] : [[match[1]!, match[2] ?? null] as [string, string | null]]
  })
  return [...listed.flatMap(readRequirement), ...poetry]
}

/** The strings in the lists that begin at a line that matches. */
function tomlLists (text: string, begins: RegExp): string[] {
  const entries: string[] = []
  let inside = false
  for (const line of linesOf(text)) {
    const begin = inside ? null : begins.exec(line)
    if (begin !== null) inside = true
    if (!inside) continue
    const rest = line.slice(begin?.[0].length ?? 0)
    const strings = [...rest.matchAll(/["']([^"']+)["']/g)]
    entries.push(...strings.map((match) => match[1]!))
    // A bracket within a string (`uvicorn[standard]`) does not end the list.
    if (rest.replace(/["'][^"']*["']/g, '').includes(']')) inside = false
  }
  return entries
}

function readRequirements (text: string): [string, string | null][] {
  return linesOf(text).flatMap((line) => (/^\s*(#|-|$)/.test(line) ? [] : readRequirement(line.split('#')[0]!)))
}

/** One requirement after PEP 508. */
function readRequirement (text: string): [string, string | null][] {
  const match = /^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*([^;]*)/.exec(text)
  return match === null ? [] : [[match[1]!, match[2]!.trim() === '' ? null : match[2]!.trim()]]
}

function readGoMod (text: string): [string, string | null][] {
  return matchLines(text, /^\s*(?:require\s+)?([a-z0-9.-]+\.[a-z]+\/\S+)\s+(v\S+)/)
}

function readPom (text: string): [string, string | null][] {
  return text.split('<dependency>').slice(1).flatMap((part) => {
    const dependency = part.slice(0, LONGEST_LINE).split('</dependency>', 1)[0]!
    const member = (name: string): string | undefined => new RegExp(`<${name}>([^<]*)</${name}>`).exec(dependency)?.[1]?.trim()
    const [group, artifact] = [member('groupId'), member('artifactId')]
    return group === undefined || artifact === undefined ? [] : [[`${group}:${artifact}`, member('version') ?? null] as [string, string | null]]
  })
}

function readGemfile (text: string): [string, string | null][] {
  return matchLines(text, /^\s*gem\s+["']([^"']+)["'](?:\s*,\s*["']([^"']+)["'])?/)
}

/** Name and version from each line that matches. */
function matchLines (text: string, pattern: RegExp): [string, string | null][] {
  return linesOf(text).flatMap((line): [string, string | null][] => {
    const match = pattern.exec(line)
    return match === null ? [] : [[match[1]!, match[2] ?? null]]
  })
}

function readPubspec (text: string): [string, string | null][] {
  const found: [string, string | null][] = []
  let inside = false
  for (const line of linesOf(text)) {
    if (/^\S/.test(line)) inside = /^(dev_)?dependencies:/.test(line)
    const match = inside ? /^ {2}([a-z0-9_]+):\s*(\S*)$/.exec(line.trimEnd()) : null
    if (match !== null) found.push([match[1]!, match[2] === '' ? null : match[2]!])
  }
  return found
}

/** Line coverage of the first report that the tree holds. */
async function readCoverage (project: ProjectView): Promise<number | null> {
  const find = (pattern: RegExp): string | undefined => project.files.find((file) => pattern.test(file.path))?.path
  const summary = find(/(^|\/)coverage-summary\.json$/)
  if (summary !== undefined) {
    const percent = readSummary(await project.read(summary) ?? '')
    if (percent !== undefined) return percent
  }
  const lcov = find(/(^|\/)lcov\.info$/)
  if (lcov !== undefined) {
    const text = await project.read(lcov) ?? ''
    const sum = (pattern: RegExp): number => [...text.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0)
    const found = sum(/^LF:(\d+)/gm)
    if (found > 0) return Math.round(sum(/^LH:(\d+)/gm) / found * 10_000) / 100
  }
  const cobertura = find(/(^|\/)(cobertura[^/]*|coverage)\.xml$/)
  if (cobertura !== undefined) {
    const text = await project.read(cobertura) ?? ''
    const root = text.indexOf('<coverage')
    const match = root < 0 ? null : /\bline-rate="([\d.]{1,20})"/.exec(text.slice(root, root + LONGEST_LINE).split('>', 1)[0]!)
    if (match !== null) return Math.round(Number(match[1]) * 10_000) / 100
  }
  return null
}

/** Of the summary that Istanbul writes. */
function readSummary (text: string): number | undefined {
  try {
    const percent = (JSON.parse(text) as { total?: { lines?: { pct?: unknown } } } | null)?.total?.lines?.pct
    return typeof percent === 'number' ? percent : undefined
  } catch {
    return undefined
  }
}
