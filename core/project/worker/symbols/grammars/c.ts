import type { Node } from 'web-tree-sitter'
import { named, textOf, type Found, type Grammar, type Rule } from '../grammar.js'

const MOST_NESTED = 20

/** `*(*name[2])(int)` down to the name, with what was on the way. */
function declared (declarator: Node | null): { name: Node, isFunction: boolean, isQualified: boolean } | undefined {
  let isFunction = false
  let isQualified = false
  let node = declarator
  for (let depth = 0; node !== null && depth < MOST_NESTED; depth++) {
    // A pointer to a function, `(*name)(int)`, is a variable.
    if (node.type === 'function_declarator') isFunction = node.childForFieldName('declarator')?.type !== 'parenthesized_declarator'
    const next: Node | null = node.type === 'qualified_identifier' || node.type === 'template_function'
      ? node.childForFieldName('name')
      : node.childForFieldName('declarator') ?? (/^(parenthesized|reference|attributed)_declarator$/.test(node.type) ? node.firstNamedChild : null)
    isQualified ||= node.type === 'qualified_identifier'
    if (next === null) break
    node = next
  }
  if (node === null || !/identifier$|^(destructor|operator)_name$|^operator_cast$/.test(node.type)) return undefined
  return { name: node, isFunction: isFunction || node.type === 'operator_cast', isQualified }
}

const functionDefinition: Rule = (node) => {
  const found = declared(node.childForFieldName('declarator'))
  if (found === undefined) return undefined
  // What a constructor begins with belongs to its body.
  const body = node.namedChildren.find(({ type }) => type === 'field_initializer_list') ?? node.childForFieldName('body')
  return { kind: found.isQualified ? 'method' : 'function', name: found.name, body }
}

/** Only what has a body: `struct a;` and `struct a *b` mention a type. */
function specifier (kind: 'class' | 'enum'): Rule {
  return (node) => {
    const body = node.childForFieldName('body')
    const name = node.childForFieldName('name')
    // What is named by a `typedef` as well is told of there.
    if (body === null || name === null || node.parent?.type === 'type_definition') return undefined
    return { kind, name: name.type === 'template_type' ? name.childForFieldName('name') ?? name : name, body }
  }
}

const typeDefinition: Rule = (node, text) => {
  const type = node.childForFieldName('type')
  const found = declared(node.childForFieldName('declarator'))
  if (found === undefined || type === null) return undefined
  const body = type.childForFieldName('body')
  const kind = body === null ? 'type' : type.type === 'enum_specifier' ? 'enum' : 'class'
  const definitions: Found[] = [{ kind, name: found.name, body }]
  const tag = type.childForFieldName('name')
  if (body !== null && tag !== null && textOf(tag, text) !== textOf(found.name, text)) definitions.push({ kind, name: tag, node: tag })
  return definitions
}

/** Prototypes and variables of the file, or of a class. */
function declaration (variable: 'constant' | 'field'): Rule {
  return (node) => {
    const declarators = node.childrenForFieldName('declarator').filter(({ isNamed }) => isNamed)
    return declarators.flatMap((declarator): Found[] => {
      const found = declared(declarator)
      if (found === undefined) return []
      const whole = declarators.length === 1 ? {} : { node: declarator }
      if (found.isFunction) return [{ kind: variable === 'field' ? 'method' : 'function', name: found.name, ...whole }]
      return [{ kind: variable, name: found.name, body: declarator.childForFieldName('value') ?? node.childForFieldName('default_value'), ...whole }]
    })
  }
}

/** An include guard defines nothing that is used. */
const define: Rule = (node, text) => (node.childForFieldName('value') === null ? undefined : named('macro', { body: 'value' })(node, text))

const CONTAINERS = ['translation_unit', 'preproc_if', 'preproc_ifdef', 'preproc_else', 'preproc_elif']

const query = (containers: string[]) => `
  (comment) @c
  ${containers.map((type) => `(${type} (declaration) @d)`).join(' ')}
  (field_declaration_list (field_declaration) @d)
  (preproc_include path: (_) @i)
  (call_expression function: (identifier) @r)
  (field_identifier) @r
  (type_identifier) @r
  (argument_list (identifier) @o)`

const rules: Record<string, Rule> = {
  function_definition: functionDefinition,
  struct_specifier: specifier('class'),
  union_specifier: specifier('class'),
  enum_specifier: specifier('enum'),
  enumerator: named('constant', { body: 'value' }),
  type_definition: typeDefinition,
  preproc_def: define,
  preproc_function_def: named('macro', { body: 'value' })
}

const placed: Record<string, Rule> = { declaration: declaration('constant'), field_declaration: declaration('field') }

export const c: Grammar = { file: '@repomix/tree-sitter-wasms/out/tree-sitter-c.wasm', rules, placed, query: query(CONTAINERS) }

export const cpp: Grammar = {
  file: '@repomix/tree-sitter-wasms/out/tree-sitter-cpp.wasm',
  rules: {
    ...rules,
    class_specifier: specifier('class'),
    namespace_definition: named('module'),
    alias_declaration: named('type', { body: 'type' }),
    concept_definition: named('type')
  },
  placed,
  query: `${query([...CONTAINERS, 'declaration_list', 'template_declaration', 'linkage_specification', 'field_declaration_list'])}
    (using_declaration (qualified_identifier name: (identifier) @r))
    (call_expression function: (qualified_identifier name: (identifier) @r))
    (call_expression function: (template_function name: (identifier) @r))
    (template_function name: (identifier) @r)
    (qualified_identifier name: (identifier) @r)
    (namespace_identifier) @o`,
  wrappers: new Set(['template_declaration'])
}
