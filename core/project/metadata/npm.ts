import { isTable, linesOf, parseJson, tableAt, textOf, textsOf, type DependencyKind, type ManifestFacts, type StatedDependency } from './manifest.js'

const TABLES: Record<string, DependencyKind> = { dependencies: 'prod', optionalDependencies: 'optional', peerDependencies: 'peer', devDependencies: 'dev' }

export function readPackageJson (text: string): ManifestFacts {
  const manifest = parseJson(text)
  const { name, version, workspaces, main, module, bin, exports } = manifest
  return {
    name: textOf(name),
    version: textOf(version),
    dependencies: Object.entries(TABLES).flatMap(([table, kind]) => readTable(manifest[table], kind)),
    workspaces: textsOf(isTable(workspaces) ? workspaces.packages : workspaces),
    entryPoints: [main, module, typeof bin === 'string' ? bin : Object.values(tableAt(bin)), targetsOf(exports)].flat().filter((entry) => typeof entry === 'string')
  }
}

export function readTable (table: unknown, kind: DependencyKind): StatedDependency[] {
  return isTable(table) ? Object.entries(table).map(([name, version]) => ({ name, version: textOf(version), kind })) : []
}

/** Files that `exports` leads to: of the root first, of each condition, and without patterns. */
function targetsOf (exports: unknown, depth = 0): string[] {
  if (typeof exports === 'string') return exports.includes('*') || /\.(?:d\.[cm]?ts|json)$/.test(exports) ? [] : [exports]
  return isTable(exports) && depth < 4 ? Object.values(exports).flatMap((target) => targetsOf(target, depth + 1)) : []
}

/** Its globs of packages and its catalogue of versions. */
export function readPnpmWorkspace (text: string): ManifestFacts {
  const workspaces: string[] = []
  const pinned = new Map<string, string>()
  let section = ''
  for (const line of linesOf(text)) {
    const heading = /^([A-Za-z]\w*):/.exec(line)
    if (heading !== null) section = heading[1]!
    const member = section === 'packages' ? /^\s*-\s*["']?([^\s"'#]+)/.exec(line) : null
    if (member !== null) workspaces.push(member[1]!)
    const entry = section === 'catalog' ? /^\s+["']?(@?[\w./-]+)["']?:\s*["']?([^\s"'#]+)/.exec(line) : null
    if (entry !== null) pinned.set(entry[1]!, entry[2]!)
  }
  return { dependencies: [], pinned, workspaces }
}
