import type { Node } from 'web-tree-sitter'
import { itself, named, textOf, type Found, type Grammar, type Rule } from '../grammar.js'

const FUNCTIONS = new Set(['arrow_function', 'function_expression', 'generator_function'])

/** What a value makes of the name that it is given to; `undefined` for what is neither function nor class. */
function valueKind (value: Node | null): { kind: 'function' | 'class', body: Node | null } | undefined {
  if (value === null) return undefined
  if (FUNCTIONS.has(value.type)) return { kind: 'function', body: value.childForFieldName('body') }
  return value.type === 'class' ? { kind: 'class', body: value.childForFieldName('body') } : undefined
}

const declarator: Rule = (node, text) => {
  const name = node.childForFieldName('name')
  // A pattern takes things apart that others define.
  if (name?.type !== 'identifier') return undefined
  const value = node.childForFieldName('value')
  const made = valueKind(value)
  if (made !== undefined) return { ...made, name }
  const called = value?.childForFieldName('function')
  if (called != null && textOf(called, text) === 'require') return undefined
  return isTopLevel(node.parent) ? { kind: 'constant', name, body: value } : undefined
}

function isTopLevel (declaration: Node | null): boolean {
  let around = declaration?.parent ?? null
  while (around !== null && (around.type === 'export_statement' || around.type === 'ambient_declaration')) around = around.parent
  return around?.type === 'program' || (around?.type === 'statement_block' && /module$/.test(around.parent?.type ?? ''))
}

/** CommonJS and prototypes: `exports.a = …`, `module.exports = function a () {}`, `A.prototype.b = function () {}`, `this.c = () => {}`. */
const assignment: Rule = (node, text) => {
  const left = node.childForFieldName('left')
  let value = node.childForFieldName('right')
  if (left === null || value === null) return undefined
  // Of `exports = module.exports = …` the inner one tells.
  if (value.type === 'assignment_expression') return undefined
  const made = valueKind(value)
  const path = textOf(left, text)
  if (/^(module\.)?exports$/.test(path)) {
    if (made === undefined) return undefined
    return { ...made, name: value.childForFieldName('name') ?? path }
  }
  if (left.type === 'identifier') return made === undefined ? undefined : { ...made, name: left }
  const name = left.childForFieldName('property')
  if (name === null) return undefined
  const isExport = /^(module\.)?exports\.[^.]+$/.test(path)
  if (made !== undefined) return { ...made, kind: made.kind === 'function' && !isExport ? 'method' : made.kind, name }
  if (!isExport || value.type === 'identifier' || value.type === 'member_expression') return undefined
  if (value.type === 'call_expression' || value.type === 'new_expression') value = null
  return { kind: 'constant', name, body: value }
}

/** `export default` of something without a name of its own. */
const defaultExport: Rule = (node) => {
  const made = valueKind(node.childForFieldName('value'))
  return made === undefined ? undefined : { ...made, name: 'default' }
}

const field: Rule = (node) => {
  const name = node.childForFieldName('name') ?? node.childForFieldName('property')
  if (name === null) return undefined
  const value = node.childForFieldName('value')
  const made = valueKind(value)
  return made?.kind === 'function' ? { kind: 'method', name, body: made.body } : { kind: 'field', name, body: value }
}

/** A function in the object that a constant of the file holds. Those in arguments are options and handlers of one call. */
const pair: Rule = (node, text) => {
  const made = valueKind(node.childForFieldName('value'))
  const holder = node.parent?.parent
  const name = node.childForFieldName('key')
  if (made === undefined || name === null || holder == null) return undefined
  if (holder.type === 'variable_declarator' ? !isTopLevel(holder.parent) : !isExported(holder, text)) return undefined
  return { ...made, kind: 'method', name } satisfies Found
}

function isExported (holder: Node, text: string): boolean {
  return holder.type === 'export_statement' || (holder.type === 'assignment_expression' && /^(module\.)?exports\b/.test(textOf(holder, text)))
}

