import { linesOf, type ManifestFacts, type StatedDependency } from './manifest.js'

const DEVELOPMENT = /:(?:development|test|ci|lint|docs?)\b/

export function readGemfile (text: string): ManifestFacts {
  const dependencies: StatedDependency[] = []
  // Blocks that are open, and whether each is a group for development.
  const blocks: boolean[] = []
  for (const line of linesOf(text)) {
    const gem = /^\s*gem[\s(]+["']([^"']+)["']((?:\s*,\s*["'][^"']*["'])*)/.exec(line)
    if (gem !== null) {
      const isDevelopment = blocks.includes(true) || (/\bgroups?(?::|\s*=>)/.test(line) && DEVELOPMENT.test(line))
      dependencies.push({ name: gem[1]!, version: versionsIn(gem[2]!), kind: isDevelopment ? 'dev' : 'prod' })
    } else if (/^\s*end\b/.test(line)) {
      blocks.pop()
    } else if (/\bdo\s*(?:\|[^|]*\|)?\s*$/.test(line) || /^\s*(?:if|unless|case)\b/.test(line)) {
      blocks.push(/^\s*group\b/.test(line) && DEVELOPMENT.test(line))
    }
  }
  return { dependencies }
}

/** `, "~> 1.2", ">= 1.2.3"` as `~> 1.2, >= 1.2.3`. */
function versionsIn (list: string): string | null {
  const versions = [...list.matchAll(/["']([^"']*)["']/g)].map((match) => match[1]!.trim()).filter((version) => version !== '')
  return versions.length === 0 ? null : versions.join(', ')
}

export function readGemspec (text: string): ManifestFacts {
  const lines = linesOf(text)
  const literal = (name: string): string | null => lines.map((line) => new RegExp(`^\\s*\\w+\\.${name}\\s*=\\s*["']([^"'#{}]+)["']`).exec(line)?.[1]).find((value) => value !== undefined) ?? null
  return {
    name: literal('name') ?? /\bSpecification\.new[\s(]{1,3}["']([^"'\n]{1,100})["']/.exec(text)?.[1] ?? null,
    version: literal('version'),
    dependencies: lines.flatMap((line) => {
      const match = /^\s*\w+\.add_(runtime_|development_)?dependency[\s(]+["']([^"']+)["']((?:\s*,\s*["'][^"']*["'])*)/.exec(line)
      return match === null ? [] : [{ name: match[2]!, version: versionsIn(match[3]!), kind: match[1] === 'development_' ? 'dev' : 'prod' }]
    })
  }
}

/** What the project itself asks for, at the versions that are locked. */
export function readGemfileLock (text: string): ManifestFacts {
  const locked = new Map<string, string>()
  const asked: string[] = []
  let section = ''
  for (const line of linesOf(text)) {
    if (/^[A-Z]/.test(line)) section = line.trim()
    const spec = /^ {4}([^\s(]+) \(([^)]+)\)/.exec(line)
    if (spec !== null && section !== 'DEPENDENCIES') locked.set(spec[1]!, spec[2]!)
    const wanted = section === 'DEPENDENCIES' ? /^ {2}([^\s(!]+)/.exec(line) : null
    if (wanted !== null) asked.push(wanted[1]!)
  }
  return { dependencies: asked.map((name) => ({ name, version: locked.get(name) ?? null, kind: null })) }
}
