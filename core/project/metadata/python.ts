import { isTable, linesOf, parseToml, tableAt, textOf, textsOf, type DependencyKind, type ManifestFacts, type StatedDependency, type Table } from './manifest.js'

const DEVELOPMENT = /(?:^|[-_./])(?:dev|develop|development|tests?|testing|lint|linting|docs?|ci|typing|types)(?:[-_./]|$)/

function kindOfGroup (name: string): DependencyKind {
  return DEVELOPMENT.test(name) ? 'dev' : 'optional'
}

/** PEP 621, PEP 735, Poetry, uv and PDM. */
export async function readPyproject (text: string): Promise<ManifestFacts> {
  const manifest = await parseToml(text)
  const project = tableAt(manifest, 'project')
  const poetry = tableAt(manifest, 'tool', 'poetry')
  const uv = tableAt(manifest, 'tool', 'uv')
  const groups = (table: Table, kind: (name: string) => DependencyKind): StatedDependency[] =>
    Object.entries(table).flatMap(([name, entries]) => requirementsOf(textsOf(entries), kind(name)))
  return {
    name: textOf(project.name) ?? textOf(poetry.name),
    version: textOf(project.version) ?? textOf(poetry.version),
    dependencies: [
      ...requirementsOf(textsOf(project.dependencies), 'prod'),
      ...readPoetry(poetry.dependencies, 'prod'),
      ...groups(tableAt(project, 'optional-dependencies'), kindOfGroup),
      ...groups(tableAt(manifest, 'dependency-groups'), () => 'dev'),
      ...readPoetry(poetry['dev-dependencies'], 'dev'),
      ...Object.entries(tableAt(poetry, 'group')).flatMap(([name, group]) => readPoetry(tableAt(group).dependencies, name === 'main' ? 'prod' : 'dev')),
      ...requirementsOf(textsOf(uv['dev-dependencies']), 'dev'),
      ...groups(tableAt(manifest, 'tool', 'pdm', 'dev-dependencies'), () => 'dev'),
      ...requirementsOf(textsOf(tableAt(manifest, 'build-system').requires), 'build')
    ],
    workspaces: textsOf(tableAt(uv, 'workspace').members),
    entryPoints: [...packageOf(textOf(project.name) ?? textOf(poetry.name)), ...modulesOf(tableAt(project, 'scripts')), ...modulesOf(tableAt(project, 'gui-scripts')), ...modulesOf(tableAt(poetry, 'scripts'))]
  }
}

function requirementsOf (entries: readonly string[], kind: DependencyKind): StatedDependency[] {
  return entries.flatMap((entry) => readRequirement(entry, kind))
}

/** One requirement after PEP 508. */
function readRequirement (text: string, kind: DependencyKind): StatedDependency[] {
  const match = /^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*([^;]*)/.exec(text.slice(0, 1000))
  return match === null ? [] : [{ name: match[1]!, version: match[2]!.trim() === '' ? null : match[2]!.trim(), kind }]
}

function readPoetry (table: unknown, kind: DependencyKind): StatedDependency[] {
  if (!isTable(table)) return []
  return Object.entries(table).flatMap(([name, stated]) => {
    if (name === 'python') return []
    const isOptional = isTable(stated) && stated.optional === true
    return [{ name, version: textOf(isTable(stated) ? stated.version : stated), kind: isOptional ? 'optional' : kind }]
  })
}

/** `shop = "shop.cli:main"` begins in shop/cli.py or src/shop/cli.py. */
function modulesOf (scripts: Table): string[] {
  return Object.values(scripts).flatMap((script) => {
    const path = textOf(script)?.split(':')[0]?.trim().replaceAll('.', '/')
    return path === undefined ? [] : [`${path}.py`, `src/${path}.py`, `${path}/__init__.py`, `src/${path}/__init__.py`]
  })
}

/** Where an import of the package begins. */
function packageOf (name: string | null): string[] {
  const folder = name?.toLowerCase().replaceAll(/[-.]/g, '_')
  return folder === undefined ? [] : [`${folder}/__init__.py`, `src/${folder}/__init__.py`]
}

export async function readPipfile (text: string): Promise<ManifestFacts> {
  const manifest = await parseToml(text)
  return { dependencies: [...readPoetry(manifest.packages, 'prod'), ...readPoetry(manifest['dev-packages'], 'dev')] }
}

export function readRequirements (text: string, path: string): ManifestFacts {
  const kind = DEVELOPMENT.test(path.replace(/\.(?:txt|in)$/, '')) ? 'dev' : 'prod'
  const stated = linesOf(text).filter((line) => !/^\s*(?:#|-|$)/.test(line))
  return { dependencies: requirementsOf(stated.map((line) => line.split(/\s#|\s--hash|\\$/, 1)[0]!), kind) }
}

/** Values of an INI file by section and name; those of several lines are joined by line breaks. */
function readIni (text: string): Map<string, string[]> {
  const values = new Map<string, string[]>()
  let section = ''
  let current: string[] | undefined
  for (const line of linesOf(text)) {
    const heading = /^\[([^\]]+)\]/.exec(line)
    const start = /^([A-Za-z][\w.-]*)\s*[=:]\s*(.*)$/.exec(line)
    if (heading !== null) [section, current] = [heading[1]!.trim(), undefined]
    else if (start !== null) values.set(`${section}.${start[1]!}`, current = [start[2]!.trim()])
    else if (/^\s+\S/.test(line) && !/^\s+[#;]/.test(line)) current?.push(line.trim())
  }
  return values
}

export function readSetupCfg (text: string): ManifestFacts {
  const values = readIni(text)
  const requirements = (name: string, kind: DependencyKind): StatedDependency[] => requirementsOf(values.get(name) ?? [], kind)
  const [name, version] = [values.get('metadata.name')?.[0], values.get('metadata.version')?.[0]]
  const extras = [...values.keys()].filter((key) => key.startsWith('options.extras_require.'))
  return {
    name: textOf(name),
    // `attr:` and `file:` say where the version stands, not what it is.
    version: version === undefined || /^(?:attr|file):/.test(version) ? null : textOf(version),
    dependencies: [
      ...requirements('options.install_requires', 'prod'),
      ...extras.flatMap((key) => requirements(key, kindOfGroup(key.slice('options.extras_require.'.length)))),
      ...requirements('options.tests_require', 'dev'),
      ...requirements('options.setup_requires', 'build')
    ]
  }
}
