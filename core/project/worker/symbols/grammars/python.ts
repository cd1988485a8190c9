import type { Node } from 'web-tree-sitter'
import { named, textOf, type Grammar } from '../grammar.js'

const MOST_NAMES = 200

/** `from . import a` names the module `.a`, or something that `.` defines: both are given. */
function imports (node: Node, text: string): string[] {
  const path = textOf(node, text)
  if (!/^\.+$/.test(path)) return [path]
  const names = node.parent?.childrenForFieldName('name') ?? []
  return [path, ...names.slice(0, MOST_NAMES).map((name) => path + textOf(name.childForFieldName('name') ?? name, text))]
}

export const python: Grammar = {
  file: '@repomix/tree-sitter-wasms/out/tree-sitter-python.wasm',
  rules: {
    function_definition: named('function'),
    class_definition: named('class')
  },
  placed: {
    assignment: named('constant', { name: 'left', body: 'right' }),
    type_alias_statement: named('type', { name: 'left', body: 'right' })
  },
  query: `
    (comment) @c
    (module (expression_statement (assignment left: (identifier)) @d))
    (class_definition body: (block (expression_statement (assignment left: (identifier)) @d)))
    (type_alias_statement) @d
    (import_statement name: (dotted_name) @i)
    (import_statement name: (aliased_import name: (dotted_name) @i))
    (import_from_statement module_name: (_) @i)
    (import_from_statement name: (dotted_name (identifier) @r))
    (import_from_statement name: (aliased_import name: (dotted_name (identifier) @r)))
    (call function: (identifier) @r)
    (attribute attribute: (identifier) @r)
    (attribute object: (identifier) @o)
    (decorator (identifier) @r)
    (class_definition superclasses: (argument_list (identifier) @r))
    (type (identifier) @r)
    (type (binary_operator (identifier) @r))
    (generic_type (identifier) @r)
    (argument_list (identifier) @o)
    (except_clause (identifier) @r)`,
  wrappers: new Set(['decorated_definition']),
  decorations: new Set(['decorator']),
  imports
}
