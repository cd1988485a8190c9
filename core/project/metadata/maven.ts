import type { DependencyKind, ManifestFacts, StatedDependency } from './manifest.js'
import { nodesAt, parseXml, textAt, type XmlNode } from './xml.js'

const KINDS = new Map<string | undefined, DependencyKind>([['test', 'dev'], ['provided', 'build'], ['system', 'build']])

export function readPom (text: string): ManifestFacts {
  const root = parseXml(text)
  const [project = root] = nodesAt(root, 'project')
  const resolve = propertiesOf(project)
  const read = (node: XmlNode, kind: DependencyKind): StatedDependency[] => {
    const name = resolve(nameOf(node))
    if (name === null) return []
    return [{ name, version: resolve(textAt(node, 'version')), kind: textAt(node, 'optional') === 'true' ? 'optional' : kind }]
  }
  const holders = [project, ...nodesAt(project, 'profiles', 'profile')]
  return {
    name: nameOf(project) ?? textAt(project, 'artifactId') ?? null,
    version: resolve(textAt(project, 'version') ?? textAt(project, 'parent', 'version')),
    dependencies: [
      ...holders.flatMap((holder) => nodesAt(holder, 'dependencies', 'dependency')).flatMap((node) => read(node, KINDS.get(textAt(node, 'scope')) ?? 'prod')),
      ...nodesAt(project, 'build', 'plugins', 'plugin').flatMap((node) => read(node, 'build'))
    ],
    pinned: new Map([nodesAt(project, 'dependencyManagement', 'dependencies', 'dependency'), nodesAt(project, 'build', 'pluginManagement', 'plugins', 'plugin')].flat().flatMap((node) => {
      const [name, version] = [resolve(nameOf(node)), resolve(textAt(node, 'version'))]
      return name === null || version === null ? [] : [[name, version]]
    })),
    workspaces: nodesAt(project, 'modules', 'module').map((node) => node.text.trim()).filter((module) => module !== '')
  }
}

function nameOf (node: XmlNode): string | undefined {
  const [group, artifact] = [textAt(node, 'groupId') ?? textAt(node, 'parent', 'groupId'), textAt(node, 'artifactId')]
  return group === undefined || artifact === undefined ? undefined : `${group}:${artifact}`
}

/** Puts the properties that this file states into a text; what another file states stays as it is written. */
function propertiesOf (project: XmlNode): (text: string | undefined) => string | null {
  const own = new Map(nodesAt(project, 'properties')[0]?.children.map(({ name, text }) => [name, text.trim()]))
  const parent = textAt(project, 'parent', 'version')
  if (parent !== undefined) own.set('project.parent.version', parent)
  for (const name of ['version', 'groupId']) {
    const value = textAt(project, name) ?? textAt(project, 'parent', name)
    if (value !== undefined) own.set(`project.${name}`, value)
  }
  return (text) => text?.slice(0, 1000).replace(/\$\{([\w.-]{1,100})\}/g, (whole, name: string) => own.get(name) ?? whole) ?? null
}
