import type { Node } from 'web-tree-sitter'
import { textOf, type Grammar, type Rule } from '../grammar.js'
import type { Kind } from '../symbols.js'

const ATTRIBUTE = /^[cm]?attr_(reader|writer|accessor)$/
const MAKES_CLASS = /^(Struct|Class|Data|Module)\.(new|define)\b/

const constant: Rule = (node, text) => {
  const name = node.childForFieldName('left')
  const value = node.childForFieldName('right')
  if (name === null || value === null) return undefined
  return MAKES_CLASS.test(textOf(value, text)) ? { kind: 'class', name, body: value.childForFieldName('block') } : { kind: 'constant', name, body: value }
}

/** What holds nothing ends with its head. */
function withEnd (kind: Kind): Rule {
  return (node) => {
    const name = node.childForFieldName('name')
    const last = node.lastChild
    return name === null ? undefined : { kind, name, body: node.childForFieldName('body') ?? (last?.type === 'end' ? last : null) }
  }
}

/** `attr_reader :a` */
const attribute: Rule = (node, text) => {
  const call = node.parent?.parent
  const method = call?.type === 'call' ? call.childForFieldName('method') : null
  return method !== null && ATTRIBUTE.test(textOf(method, text)) ? { kind: 'field', name: textOf(node, text).slice(1) } : undefined
}

/** Of all calls with a string for their first argument. `require_relative 'a'` is given as `./a`, to be told from `require 'a'`. */
function imports (node: Node, text: string): string[] {
  const path = textOf(node, text).slice(1, -1)
  const [, how] = /(?:^|[^\w.])(require|require_relative|load|autoload\s*\(?\s*:\w+,)\s*\(?\s*$/.exec(text.slice(Math.max(0, node.startIndex - 80), node.startIndex)) ?? []
  if (how === undefined) return []
  return [how === 'require_relative' && !path.startsWith('.') ? `./${path}` : path]
}

export const ruby: Grammar = {
  file: '@repomix/tree-sitter-wasms/out/tree-sitter-ruby.wasm',
  rules: {
    module: withEnd('module'),
    class: withEnd('class'),
    method: withEnd('function'),
    singleton_method: withEnd('function')
  },
  placed: { assignment: constant, simple_symbol: attribute },
  query: `
    (comment) @c
    (assignment left: (constant)) @d
    (body_statement (call arguments: (argument_list (simple_symbol) @d)))
    (call method: (identifier) arguments: (argument_list (string) @i))
    (call method: (identifier) @r)
    (call method: (constant) @r)
    (constant) @r`,
  imports
}
