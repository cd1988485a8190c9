import { ManifestFault } from './manifest.js'

export interface XmlVisitor {
  /** `attribute` gives the value of an attribute of this element, entities resolved. `false` ends the reading: enough is known. */
  open (name: string, attribute: (name: string) => string | undefined): boolean | void
  close? (name: string): void
  text? (text: string): void
}

/**
 * Reads the elements of an XML text once from start to end, until it ends or is malformed; `false` for the latter.
 * A document type is passed over, so that no entity but the five of XML itself is ever expanded.
 */
export function scanXml (source: string, visitor: XmlVisitor): boolean {
  let at = 0
  while (true) {
    const start = source.indexOf('<', at)
    if (start < 0) return true
    if (start > at) visitor.text?.(resolve(source.slice(at, start)))
    const end = endOf(source, start)
    if (end < 0) return false
    const kind = source[start + 1]!
    if (source.startsWith('<![CDATA[', start)) visitor.text?.(source.slice(start + 9, end - 3))
    else if (kind === '/') visitor.close?.(source.slice(start + 2, end - 1).trim())
    else if (kind !== '!' && kind !== '?') {
      const isEmpty = source[end - 2] === '/'
      const tag = source.slice(start + 1, end - (isEmpty ? 2 : 1))
      const name = /^[^\s/]*/.exec(tag)![0]
      if (visitor.open(name, (wanted) => attributeOf(tag, name.length, wanted)) === false) return true
      if (isEmpty) visitor.close?.(name)
    }
    at = end
  }
}

/** Behind the markup that starts here; -1 where it does not end. */
function endOf (source: string, start: number): number {
  const after = (mark: string, from: number): number => {
    const found = source.indexOf(mark, from)
    return found < 0 ? -1 : found + mark.length
  }
  if (source.startsWith('<!--', start)) return after('-->', start + 4)
  if (source.startsWith('<![CDATA[', start)) return after(']]>', start + 9)
  if (source.startsWith('<?', start)) return after('?>', start + 2)
  let depth = 0
  for (let at = start + 1; at < source.length; at++) {
    const sign = source[at]!
    if (sign === '"' || sign === "'") {
      at = source.indexOf(sign, at + 1)
      if (at < 0) return -1
    } else if (sign === '[') depth++
    else if (sign === ']') depth--
    else if (sign === '<' && depth <= 0) return -1
    else if (sign === '>' && depth <= 0) return at + 1
  }
  return -1
}

function attributeOf (tag: string, from: number, wanted: string): string | undefined {
  const attributes = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/gy
  attributes.lastIndex = from
  for (;;) {
    while (/\s/.test(tag[attributes.lastIndex] ?? '')) attributes.lastIndex++
    const match = attributes.exec(tag)
    if (match === null) return undefined
    if (match[1] === wanted) return resolve(match[2] ?? match[3]!)
  }
}

const ENTITIES: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&apos;': "'", '&amp;': '&' }

function resolve (text: string): string {
  return text.includes('&') ? text.replace(/&(?:lt|gt|quot|apos|amp);/g, (entity) => ENTITIES[entity]!) : text
}

export interface XmlNode {
  name: string
  attribute (name: string): string | undefined
  children: XmlNode[]
  text: string
}

const DEEPEST = 100

/** The tree of a small text. Throws `ManifestFault` where it is malformed or deeper than anybody writes. */
export function parseXml (source: string): XmlNode {
  const root: XmlNode = { name: '', attribute: () => undefined, children: [], text: '' }
  const path = [root]
  let balanced = true
  const ended = scanXml(source, {
    open (name, attribute) {
      if (path.length > DEEPEST) throw new ManifestFault(`is XML of more than ${DEEPEST} levels`)
      const node: XmlNode = { name, attribute, children: [], text: '' }
      path.at(-1)!.children.push(node)
      path.push(node)
    },
    close (name) {
      if (path.length > 1 && path.pop()!.name === name) return
      balanced = false
    },
    text (text) { path.at(-1)!.text += text }
  })
  if (!ended || !balanced || path.length !== 1 || root.children.length === 0) throw new ManifestFault('is no XML')
  return root
}

/** The nodes below a node by the names on the way. */
export function nodesAt (node: XmlNode, ...names: string[]): XmlNode[] {
  let found = [node]
  for (const name of names) found = found.flatMap(({ children }) => children.filter((child) => child.name === name))
  return found
}

export function textAt (node: XmlNode, ...names: string[]): string | undefined {
  const text = nodesAt(node, ...names)[0]?.text.trim()
  return text === '' ? undefined : text
}
