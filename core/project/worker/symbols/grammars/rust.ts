import type { Node } from 'web-tree-sitter'
import { named, textOf, type Grammar, type Rule } from '../grammar.js'

const MOST_PATHS = 200

/** `impl Display for Point<T>` is a section of `Point`. */
const implementation: Rule = (node) => {
  let name = node.childForFieldName('type')
  while (name !== null && name.type !== 'type_identifier') name = name.childForFieldName('type') ?? name.childForFieldName('name')
  return { kind: 'section', name: name ?? node.childForFieldName('type') ?? '', body: node.childForFieldName('body') }
}

const module: Rule = (node, text) => (node.childForFieldName('body') === null ? undefined : named('module')(node, text))

/** `use a::{b, c::*}` imports `a::b` and `a::c`; `mod x;` imports `self::x`. */
function imports (node: Node, text: string): string[] {
  if (node.type === 'mod_item') {
    const name = node.childForFieldName('name')
    return name === null || node.childForFieldName('body') !== null ? [] : [`self::${textOf(name, text)}`]
  }
  const paths: string[] = []
  const collect = (use: Node, prefix: string, depth: number) => {
    if (paths.length >= MOST_PATHS || depth > 20) return
    const join = (part: Node | null) => {
      const own = part === null ? '' : textOf(part, text).replace(/\s+/g, '')
      return prefix === '' || own === '' ? prefix + own : `${prefix}::${own}`
    }
    if (use.type === 'use_list') {
      for (const child of use.namedChildren) collect(child, prefix, depth + 1)
    } else if (use.type === 'scoped_use_list') {
      const list = use.childForFieldName('list')
      if (list !== null) collect(list, join(use.childForFieldName('path')), depth + 1)
    } else if (use.type === 'use_as_clause') {
      paths.push(join(use.childForFieldName('path')))
    } else if (use.type === 'use_wildcard') {
      paths.push(join(use.firstNamedChild))
    } else if (use.type === 'self') {
      paths.push(prefix)
    } else {
      paths.push(join(use))
    }
  }
  collect(node, '', 0)
  return paths
}

export const rust: Grammar = {
  file: '@repomix/tree-sitter-wasms/out/tree-sitter-rust.wasm',
  rules: {
    function_item: named('function'),
    function_signature_item: named('function'),
    struct_item: named('class'),
    union_item: named('class'),
    enum_item: named('enum'),
    enum_variant: named('constant'),
    trait_item: named('interface'),
    impl_item: implementation,
    mod_item: module,
    type_item: named('type', { body: 'type' }),
    associated_type: named('type'),
    const_item: named('constant', { body: 'value' }),
    static_item: named('constant', { body: 'value' }),
    macro_definition: (node) => {
      const name = node.childForFieldName('name')
      return name === null ? undefined : { kind: 'macro', name, body: name.nextNamedSibling }
    },
    field_declaration: named('field', { body: 'type' })
  },
  query: `
    [(line_comment) (block_comment)] @c
    [(attribute_item) (inner_attribute_item)] @a
    (use_declaration argument: (_) @i)
    (mod_item) @i
    (use_list (identifier) @r)
    (use_declaration argument: (scoped_identifier name: (identifier) @r))
    (use_list (scoped_identifier name: (identifier) @r))
    (call_expression function: (identifier) @r)
    (scoped_identifier name: (identifier) @r)
    (scoped_identifier path: (identifier) @o)
    (field_identifier) @r
    (type_identifier) @r
    (macro_invocation macro: (identifier) @r)
    (attribute (identifier) @r)
    (attribute arguments: (token_tree (identifier) @o))
    (token_tree (identifier) @o)
    (arguments (identifier) @o)`,
  imports
}
