import type { LineIndex } from '../lines.js'
import type { Definition, Kind } from '../symbols.js'

const CREATE = /^\s*(?:create|alter)\s+(?:or\s+(?:replace|alter)\s+)?(?:(?:global|local|temp|temporary|unlogged|materialized|unique|external|recursive|constraint|editionable|definer\s*=\s*\S+)\s+)*(table|view|function|procedure|trigger|type|domain|schema|sequence|index|package|database|role|policy|extension)\s+(?:body\s+)?(?:concurrently\s+)?(?:if\s+(?:not\s+)?exists\s+)?([\p{L}\d_$."`[\]]+)/iu
const KINDS: Record<string, Kind> = { table: 'class', view: 'class', function: 'function', procedure: 'function', trigger: 'function', type: 'type', domain: 'type', schema: 'module', package: 'module', database: 'module', extension: 'module' }
const BODY = /^\s*(?:begin\b|declare\b|as\b.*\bbegin\s*$)/i
const END = /^\s*end\b[^;]*;?\s*$/i
const LEADING = /^\s*(?:--|\/\*|\*)/
const READ_LENGTH = 300

/** `CREATE` and `ALTER` statements, by names without their schema. Each ends at its semicolon, or at the `END` of its body. */
export function sqlDefinitions (text: string, lines: LineIndex): Definition[] {
  const definitions: Definition[] = []
  let open: { definition: Definition, dollars: number, hasBody: boolean } | undefined
  for (let line = 0; line < lines.count; line++) {
    const from = lines.startOf(line)
    const content = text.slice(from, Math.min(lines.endOf(line), from + READ_LENGTH)).trimEnd()
    const [, what, path = ''] = CREATE.exec(content) ?? []
    const name = path.replace(/["`[\]]/g, '').replace(/^.*\./, '')
    if (name !== '' && (open === undefined || open.dollars % 2 === 0)) {
      let start = line
      const lowest = (definitions.at(-1)?.line ?? -1) + 1
      while (start > lowest && LEADING.test(text.slice(lines.startOf(start - 1), lines.startOf(start)))) start--
      // Without a semicolon it ends where the next one begins.
      if (open !== undefined) open.definition.end = Math.min(open.definition.end, start - 1)
      const kind = /^\s*alter/i.test(content) ? 'section' : KINDS[what!.toLowerCase()] ?? 'constant'
      const definition: Definition = { name, kind, start, line, head: line, end: line, parent: -1 }
      definitions.push(definition)
      open = { definition, dollars: 0, hasBody: false }
    }
    if (open === undefined) continue
    if (content !== '') open.definition.end = line
    open.dollars += content.match(/\$\w*\$/g)?.length ?? 0
    open.hasBody ||= BODY.test(content)
    const isEnd = open.dollars % 2 === 0 && (open.hasBody && open.dollars === 0 ? END.test(content) : /;\s*(--.*)?$/.test(content))
    if (isEnd) open = undefined
  }
  return definitions
}
