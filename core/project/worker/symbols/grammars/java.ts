import type { Node } from 'web-tree-sitter'
import { named, textOf, type Grammar } from '../grammar.js'

/** `import static a.B.c;` and `import a.*;` as they stand there. */
function imports (node: Node, text: string): string[] {
  return [textOf(node, text).replace(/^import\s+(static\s+)?|\s*;$/g, '').replace(/\s+/g, '')]
}

export const java: Grammar = {
  file: '@repomix/tree-sitter-wasms/out/tree-sitter-java.wasm',
  rules: {
    class_declaration: named('class'),
    record_declaration: named('class'),
    interface_declaration: named('interface'),
    annotation_type_declaration: named('interface'),
    enum_declaration: named('enum'),
    enum_constant: named('constant'),
    method_declaration: named('method'),
    constructor_declaration: named('method'),
    compact_constructor_declaration: named('method'),
    annotation_type_element_declaration: named('method', { body: 'value' })
  },
  placed: { variable_declarator: named('field', { body: 'value' }) },
  query: `
    [(line_comment) (block_comment)] @c
    (field_declaration declarator: (variable_declarator) @d)
    (constant_declaration declarator: (variable_declarator) @d)
    (import_declaration) @i
    (method_invocation name: (identifier) @r)
    (method_invocation object: (identifier) @o)
    (field_access field: (identifier) @r)
    (field_access object: (identifier) @o)
    (type_identifier) @r
    (method_reference (identifier) @r)
    (marker_annotation name: (identifier) @r)
    (annotation name: (identifier) @r)`,
  wrappers: new Set(['field_declaration', 'constant_declaration']),
  decorations: new Set(['marker_annotation', 'annotation']),
  imports
}