/** `require('x')` and `import('x')`, of all calls with a string for their first argument. */
function imports (node: Node, text: string): string[] {
  const path = textOf(node, text).slice(1, -1)
  if (node.parent?.type !== 'arguments') return [path]
  return /(?:^|[^\w$.])(?:require|require\.resolve|import)\s*\(\s*$/.test(text.slice(Math.max(0, node.startIndex - 40), node.startIndex)) ? [path] : []
}

const rules: Record<string, Rule> = {
  function_declaration: named('function'),
  generator_function_declaration: named('function'),
  class_declaration: named('class'),
  method_definition: named('method'),
  variable_declarator: declarator,
  export_statement: defaultExport
}

const placed: Record<string, Rule> = { assignment_expression: assignment, pair }

const query = `
  (comment) @c
  (expression_statement (assignment_expression) @d)
  (assignment_expression right: (assignment_expression) @d)
  (pair value: [(arrow_function) (function_expression) (class)]) @d
  (import_statement source: (string) @i)
  (export_statement source: (string) @i)
  (call_expression function: [(identifier) (import) (member_expression)] arguments: (arguments . (string) @i))
  (import_specifier name: (identifier) @r)
  (import_clause (identifier) @r)
  (namespace_import (identifier) @r)
  (export_specifier name: (identifier) @r)
  (variable_declarator name: (object_pattern (shorthand_property_identifier_pattern) @r) value: (call_expression function: (identifier)))
  (call_expression function: (identifier) @r)
  (new_expression constructor: (identifier) @r)
  (member_expression property: (property_identifier) @r)
  (member_expression object: (identifier) @o)
  (arguments (identifier) @o)
  (decorator (identifier) @r)
`

const wrappers = new Set(['export_statement', 'lexical_declaration', 'variable_declaration', 'ambient_declaration', 'expression_statement'])
const decorations = new Set(['decorator'])

/** With JSX, as the grammar has it. */
export const javascript: Grammar = {
  file: '@repomix/tree-sitter-wasms/out/tree-sitter-javascript.wasm',
  rules: { ...rules, field_definition: field },
  placed,
  query: `${query}
    (class_heritage (identifier) @r)
    (jsx_opening_element name: (identifier) @o)
    (jsx_self_closing_element name: (identifier) @o)`,
  wrappers,
  decorations,
  imports
}

const typed: Grammar = {
  file: '@repomix/tree-sitter-wasms/out/tree-sitter-typescript.wasm',
  rules: {
    ...rules,
    function_signature: named('function'),
    abstract_class_declaration: named('class'),
    interface_declaration: named('interface'),
    type_alias_declaration: named('type', { body: 'value' }),
    enum_declaration: named('enum'),
    enum_assignment: named('constant', { body: 'value' }),
    internal_module: named('module'),
    module: (node, text) => {
      const name = node.childForFieldName('name')
      return name === null ? undefined : { kind: 'module', name: textOf(name, text).replace(/^["']|["']$/g, ''), body: node.childForFieldName('body') }
    },
    method_signature: named('method'),
    abstract_method_signature: named('method'),
    public_field_definition: field
  },
  placed: { ...placed, property_signature: named('field', { body: 'type' }), property_identifier: itself('constant') },
  query: `${query}
    (class_body (decorator) @a)
    (interface_body (property_signature) @d)
    (type_alias_declaration value: (object_type (property_signature) @d))
    (enum_body name: (property_identifier) @d)
    (import_require_clause source: (string) @i)
    (extends_clause value: (identifier) @r)
    (type_identifier) @r`,
  wrappers,
  decorations,
  imports
}

export const typescript = typed

export const tsx: Grammar = {
  ...typed,
  file: '@repomix/tree-sitter-wasms/out/tree-sitter-tsx.wasm',
  query: `${typed.query}
    (jsx_opening_element name: (identifier) @o)
    (jsx_self_closing_element name: (identifier) @o)`
}
