import { linesOf, textOf, type DependencyKind, type ManifestFacts, type StatedDependency } from './manifest.js'

const SECTIONS = new Map<string, DependencyKind>([['dependencies', 'prod'], ['dev_dependencies', 'dev']])

export function readPubspec (text: string): ManifestFacts {
  const dependencies: StatedDependency[] = []
  const values = new Map<string, string>()
  let kind: DependencyKind | undefined
  let members = false
  const workspaces: string[] = []
  for (const line of linesOf(text)) {
    const member = /^([a-z_]+):\s*(.*)$/.exec(line.trimEnd())
    if (member !== null) {
      values.set(member[1]!, unquote(member[2]!))
      kind = SECTIONS.get(member[1]!)
      members = member[1] === 'workspace'
    }
    const stated = kind === undefined ? null : /^ {2}([a-z0-9_]+):\s*(.*)$/.exec(line.trimEnd())
    if (stated !== null) dependencies.push({ name: stated[1]!, version: textOf(unquote(stated[2]!)), kind: kind! })
    // Of a dependency that is written in several lines.
    const version = kind === undefined ? null : /^ {4}version:\s*(.+)$/.exec(line.trimEnd())
    if (version !== null && dependencies.length > 0) dependencies.at(-1)!.version = textOf(unquote(version[1]!))
    const folder = members ? /^\s*-\s*(\S+)/.exec(line) : null
    if (folder !== null) workspaces.push(folder[1]!)
  }
  return { name: textOf(values.get('name')), version: textOf(values.get('version')), dependencies, workspaces, entryPoints: ['lib/main.dart', 'bin/main.dart'] }
}

function unquote (value: string): string {
  const [, quoted] = /^(["'].*?["'])/.exec(value) ?? []
  return quoted === undefined ? value.split(/\s#/, 1)[0]!.trim().replace(/^#.*/, '') : quoted.slice(1, -1)
}
