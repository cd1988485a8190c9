import type { Node } from 'web-tree-sitter'
import { named, textOf, type Found, type Grammar, type Rule } from '../grammar.js'

/** Classes, structs, actors, enums and extensions are one type of node. */
const type: Rule = (node) => {
  const name = node.childForFieldName('name')
  if (name === null) return undefined
  const keyword = node.childForFieldName('declaration_kind')?.type
  const kind = keyword === 'enum' ? 'enum' : keyword === 'extension' ? 'section' : 'class'
  return { kind, name: name.type === 'user_type' ? name.namedChildren.filter((part) => part.type === 'type_identifier').at(-1) ?? name : name, body: node.childForFieldName('body') }
}

const method: Rule = (node) => {
  const name = node.childForFieldName('name')
  return name?.type !== 'simple_identifier' ? undefined : { kind: 'function', name, body: node.childForFieldName('body') }
}

const initializer = (name: string): Rule => (node) => ({ kind: 'method', name, body: node.childForFieldName('body') ?? node.namedChildren.find(({ type }) => type === 'computed_property') ?? null })

const property: Rule = (node) => {
  const patterns = node.childrenForFieldName('name').filter(({ type }) => type === 'pattern')
  const body = node.childForFieldName('computed_value') ?? node.childForFieldName('value')
  return patterns.flatMap((pattern): Found[] => {
    const name = pattern.childForFieldName('bound_identifier')
    if (name === null) return []
    return [patterns.length === 1 ? { kind: 'constant', name, body } : { kind: 'constant', name, node: pattern }]
  })
}

const enumEntry: Rule = (node) => {
  const names = node.childrenForFieldName('name').filter(({ type }) => type === 'simple_identifier')
  return names.map((name) => (names.length === 1 ? { kind: 'constant', name } : { kind: 'constant', name, node: name }))
}

const imports = (node: Node, text: string) => [textOf(node, text)]

export const swift: Grammar = {
  file: '@repomix/tree-sitter-wasms/out/tree-sitter-swift.wasm',
  rules: {
    class_declaration: type,
    protocol_declaration: named('interface'),
    function_declaration: method,
    protocol_function_declaration: method,
    init_declaration: initializer('init'),
    deinit_declaration: initializer('deinit'),
    subscript_declaration: initializer('subscript'),
    protocol_property_declaration: property,
    typealias_declaration: named('type'),
    associatedtype_declaration: named('type'),
    enum_entry: enumEntry
  },
  placed: { property_declaration: property },
  query: `
    [(comment) (multiline_comment)] @c
    (source_file (property_declaration) @d)
    (class_body (property_declaration) @d)
    (enum_class_body (property_declaration) @d)
    (import_declaration (identifier) @i)
    (call_expression (simple_identifier) @r)
    (navigation_suffix suffix: (simple_identifier) @r)
    (navigation_expression target: (simple_identifier) @o)
    (type_identifier) @r`,
  decorations: new Set(['attribute']),
  imports
}
