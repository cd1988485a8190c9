import { isTable, parseToml, tableAt, textOf, textsOf, type DependencyKind, type ManifestFacts, type StatedDependency, type Table } from './manifest.js'

const TABLES: Record<string, DependencyKind> = { dependencies: 'prod', 'build-dependencies': 'build', 'dev-dependencies': 'dev' }

export async function readCargo (text: string): Promise<ManifestFacts> {
  const manifest = await parseToml(text)
  const [own, workspace] = [tableAt(manifest, 'package'), tableAt(manifest, 'workspace')]
  const holders = [manifest, ...Object.values(tableAt(manifest, 'target')).map((target) => tableAt(target))]
  const bins = Array.isArray(manifest.bin) ? manifest.bin.map((bin: unknown) => tableAt(bin).path) : []
  return {
    name: textOf(own.name),
    version: textOf(own.version) ?? textOf(tableAt(workspace, 'package').version),
    dependencies: Object.entries(TABLES).flatMap(([table, kind]) => holders.flatMap((holder) => readCrates(tableAt(holder, table), kind))),
    pinned: new Map(readCrates(tableAt(workspace, 'dependencies'), null).flatMap(({ name, version }) => (version === null ? [] : [[name, version]]))),
    workspaces: textsOf(workspace.members),
    entryPoints: [...textsOf([tableAt(manifest, 'lib').path, ...bins]), 'src/main.rs', 'src/lib.rs']
  }
}

function readCrates (table: Table, kind: DependencyKind): StatedDependency[] {
  return Object.entries(table).map(([name, stated]) => {
    if (!isTable(stated)) return { name, version: textOf(stated), kind }
    // What is left to the workspace has no version here.
    return { name: textOf(stated.package) ?? name, version: textOf(stated.version), kind: stated.optional === true && kind === 'prod' ? 'optional' : kind }
  })
}
