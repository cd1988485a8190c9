import type { ManifestFacts, StatedDependency } from './manifest.js'
import { nodesAt, parseXml, textAt, type XmlNode } from './xml.js'

/** Project files of MSBuild, Directory.Packages.props and packages.config. */
export function readMsbuild (text: string): ManifestFacts {
  const root = parseXml(text)
  const property = (name: string): string | null => nodesAt(root, 'Project', 'PropertyGroup').map((group) => textAt(group, name)).find((value) => value !== undefined) ?? null
  const groups = nodesAt(root, 'Project', 'ItemGroup')
  const isTest = property('IsTestProject') === 'true'
  const read = (node: XmlNode, kind: StatedDependency['kind']): StatedDependency[] => {
    const name = node.attribute('Include') ?? node.attribute('Update') ?? node.attribute('id')
    const version = node.attribute('Version') ?? node.attribute('VersionOverride') ?? node.attribute('version') ?? textAt(node, 'Version')
    return name === undefined ? [] : [{ name, version: version ?? null, kind: node.attribute('PrivateAssets')?.toLowerCase() === 'all' ? 'build' : kind }]
  }
  return {
    name: property('PackageId') ?? property('AssemblyName'),
    version: property('Version') ?? property('VersionPrefix'),
    dependencies: [
      ...groups.flatMap((group) => nodesAt(group, 'PackageReference')).flatMap((node) => read(node, isTest ? 'dev' : 'prod')),
      ...nodesAt(root, 'packages', 'package').flatMap((node) => read(node, node.attribute('developmentDependency') === 'true' ? 'dev' : 'prod'))
    ],
    pinned: new Map(groups.flatMap((group) => nodesAt(group, 'PackageVersion')).flatMap((node) => read(node, null)).flatMap(({ name, version }) => (version === null ? [] : [[name, version]]))),
    entryPoints: ['Program.cs', 'Program.fs']
  }
}
