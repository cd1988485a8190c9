import type { Node } from 'web-tree-sitter'
import { named, type Found, type Grammar, type Rule } from '../grammar.js'

/** The body stands beside its signature, not in it. */
function withBody (found: Found, outermost: Node): Found {
  const next = outermost.nextNamedSibling
  return next?.type === 'function_body' ? { ...found, body: next, last: next } : found
}

const signature: Rule = (node) => {
  const names = node.childrenForFieldName('name')
  const name = names.at(-1) ?? node.namedChildren.filter(({ type }) => type === 'identifier').at(-1)
  if (name === undefined) return undefined
  const parent = node.parent
  const isMember = parent?.type === 'method_signature' || parent?.type === 'declaration'
  return withBody({ kind: 'function', name, node: isMember ? parent : node }, isMember ? parent : node)
}

/** The name is the first identifier, without a name of its own in the tree. */
const variable: Rule = (node) => {
  const name = node.childForFieldName('name') ?? node.firstNamedChild
  return name === null ? undefined : { kind: 'constant', name, body: name.nextNamedSibling }
}

const mixin: Rule = (node) => {
  const name = node.childForFieldName('name') ?? node.namedChildren.find(({ type }) => type === 'identifier')
  return name === undefined ? undefined : { kind: 'class', name, body: node.namedChildren.find(({ type }) => type === 'class_body') ?? null }
}

const alias: Rule = (node) => {
  const name = node.namedChildren.find(({ type }) => type === 'type_identifier')
  return name === undefined ? undefined : { kind: 'type', name }
}

export const dart: Grammar = {
  file: '@repomix/tree-sitter-wasms/out/tree-sitter-dart.wasm',
  rules: {
    class_definition: named('class'),
    mixin_declaration: mixin,
    extension_declaration: named('section'),
    enum_declaration: named('enum'),
    enum_constant: named('constant'),
    type_alias: alias,
    getter_signature: signature,
    setter_signature: signature,
    constructor_signature: signature,
    constant_constructor_signature: signature,
    factory_constructor_signature: signature,
    redirecting_factory_constructor_signature: signature
  },
  placed: { function_signature: signature, initialized_identifier: variable, static_final_declaration: variable },
  query: `
    [(comment) (documentation_comment)] @c
    (annotation) @a
    (program (function_signature) @d)
    (method_signature (function_signature) @d)
    (declaration (function_signature) @d)
    (program (initialized_identifier_list (initialized_identifier) @d))
    (program (static_final_declaration_list (static_final_declaration) @d))
    (declaration (initialized_identifier_list (initialized_identifier) @d))
    (declaration (static_final_declaration_list (static_final_declaration) @d))
    (uri (string_literal) @i)
    ((identifier) @r . (selector (argument_part)))
    (unconditional_assignable_selector (identifier) @r)
    (conditional_assignable_selector (identifier) @r)
    (annotation name: (identifier) @r)
    (type_identifier) @r
    (argument (identifier) @o)`,
  wrappers: new Set(['initialized_identifier_list', 'static_final_declaration_list', 'declaration']),
  decorations: new Set(['annotation'])
}
