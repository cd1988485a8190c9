import { isTable, linesOf, parseToml, tableAt, textOf, type DependencyKind, type ManifestFacts, type StatedDependency } from './manifest.js'

// The configurations of Gradle and of its plugins for Java, Kotlin and Android.
const CONFIGURATION = /^\s*([a-zA-Z]{0,60}(?:[iI]mplementation|[aA]pi|[cC]ompile|[cC]ompileOnly|[rR]untimeOnly|[rR]untime|[cC]lasspath|[pP]rocessor|kapt|ksp|provided|[dD]esugaring|[tT]oolchain))\b\s*[( ]\s*(.*)$/

function kindOf (configuration: string): DependencyKind {
  if (/test/i.test(configuration)) return 'dev'
  return /classpath|processor|kapt|ksp|compileOnly|provided|desugaring/i.test(configuration) ? 'build' : 'prod'
}

/** What the build file writes out; a version that it computes is unknown, and what comes from a catalogue stands in the catalogue. */
export function readGradle (text: string): ManifestFacts {
  const dependencies: StatedDependency[] = []
  let version: string | null = null
  for (const line of linesOf(text)) {
    version ??= /^version\s*=?\s*["']([^"'$]+)["']/.exec(line)?.[1] ?? null
    const plugin = /^\s*(?:id|alias)\s*[( ]\s*["']([\w.-]+)["']\s*\)?\s*version\s*[( ]?\s*["']([^"']+)["']/.exec(line)
    if (plugin !== null) dependencies.push({ name: plugin[1]!, version: plugin[2]!, kind: 'build' })
    const [, configuration, rest] = CONFIGURATION.exec(line) ?? []
    if (configuration === undefined) continue
    const short = /["']([\w.-]+:[\w.-]+)(?::([^"':@]+))?[^"']*["']/.exec(rest!)
    const long = /group\s*[:=]\s*["']([^"']+)["']\s*,\s*name\s*[:=]\s*["']([^"']+)["'](?:\s*,\s*version\s*[:=]\s*["']([^"']+)["'])?/.exec(rest!)
    if (long !== null) dependencies.push({ name: `${long[1]!}:${long[2]!}`, version: long[3] ?? null, kind: kindOf(configuration) })
    else if (short !== null) dependencies.push({ name: short[1]!, version: short[2] ?? null, kind: kindOf(configuration) })
  }
  return { version, dependencies }
}

export function readGradleSettings (text: string): ManifestFacts {
  const lines = linesOf(text)
  return {
    name: lines.map((line) => /^\s*rootProject\.name\s*=\s*["']([^"']+)["']/.exec(line)?.[1]).find((name) => name !== undefined) ?? null,
    dependencies: [],
    workspaces: lines.filter((line) => /^\s*include\b/.test(line))
      .flatMap((line) => [...line.matchAll(/["']:?([^"']+)["']/g)].map((match) => match[1]!.replaceAll(':', '/')))
  }
}

export async function readVersionCatalog (text: string): Promise<ManifestFacts> {
  const catalog = await parseToml(text)
  const versions = tableAt(catalog, 'versions')
  const versionOf = (stated: unknown): string | null => {
    const version = isTable(stated) && typeof stated.ref === 'string' ? versions[stated.ref] : stated
    return textOf(isTable(version) ? version.strictly ?? version.require ?? version.prefer : version)
  }
  const read = (table: string, kind: DependencyKind): StatedDependency[] => Object.values(tableAt(catalog, table)).flatMap((stated): StatedDependency[] => {
    if (typeof stated === 'string') {
      const parts = stated.split(':')
      const version = kind === 'build' ? parts[1] : parts[2]
      return [{ name: kind === 'build' ? parts[0]! : parts.slice(0, 2).join(':'), version: version ?? null, kind }]
    }
    const { module, group, name, id, version } = tableAt(stated)
    const full = textOf(id) ?? textOf(module) ?? (typeof group === 'string' && typeof name === 'string' ? `${group}:${name}` : null)
    return full === null ? [] : [{ name: full, version: versionOf(version), kind }]
  })
  return { dependencies: [...read('libraries', null), ...read('plugins', 'build')] }
}
