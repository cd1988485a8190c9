// Maps, because a file may be called `constructor`.
const BY_EXTENSION = new Map(Object.entries({
  ts: 'typescript', mts: 'typescript', cts: 'typescript', tsx: 'typescript',
  js: 'javascript', mjs: 'javascript', cjs: 'javascript', jsx: 'javascript',
  py: 'python', pyi: 'python', pyw: 'python', ipynb: 'python', go: 'go', rs: 'rust', java: 'java', kt: 'kotlin', kts: 'kotlin',
  rb: 'ruby', rake: 'ruby', gemspec: 'ruby', ru: 'ruby', php: 'php', phtml: 'php', cs: 'csharp', csx: 'csharp',
  c: 'c', h: 'c', cc: 'cpp', cpp: 'cpp', cxx: 'cpp', hpp: 'cpp', hh: 'cpp', hxx: 'cpp', ipp: 'cpp', tpp: 'cpp', inl: 'cpp', ino: 'cpp',
  swift: 'swift', dart: 'dart', scala: 'scala', sc: 'scala', lua: 'lua', ex: 'elixir', exs: 'elixir', erl: 'erlang', hs: 'haskell', r: 'r',
  sh: 'shell', bash: 'shell', zsh: 'shell', ksh: 'shell', bats: 'shell', fish: 'shell', ps1: 'powershell', sql: 'sql', html: 'html', htm: 'html',
  css: 'css', scss: 'css', sass: 'css', less: 'css', vue: 'vue', svelte: 'svelte', md: 'markdown', mdx: 'markdown', rst: 'restructuredtext',
  json: 'json', jsonc: 'json', yaml: 'yaml', yml: 'yaml', toml: 'toml', xml: 'xml', tf: 'terraform', tfvars: 'terraform', hcl: 'terraform',
  graphql: 'graphql', gql: 'graphql', proto: 'protobuf', m: 'objective-c', mm: 'objective-c', pl: 'perl', groovy: 'groovy', gradle: 'groovy',
  cls: 'apex', trigger: 'apex', prisma: 'prisma', ini: 'ini', cfg: 'ini', txt: 'text'
}))

const BY_NAME = new Map(Object.entries({
  dockerfile: 'dockerfile', containerfile: 'dockerfile', makefile: 'makefile', gnumakefile: 'makefile', justfile: 'makefile',
  jenkinsfile: 'groovy', gemfile: 'ruby', rakefile: 'ruby', podfile: 'ruby', 'go.mod': 'go', 'cmakelists.txt': 'cmake'
}))

/** Lower-case name of a file's language by its name, or `undefined`. */
export function languageOf (path: string): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase()
  const dot = name.lastIndexOf('.')
  return BY_NAME.get(name) ?? (name.startsWith('dockerfile.') ? 'dockerfile' : undefined) ?? (dot < 0 ? undefined : BY_EXTENSION.get(name.slice(dot + 1)))
}

/** Languages that programs are written in; the others hold data, markup or prose. */
export const PROGRAMMING_LANGUAGES: ReadonlySet<string> = new Set([
  'typescript', 'javascript', 'python', 'go', 'rust', 'java', 'kotlin', 'ruby', 'php', 'csharp', 'c', 'cpp', 'swift', 'dart', 'scala', 'lua',
  'elixir', 'erlang', 'haskell', 'r', 'shell', 'powershell', 'sql', 'vue', 'svelte', 'objective-c', 'perl', 'groovy', 'apex'
])
