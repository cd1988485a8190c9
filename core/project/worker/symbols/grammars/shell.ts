import type { Node } from 'web-tree-sitter'
import { named, textOf, type Grammar, type Rule } from '../grammar.js'

const variable: Rule = (node, text) => (node.childForFieldName('name')?.type === 'variable_name' ? named('constant', { body: 'value' })(node, text) : undefined)

/** `source a` and `. a`, of all commands. `"$(dirname "$0")/a"` and `"$HERE/a"` are given as `./a`. */
function imports (node: Node, text: string): string[] {
  if (!/(?:^|[\s;&|({])(source|\.)\s+$/.test(text.slice(Math.max(0, node.startIndex - 12), node.startIndex))) return []
  const path = textOf(node, text).replace(/["']/g, '')
  return [path.replace(/^(\$\(.*\)|\$\{?\w+\}?|`.*`)(?=\/)/, '.')]
}

/** What Bash, sh and, mostly, zsh have in common. */
export const shell: Grammar = {
  file: '@lumis-sh/wasm-bash/tree-sitter-bash.wasm',
  rules: { function_definition: named('function') },
  placed: { variable_assignment: variable },
  query: `
    (comment) @c
    (program (variable_assignment) @d)
    (program (declaration_command (variable_assignment) @d))
    (command name: (command_name) . argument: (_) @i)
    (command_name (word) @r)`,
  wrappers: new Set(['declaration_command']),
  imports
}
