import type { Node } from 'web-tree-sitter'
import { named, textOf, type Grammar, type Rule } from '../grammar.js'

const QUOTED = /^["']|["']$/g

/** `use A\{B, C as D};` imports `A\B` and `A\C`; `__DIR__ . '/a.php'` is `./a.php`. */
function imports (node: Node, text: string): string[] {
  if (node.type === 'namespace_use_clause') {
    const name = node.namedChildren.find(({ type }) => /name$/.test(type))
    if (name === undefined) return []
    const prefix = node.parent?.type === 'namespace_use_group' ? node.parent.parent?.namedChildren.find(({ type }) => type === 'namespace_name') : undefined
    return [`${prefix === undefined ? '' : `${textOf(prefix, text)}\\`}${textOf(name, text)}`]
  }
  const path = textOf(node, text).replace(QUOTED, '')
  return [node.parent?.type === 'binary_expression' && path.startsWith('/') && textOf(node.parent, text).startsWith('__DIR__') ? `.${path}` : path]
}

/** `const A = 1` has no names for its parts. */
const constant: Rule = (node) => {
  const [name, value] = node.namedChildren
  return name === undefined ? undefined : { kind: 'constant', name, body: value ?? null }
}

/** Without its `$`, as it is used. */
const property: Rule = (node) => {
  const name = node.childForFieldName('name')?.firstNamedChild ?? null
  return name === null ? undefined : { kind: 'field', name, body: node.childForFieldName('default_value') }
}

export const php: Grammar = {
  file: '@repomix/tree-sitter-wasms/out/tree-sitter-php.wasm',
  rules: {
    namespace_definition: named('module'),
    class_declaration: named('class'),
    trait_declaration: named('class'),
    interface_declaration: named('interface'),
    enum_declaration: named('enum'),
    enum_case: named('constant', { body: 'value' }),
    function_definition: named('function'),
    method_declaration: named('method'),
    const_element: constant,
    property_element: property
  },
  query: `
    (comment) @c
    [(heredoc) (nowdoc)] @s
    (namespace_use_clause) @i
    (require_expression (string) @i) (require_once_expression (string) @i) (include_expression (string) @i) (include_once_expression (string) @i)
    (require_expression (binary_expression right: (string) @i)) (require_once_expression (binary_expression right: (string) @i))
    (include_expression (binary_expression right: (string) @i)) (include_once_expression (binary_expression right: (string) @i))
    (namespace_use_clause [(name) @r (qualified_name (name) @r)])
    (function_call_expression function: [(name) @r (qualified_name (name) @r)])
    (member_call_expression name: (name) @r)
    (nullsafe_member_call_expression name: (name) @r)
    (scoped_call_expression name: (name) @r)
    (scoped_call_expression scope: [(name) @r (qualified_name (name) @r)])
    (member_access_expression name: (name) @r)
    (class_constant_access_expression (name) @r)
    (object_creation_expression [(name) @r (qualified_name (name) @r)])
    (named_type [(name) @r (qualified_name (name) @r)])
    (base_clause [(name) @r (qualified_name (name) @r)])
    (class_interface_clause [(name) @r (qualified_name (name) @r)])
    (use_declaration [(name) @r (qualified_name (name) @r)])
    (attribute [(name) @r (qualified_name (name) @r)])`,
  wrappers: new Set(['const_declaration', 'property_declaration']),
  decorations: new Set(['attribute_list']),
  imports
}
