import type { Node } from 'web-tree-sitter'
import { textOf, type Grammar, type Rule } from '../grammar.js'
import type { Kind } from '../symbols.js'

const child = (node: Node, ...types: string[]) => node.namedChildren.find(({ type }) => types.includes(type)) ?? null

/** The grammar names no parts of its nodes: the first child of these types is the name. */
function first (kind: Kind, nameType: string, ...bodyTypes: string[]): Rule {
  return (node) => {
    const name = child(node, nameType)
    return name === null ? undefined : { kind, name, body: child(node, ...bodyTypes) }
  }
}

const type: Rule = (node) => {
  const name = child(node, 'type_identifier')
  if (name === null) return undefined
  const keyword = node.children.find(({ type }) => type === 'interface' || type === 'enum')?.type
  return { kind: keyword === 'interface' || keyword === 'enum' ? keyword : 'class', name, body: child(node, 'class_body', 'enum_class_body') }
}

const property: Rule = (node) => {
  const variable = child(node, 'variable_declaration')
  const name = variable === null ? null : child(variable, 'simple_identifier')
  return name === null ? undefined : { kind: 'constant', name, body: variable!.nextNamedSibling }
}

/** `val` makes a property of a parameter of the constructor. */
const parameter: Rule = (node, text) => (child(node, 'binding_pattern_kind') === null ? undefined : first('field', 'simple_identifier')(node, text))

function imports (node: Node, text: string): string[] {
  return [textOf(node, text).replace(/^import\s+/, '').split(/\s|;|\/[/*]/)[0]!]
}

export const kotlin: Grammar = {
  file: '@lumis-sh/wasm-kotlin/tree-sitter-kotlin.wasm',
  rules: {
    class_declaration: type,
    object_declaration: first('class', 'type_identifier', 'class_body'),
    companion_object: (node) => ({ kind: 'class', name: child(node, 'type_identifier') ?? 'Companion', body: child(node, 'class_body') }),
    function_declaration: first('function', 'simple_identifier', 'function_body'),
    secondary_constructor: (node) => ({ kind: 'method', name: 'constructor', body: child(node, 'statements') }),
    class_parameter: parameter,
    enum_entry: first('constant', 'simple_identifier', 'class_body'),
    type_alias: first('type', 'type_identifier')
  },
  placed: { property_declaration: property },
  query: `
    [(line_comment) (multiline_comment)] @c
    (source_file (property_declaration) @d)
    (class_body (property_declaration) @d)
    (enum_class_body (property_declaration) @d)
    (import_header) @i
    (import_header (identifier (simple_identifier) @r .))
    (call_expression . (simple_identifier) @r)
    (navigation_suffix (simple_identifier) @r)
    (navigation_expression . (simple_identifier) @o)
    (type_identifier) @r`,
  decorations: new Set(['annotation']),
  imports
}
