import type { GatherInput } from '../../../core/plugin-api.js'
import { readList } from './parameters.js'
import type { ProjectIndex } from './project-index.js'

/** Languages that a file of source code may have; what only describes data or prose is not among them. */
export const SOURCE_LANGUAGES: ReadonlySet<string> = new Set([
  'typescript', 'javascript', 'tsx', 'jsx', 'python', 'go', 'rust', 'java', 'kotlin', 'scala', 'groovy', 'clojure', 'ruby', 'php',
  'csharp', 'fsharp', 'visualbasic', 'c', 'cpp', 'objective-c', 'objectivec', 'swift', 'dart', 'shell', 'powershell', 'batch',
  'sql', 'html', 'css', 'scss', 'sass', 'less', 'vue', 'svelte', 'astro', 'graphql', 'protobuf', 'elixir', 'erlang', 'haskell',
  'ocaml', 'lua', 'perl', 'r', 'julia', 'zig', 'nim', 'solidity', 'apex', 'assembly'
])

/** Markup and prose languages; a file in one of them is documentation wherever it stands. */
export const PROSE_LANGUAGES: ReadonlySet<string> = new Set(['markdown', 'mdx', 'restructuredtext', 'rst', 'asciidoc', 'org', 'tex', 'latex'])

// Maps, because a name comes from a profile: `constructor` is none of ours.
const ALIASES: ReadonlyMap<string, string> = new Map(Object.entries({
  ts: 'typescript', js: 'javascript', node: 'javascript', py: 'python', golang: 'go', rs: 'rust', kt: 'kotlin', rb: 'ruby',
  'c#': 'csharp', cs: 'csharp', 'c++': 'cpp', bash: 'shell', sh: 'shell', zsh: 'shell', hcl: 'terraform', md: 'markdown',
  yml: 'yaml', proto: 'protobuf', flutter: 'dart', postgresql: 'sql', mysql: 'sql'
}))

/** Who works in a language works in its dialects too: single-file components are written in both script languages. */
const DIALECTS: ReadonlyMap<string, readonly string[]> = new Map(Object.entries({
  typescript: ['tsx', 'javascript', 'vue', 'svelte', 'astro'],
  // A package in JavaScript has its types in declarations.
  javascript: ['jsx', 'typescript', 'vue', 'svelte', 'astro'],
  css: ['scss', 'sass', 'less'],
  html: ['vue', 'svelte', 'astro'],
  c: ['cpp'],
  cpp: ['c'],
  swift: ['objective-c', 'objectivec'],
  markdown: ['mdx']
}))

export interface WantedLanguages {
  /** `undefined` where any will do. */
  readonly names: ReadonlySet<string> | undefined
  /** Whether what is in others is not wanted, unless the task speaks of it. */
  readonly only: boolean
  /** Whether the requirement asks for them, and not the profile alone. */
  readonly explicit: boolean
}

/** With less than this share of a project's source files, languages are not what it is written in: a page's script beside a library in C. */
const MAIN_SHARE = 0.05

/** The languages that a requirement is about. An agent that is sent to a project of other languages is to see the project all the same. */
export function wantedLanguages (input: GatherInput, { languages, sources }: ProjectIndex): WantedLanguages {
  const asked = readList(input, 'languages')
  const wanted = (asked ?? input.profile.languages ?? []).map(name => name.toLowerCase()).map(name => ALIASES.get(name) ?? name)
  const names = new Set(wanted.flatMap(name => [name, ...(DIALECTS.get(name) ?? [])]))
  const explicit = asked !== undefined
  // What documents and configuration are written in has no source files.
  if ([...names].some(name => !SOURCE_LANGUAGES.has(name) && languages.has(name))) return { names, only: true, explicit }
  let [own, all] = [0, 0]
  for (const [language, files] of sources) {
    all += files
    if (language !== undefined && names.has(language)) own += files
  }
  return own === 0 ? { names: undefined, only: false, explicit: false } : { names, only: own >= MAIN_SHARE * all, explicit }
}
