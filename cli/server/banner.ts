import { counted, pairs, printable } from '../output.js'
import type { Colors } from '../terminal.js'

export interface StartFacts {
  version: string
  project: { id: string, root: string }
  url: string
  storage: string
  profiles: number
  plugins: readonly { kind: string, name: string, source: string, location: string }[]
  /** Configuration files that were read. */
  files: readonly string[]
  /** What was left out because the project is not trusted. */
  ignored: readonly string[]
}

/** What is loaded, and where to look. */
export function banner (facts: StartFacts, colors: Colors): string {
  const { bold, dim, cyan, yellow } = colors
  const head = `${bold(`cco-sidecar ${facts.version}`)} listening on ${cyan(facts.url)}`
  const what = pairs([
    ['project', `${facts.project.id}  ${facts.project.root}`],
    ['storage', facts.storage],
    ['configuration', facts.files.length === 0 ? 'defaults' : facts.files.join(', ')],
    ['profiles', counted(facts.profiles, 'agent type')],
    ...byKind(facts.plugins)
  ], colors)
  const where = pairs([
    ['health', `${facts.url}/health`],
    ['API', `${facts.url}/docs, ${facts.url}/openapi.json`],
    ['metrics', `${facts.url}/metrics`],
    ['from a shell', 'cco status, cco events subscribe \'*\' --continuous']
  ], colors)
  const parts = [head, indent(what), indent(where)]
  if (facts.ignored.length > 0) {
    parts.push(yellow(`Ignored, because this project's .cco folder is not trusted: ${facts.ignored.map(printable).join(', ')}.`) +
      `\nRead it, then trust it with: cco trust ${shellWord(facts.project.root)}`)
  }
  parts.push(dim('Ctrl-C drains and ends.'))
  return parts.join('\n\n')
}

/** One line a kind; more than eight names are counted. */
function byKind (plugins: StartFacts['plugins']): [string, string][] {
  const kinds = new Map<string, string[]>()
  for (const { kind, name, source, location } of plugins) {
    kinds.set(kind, [...kinds.get(kind) ?? [], source === 'built-in' ? name : `${name} (${location})`])
  }
  return [...kinds].map(([kind, names]) => [kind, names.length <= 8 ? names.join(', ') : `${names.length}: ${shorten(names)}`])
}

/** Plugins of others first: those are what one wants to see confirmed. */
function shorten (names: readonly string[]): string {
  const own = names.filter((name) => !name.endsWith(')'))
  const shown = [...names.filter((name) => name.endsWith(')')), ...own.slice(0, 6)]
  return `${shown.join(', ')}${shown.length < names.length ? ', …' : ''}`
}

function indent (text: string): string {
  return text.replace(/^/gm, '  ')
}

/** A path as it can be pasted into a shell. */
export function shellWord (text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll('\'', '\'\\\'\'')}'`
}
