import { eachName, named, type Grammar, type Rule } from '../grammar.js'

const type: Rule = (node) => {
  const name = node.childForFieldName('name')
  if (name === null) return undefined
  const value = node.childForFieldName('type')
  if (value?.type === 'struct_type') return { kind: 'class', name, body: value.firstNamedChild }
  // The methods of an interface stand in it directly, after its brace.
  if (value?.type === 'interface_type') return { kind: 'interface', name, body: value.firstNamedChild ?? value.lastChild }
  return { kind: 'type', name, body: value }
}

export const go: Grammar = {
  file: '@repomix/tree-sitter-wasms/out/tree-sitter-go.wasm',
  rules: {
    function_declaration: named('function'),
    method_declaration: named('method'),
    type_spec: type,
    type_alias: type,
    method_elem: named('method')
  },
  placed: { const_spec: eachName('constant'), var_spec: eachName('constant'), field_declaration: eachName('field', 'name', 'type') },
  query: `
    (comment) @c
    (source_file (const_declaration (const_spec) @d))
    (source_file (var_declaration (var_spec) @d))
    (source_file (var_declaration (var_spec_list (var_spec) @d)))
    (type_spec type: (struct_type (field_declaration_list (field_declaration) @d)))
    (import_spec path: (_) @i)
    (call_expression function: (identifier) @r)
    (field_identifier) @r
    (type_identifier) @r
    (selector_expression operand: (identifier) @o)
    (argument_list (identifier) @o)`,
  wrappers: new Set(['type_declaration', 'const_declaration', 'var_declaration'])
}
