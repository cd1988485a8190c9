/** `null` where the manifest does not say: a catalogue of versions, a lock file. */
export type DependencyKind = 'prod' | 'dev' | 'build' | 'peer' | 'optional' | 'indirect' | null

export interface StatedDependency {
  name: string
  /** Range or version as the manifest states it; `null` where it states none. */
  version: string | null
  kind: DependencyKind
}

/** What one manifest says. */
export interface ManifestFacts {
  name?: string | null
  version?: string | null
  dependencies: StatedDependency[]
  /** Versions that it states for the manifests below it, by name. */
  pinned?: Map<string, string>
  /** Folders or globs of the packages that belong to it. */
  workspaces?: string[]
  /** Files that programs or importers begin with, relative to the manifest. */
  entryPoints?: string[]
}

/** Manifests come from strangers: each reader takes time in proportion to the text. Throws `ManifestFault` for one that is malformed. */
export type ManifestReader = (text: string, path: string) => ManifestFacts | Promise<ManifestFacts>

export class ManifestFault extends Error {}

// Nobody writes longer lines by hand, and patterns may take time in the square of a line.
const LONGEST_LINE = 1000

export function linesOf (text: string): string[] {
  return text.split('\n').filter((line) => line.length <= LONGEST_LINE)
}

export type Table = Record<string, unknown>

export function isTable (value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The table below these names; an empty one where there is none. */
export function tableAt (value: unknown, ...names: string[]): Table {
  let found = value
  for (const name of names) found = isTable(found) && Object.hasOwn(found, name) ? found[name] : undefined
  return isTable(found) ? found : {}
}

export function textOf (value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

export function textsOf (value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === 'string' && entry !== '') : []
}

export function parseJson (text: string): Table {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new ManifestFault('is no JSON')
  }
  if (!isTable(value)) throw new ManifestFault('is no JSON object')
  return value
}

export async function parseToml (text: string): Promise<Table> {
  const { parse } = await import('smol-toml')
  try {
    return parse(text)
  } catch (error) {
    const line = (error as { line?: unknown }).line
    throw new ManifestFault(typeof line === 'number' ? `is no TOML (line ${line})` : 'is no TOML')
  }
}
