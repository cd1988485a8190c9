import type { Node } from 'web-tree-sitter'
import { named, textOf, type Grammar, type Rule } from '../grammar.js'

/** `using A.B;`, `using static A.B;` and `using C = A.B;` all import `A.B`. */
function imports (node: Node, text: string): string[] {
  return [textOf(node, text).replace(/^(global\s+)?using\s+(static\s+|unsafe\s+)?([^=]*=)?|\s*;$/g, '').replace(/\s+/g, '')]
}

const property: Rule = (node) => {
  const name = node.childForFieldName('name')
  return name === null ? undefined : { kind: 'field', name, body: node.childForFieldName('accessors') ?? node.childForFieldName('value') }
}

export const csharp: Grammar = {
  file: '@repomix/tree-sitter-wasms/out/tree-sitter-c_sharp.wasm',
  rules: {
    namespace_declaration: named('module'),
    file_scoped_namespace_declaration: named('module'),
    class_declaration: named('class'),
    struct_declaration: named('class'),
    record_declaration: named('class'),
    interface_declaration: named('interface'),
    enum_declaration: named('enum'),
    enum_member_declaration: named('constant', { body: 'value' }),
    delegate_declaration: named('type'),
    method_declaration: named('method'),
    constructor_declaration: named('method'),
    local_function_statement: named('function'),
    property_declaration: property,
    event_declaration: property,
    indexer_declaration: (node) => ({ kind: 'method', name: 'this', body: node.childForFieldName('accessors') ?? node.childForFieldName('value') })
  },
  placed: { variable_declarator: named('field') },
  query: `
    (comment) @c
    (field_declaration (variable_declaration (variable_declarator) @d))
    (event_field_declaration (variable_declaration (variable_declarator) @d))
    (using_directive) @i
    (invocation_expression function: (identifier) @r)
    (invocation_expression function: (generic_name (identifier) @r))
    (member_access_expression name: (identifier) @r)
    (member_access_expression name: (generic_name (identifier) @r))
    (member_access_expression expression: (identifier) @o)
    (member_binding_expression name: (identifier) @r)
    (_ type: (identifier) @r)
    (_ returns: (identifier) @r)
    (generic_name (identifier) @r)
    (type_argument_list (identifier) @r)
    (base_list (identifier) @r)
    (nullable_type (identifier) @r)
    (array_type (identifier) @r)
    (qualified_name name: (identifier) @r)
    (attribute name: (identifier) @r)
    (argument (identifier) @o)`,
  wrappers: new Set(['variable_declaration', 'field_declaration', 'event_field_declaration']),
  decorations: new Set(['attribute_list']),
  imports
}
