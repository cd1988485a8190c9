import type { Node } from 'web-tree-sitter'
import type { Kind } from './symbols.js'

/** What a rule found in a node that may define something. */
export interface Found {
  kind: Kind
  name: Node | string
  /** What is left out of the head: it ends before this. Without, all of the definition is its head. */
  body?: Node | null
  /** The node that is the definition, where it is not the captured one. */
  node?: Node
  /** Where the definition ends, if that is beside the node. */
  last?: Node
}

/** What a node defines, if anything. */
export type Rule = (node: Node, text: string) => Found | Found[] | undefined

/** How the tree of a language tells what a file defines, uses and imports. */
export interface Grammar {
  /** Its compiled form, by the name of the package that ships it. */
  file: string
  /** By type of node: what each of them defines, wherever it stands. */
  rules: Record<string, Rule>
  /** For types of node that define something only in the places that `query` captures as `@d`. */
  placed?: Record<string, Rule>
  /**
   * In tree-sitter's query language. `@d` is what `placed` judges, `@i` what is imported, `@r` references, `@o` references if they begin
   * with a capital letter: small ones are mostly local variables. `@c` are comments, `@s` strings in which the grammar sees comments, and
   * `@a` attributes that stand before the node they belong to.
   */
  query: string
  /** Nodes that belong to the definition inside of them, if it is the only one: decorators, `export`, `const`. */
  wrappers?: ReadonlySet<string>
  /** Children that stand before the declaration itself: decorators, annotations. */
  decorations?: ReadonlySet<string>
  /** The paths of an import; without, the text without quotes. */
  imports?: (node: Node, text: string) => string[]
}

const LONGEST_TEXT = 500

/** What a node says, as far as a name or a path is of interest: a node may be all of a file. */
export function textOf (node: Node, text: string): string {
  return text.slice(node.startIndex, Math.min(node.endIndex, node.startIndex + LONGEST_TEXT))
}

/** The usual rule: a name and a body in fields of these names. */
export function named (kind: Kind, { name = 'name', body = 'body' }: { name?: string, body?: string } = {}): Rule {
  return (node) => {
    const named = node.childForFieldName(name)
    return named === null ? undefined : { kind, name: named, body: node.childForFieldName(body) }
  }
}

/** For a node that is itself the name. */
export const itself = (kind: Kind): Rule => (node) => ({ kind, name: node })

/** One definition for each name: `a, b int`. */
export function eachName (kind: Kind, field = 'name', body = 'value'): Rule {
  return (node) => {
    const names = node.childrenForFieldName(field).filter((name) => name.isNamed)
    if (names.length === 1) return { kind, name: names[0]!, body: node.childForFieldName(body) }
    return names.map((name) => ({ kind, name, node: name }))
  }
}
