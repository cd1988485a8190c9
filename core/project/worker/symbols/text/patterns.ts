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
  clojure: [[/^\s*\((?:defn-?|defmulti|defmethod|def|defonce)\s+(?:\^\S+\s+)?([^\s()[\]{}"^]+)/, 'function'], [/^\s*\((?:defprotocol|definterface)\s+([^\s()]+)/, 'interface'], [/^\s*\((?:defrecord|deftype)\s+([^\s()]+)/, 'class'], [/^\s*\(defmacro\s+([^\s()]+)/, 'macro'], [/^\(ns\s+([^\s()]+)/, 'module']],
  'emacs-lisp': [[/^\s*\((?:cl-)?def(?:un|subst|generic|method|ine-[\w-]+)\s+([^\s()"]+)/, 'function'], [/^\((?:defvar|defconst|defcustom|defvar-local)\s+([^\s()"]+)/, 'constant'], [/^\s*\((?:cl-)?defmacro\s+([^\s()"]+)/, 'macro']],
  lisp: [[/^\s*\(def(?:un|generic|method)\s+([^\s()"]+)/, 'function'], [/^\s*\(def(?:class|struct)\s+\(?([^\s()"]+)/, 'class'], [/^\s*\(def(?:var|parameter|constant)\s+([^\s()"]+)/, 'constant'], [/^\s*\(defmacro\s+([^\s()"]+)/, 'macro']],
  scheme: [[/^\s*\(define(?:\/\w+)?\s+\(*([^\s()"]+)/, 'function'], [/^\s*\(define-syntax(?:-rule)?\s+\(?([^\s()"]+)/, 'macro'], [/^\s*\((?:struct|define-record-type|define-struct)\s+([^\s()"]+)/, 'class']],
  julia: [[/^\s*(?:mutable\s+)?struct\s+(\w+)/, 'class'], [/^\s*(?:abstract|primitive)\s+type\s+(\w+)/, 'type'], [/^\s*macro\s+(\w+)/, 'macro'], [/^([\w.!]+)\([^=]*\)\s*(?:where\s[^=]*)?=(?!=)/, 'function']],
  ocaml: [[/^\s*(?:let|and|val|external)\s+(?:rec\s+)?([a-z_][\w']*)/, 'function'], [/^\s*(?:class|method!?)\s+(?:virtual\s+|private\s+)?(\w+)/, 'class']],
  fsharp: [[/^\s*let\s+(?:(?:rec|inline|private|internal|mutable)\s+)*([a-z_][\w']*)/, 'function'], [/^\s*(?:static\s+)?(?:member|override|abstract|default)\s+(?:inline\s+)?(?:\w+\.)?(\w+)/, 'method']],
  zig: [[/^\s*(?:pub\s+)?const\s+(\w+)\s*=\s*(?:extern\s+|packed\s+)?(?:struct|enum|union|opaque|error)\b/, 'class']],
  solidity: [[/^\s*(?:abstract\s+)?(?:contract|library)\s+(\w+)/, 'class'], [/^\s*(?:modifier|event|error)\s+(\w+)/, 'method'], [/^\s*(constructor|receive|fallback)\s*\(/, 'method']],
  nim: [[/^\s*(?:proc|func|method|iterator|converter)\s+`?([\w=]+)/, 'function'], [/^\s*(?:template|macro)\s+`?(\w+)/, 'macro'], [/^\s+(\w+)\*?\s*=\s*(?:ref\s+|ptr\s+)?(?:object|enum|tuple|distinct)\b/, 'class']],
  vimscript: [[/^\s*fu(?:nction|nc|n)?!?\s+([\w:#.<>]+)/, 'function'], [/^\s*com(?:mand)?!?\s+(?:-\S+\s+)*(\w+)/, 'macro']],
  fortran: [[/^\s*(?:(?:pure|elemental|recursive|impure|module|integer|real|logical|complex|character)\s+)*(?:subroutine|function)\s+(\w+)/i, 'function'], [/^\s*(?:program|module|submodule)\s+(\w+)/i, 'module'], [/^\s*type(?:\s*,[^:]*)?\s*(?:::)?\s*(\w+)\s*$/i, 'class']],
  pascal: [[/^\s*(?:class\s+)?(?:procedure|function|constructor|destructor)\s+([\w.]+)/i, 'function'], [/^\s*(\w+)\s*=\s*(?:packed\s+)?(?:class|record|interface|object)\b/i, 'class']],
  visualbasic: [[/^\s*(?:(?:public|private|friend|protected|shared|overrides|overridable|async)\s+)*(?:sub|function|property)\s+(\w+)/i, 'function'], [/^\s*(?:(?:public|private|friend|partial)\s+)*(?:class|module|structure|interface|enum)\s+(\w+)/i, 'class']],
  ada: [[/^\s*(?:procedure|function|entry)\s+([\w.]+)/i, 'function'], [/^\s*(?:package|task|protected)\s+(?:body\s+|type\s+)?([\w.]+)/i, 'module']],
  vhdl: [[/^\s*(?:entity|package|component|architecture)\s+(?:body\s+)?(\w+)/i, 'module'], [/^\s*(?:procedure|function|process)\s+(\w+)/i, 'function']],
  verilog: [[/^\s*(?:task|function)\s+(?:automatic\s+)?(?:\[[^\]]*\]\s*)?(\w+)/, 'function']],
  elm: [[/^([a-z]\w*)\s+:\s/, 'function'], [/^type\s+alias\s+(\w+)/, 'type']],
  purescript: [[/^([a-z_][\w']*)\s*::/, 'function']],
  tcl: [[/^\s*proc\s+(\S+)/, 'function']],
  assembly: [[/^([A-Za-z_.$][\w.$]*):/, 'function']],
  batch: [[/^:(\w[\w-]*)/, 'function']],
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
