import type { Kind } from '../symbols.js'

const KEYWORDS: Record<string, Kind> = {
  class: 'class', struct: 'class', union: 'class', record: 'class', object: 'class', actor: 'class', '@implementation': 'section',
  interface: 'interface', trait: 'interface', protocol: 'interface', '@interface': 'class', '@protocol': 'interface',
  enum: 'enum', type: 'type', typealias: 'type', data: 'type', newtype: 'type',
  module: 'module', namespace: 'module', mod: 'module', package: 'module', defmodule: 'module', defprotocol: 'interface', defimpl: 'section',
  impl: 'section', extension: 'section', instance: 'section',
  function: 'function', func: 'function', fun: 'function', fn: 'function', def: 'function', defp: 'function', sub: 'function', filter: 'function',
  defmacro: 'macro', 'macro_rules!': 'macro', '#define': 'macro'
}

const MODIFIERS = 'export|default|public|private|protected|internal|static|abstract|final|sealed|open|async|pub(?:\\([a-z: ]*\\))?|unsafe|override|virtual|partial|data|inline|extern|readonly|declare|implicit|lazy|case|local|global|const|with sharing|without sharing|inherited sharing'
const names = Object.keys(KEYWORDS).sort((a, b) => b.length - a.length).join('|')

/** Most languages declare with a word, after others. */
const GENERAL = new RegExp(`^\\s*(?:(?:${MODIFIERS})\\s+)*(${names})(?!\\w)\\s*\\*?\\s*(?:<[^<>]*>\\s*)?([\\p{L}_$][\\p{L}\\d_$.:?!-]*)`, 'u')

type Pattern = [pattern: RegExp, kind: Kind]

/** What the word alone does not tell; the first group is the name. */
const PATTERNS = new Map<string, Pattern[]>(Object.entries({
  javascript: [[/^(?:export\s+)?(?:const|let|var)\s+([\w$]+)\s*=/, 'constant']],
  typescript: [[/^(?:export\s+)?(?:const|let|var)\s+([\w$]+)\s*[=:]/, 'constant']],
  go: [[/^func\s+\([^)]*\)\s*(\w+)/, 'method'], [/^(?:var|const)\s+(\w+)/, 'constant']],
  shell: [[/^\s*([\w:-]+)\s*\(\)/, 'function']],
  lua: [[/^(?:local\s+)?([\w.:]+)\s*=\s*function\b/, 'function']],
  r: [[/^\s*([\w.]+)\s*(?:<-|=)\s*function\b/, 'function']],
  erlang: [[/^([a-z]\w*)\([^()]*\)(?:\s+when\b.*)?\s*->/, 'function'], [/^-(?:record|define)\(([^,()\s]+)/, 'type'], [/^-module\((\w+)\)/, 'module']],
  haskell: [[/^([a-z_][\w']*)\s*::/, 'function'], [/^class\s+(?:.*=>\s*)?(\w+)/, 'interface']],
  scala: [[/^\s*(?:(?:private|protected|override|final|implicit|lazy)(?:\[\w+\])?\s+)*va[lr]\s+(\w+)/, 'field']],
  'objective-c': [[/^[-+]\s*\([^)]*\)\s*(\w+)/, 'method'], [/^@property\b.*?\*?\s*(\w+)\s*;/, 'field']],
  apex: [[/^\s*(?:@\w+\s+)*(?:(?:public|private|protected|global|static|virtual|abstract|override|webservice|testMethod)\s+)+[\w<>[\],. ]+\s(\w+)\s*\(/i, 'method'], [/^\s*trigger\s+(\w+)/i, 'function']],
  groovy: [[/^\s*(?:(?:public|private|protected|static|final)\s+)+[\w<>[\],.]+\s+(\w+)\s*\(/, 'method'], [/^task\s+(\w+)/, 'function']],
  powershell: [[/^\s*(?:function|filter)\s+([\w:-]+)/i, 'function']],
  protobuf: [[/^\s*(?:message|service)\s+(\w+)/, 'class'], [/^\s*rpc\s+(\w+)/, 'method']],
  graphql: [[/^(?:extend\s+)?(?:type|input|union|scalar)\s+(\w+)/, 'type'], [/^directive\s+@(\w+)/, 'macro'], [/^(?:query|mutation|subscription|fragment)\s+(\w+)/, 'function']],
  prisma: [[/^model\s+(\w+)/, 'class']],
  terraform: [[/^((?:resource|data|module|variable|output|provider)(?:\s+"[^"]*")+)/, 'section'], [/^(locals|terraform)\s*\{/, 'section']],
  makefile: [[/^([A-Za-z][\w./-]*)\s*:(?!=)/, 'function'], [/^([A-Za-z]\w*)\s*[:?+]?=/, 'constant']],
  dockerfile: [[/^FROM\s+.*\sAS\s+(\S+)/i, 'section']],
  toml: [[/^\[\[?\s*([^\]]+?)\s*\]/, 'section']],
  ini: [[/^\[([^\]]+)\]/, 'section']],
  restructuredtext: [],
  text: []
} satisfies Record<string, Pattern[]>))

/** Languages that hold no declarations such as `class A`: there these would be words of a text. */
const WITHOUT_GENERAL = new Set(['markdown', 'restructuredtext', 'text', 'toml', 'ini', 'json', 'yaml', 'xml', 'html', 'css', 'makefile', 'dockerfile', 'terraform', 'graphql', 'sql'])

export function matchDeclaration (language: string | undefined, line: string): { name: string, kind: Kind } | undefined {
  for (const [pattern, kind] of PATTERNS.get(language ?? '') ?? []) {
    const name = pattern.exec(line)?.[1]
    if (name !== undefined) return { name, kind }
  }
  if (language === undefined || WITHOUT_GENERAL.has(language)) return undefined
  const [, keyword, name] = GENERAL.exec(line) ?? []
  return name === undefined ? undefined : { name: name.replace(/[:.]+$/, ''), kind: KEYWORDS[keyword!]! }
}
