import { PROGRAMMING_LANGUAGES, type GatherInput } from '../../../core/plugin-api.js'
import { readList } from './parameters.js'
import type { ProjectIndex } from './project-index.js'

/** Languages that a file of source code may have; what only describes data or prose is not among them. */
export const SOURCE_LANGUAGES: ReadonlySet<string> = new Set([
  ...PROGRAMMING_LANGUAGES,
  'html', 'css', 'astro', 'razor', 'jsp', 'erb', 'eex', 'ejs', 'handlebars', 'mustache', 'pug', 'twig', 'liquid', 'haml', 'slim', 'jinja',
  'graphql', 'protobuf', 'thrift', 'capnp', 'flatbuffers'
])

/** Markup and prose languages; a file in one of them is documentation wherever it stands. */
export const PROSE_LANGUAGES: ReadonlySet<string> = new Set(['markdown', 'mdx', 'restructuredtext', 'rst', 'asciidoc', 'org', 'tex', 'latex'])

// Maps, because a name comes from a profile: `constructor` is none of ours.
const ALIASES: ReadonlyMap<string, string> = new Map(Object.entries({
  ts: 'typescript', js: 'javascript', node: 'javascript', py: 'python', golang: 'go', rs: 'rust', kt: 'kotlin', rb: 'ruby',
  'c#': 'csharp', cs: 'csharp', 'c++': 'cpp', bash: 'shell', sh: 'shell', zsh: 'shell', hcl: 'terraform', md: 'markdown',
  tsx: 'typescript', jsx: 'javascript', scss: 'css', sass: 'css', less: 'css', mdx: 'markdown', objectivec: 'objective-c', objc: 'objective-c',
  'f#': 'fsharp', vb: 'visualbasic', clj: 'clojure', jl: 'julia', hs: 'haskell', ex: 'elixir', viml: 'vimscript', elisp: 'emacs-lisp', racket: 'scheme',
  yml: 'yaml', proto: 'protobuf', flutter: 'dart', postgresql: 'sql', mysql: 'sql'
}))

/** Who works in a language works in its dialects too: single-file components are written in both script languages. */
const DIALECTS: ReadonlyMap<string, readonly string[]> = new Map(Object.entries({
  typescript: ['javascript', 'vue', 'svelte', 'astro'],
  // A package in JavaScript has its types in declarations.
  javascript: ['typescript', 'vue', 'svelte', 'astro', 'coffeescript', 'ejs', 'handlebars', 'pug'],
  html: ['vue', 'svelte', 'astro', 'ejs', 'handlebars', 'mustache', 'pug', 'twig', 'liquid', 'jinja'],
  python: ['cython', 'jinja'],
  ruby: ['erb', 'haml', 'slim'],
  elixir: ['eex'],
  php: ['twig'],
  csharp: ['razor'],
  java: ['jsp'],
  c: ['cpp'],
  cpp: ['c', 'cuda'],
  swift: ['objective-c']
}))

export interface WantedLanguages {
  /** `undefined` where any will do. */
  readonly names: ReadonlySet<string> | undefined
  /** Whether what is in others is not wanted, unless the task speaks of it. */
  readonly only: boolean
  /** Whether the requirement asks for them, and not the profile alone. */
  readonly explicit: boolean
}

const ANY: WantedLanguages = { names: undefined, only: false, explicit: false }

/** With less than this share of a project's source files, languages are not what it is written in: a page's script beside a library in C. */
const MAIN_SHARE = 0.05

/** The languages that a requirement is about. An agent that is sent to a project of other languages is to see the project all the same. */
export function wantedLanguages (input: GatherInput, { languages, sources }: ProjectIndex): WantedLanguages {
  const asked = readList(input, 'languages')
  const wanted = (asked ?? input.profile.languages ?? []).map(name => name.toLowerCase()).map(name => ALIASES.get(name) ?? name)
  if (wanted.length === 0) return ANY
  const names = new Set(wanted.flatMap(name => [name, ...(DIALECTS.get(name) ?? [])]))
  const explicit = asked !== undefined
  // What documents and configuration are written in has no source files.
  if ([...names].some(name => !SOURCE_LANGUAGES.has(name) && languages.has(name))) return { names, only: true, explicit }
  let [own, all] = [0, 0]
  for (const [language, files] of sources) {
    all += files
    if (language !== undefined && names.has(language)) own += files
  }
  if (all === 0) return { names, only: false, explicit }
  return own === 0 ? ANY : { names, only: own >= MAIN_SHARE * all, explicit }
}
