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
  cls: 'apex', trigger: 'apex', clj: 'clojure', cljs: 'clojure', cljc: 'clojure', fs: 'fsharp', fsi: 'fsharp', fsx: 'fsharp',
  vb: 'visualbasic', ml: 'ocaml', mli: 'ocaml', jl: 'julia', nim: 'nim', nims: 'nim', zig: 'zig', sol: 'solidity', vy: 'vyper', cr: 'crystal',
  d: 'd', elm: 'elm', gleam: 'gleam', purs: 'purescript', res: 'rescript', resi: 'rescript', hx: 'haxe', coffee: 'coffeescript', vala: 'vala',
  vim: 'vimscript', el: 'emacs-lisp', lisp: 'lisp', lsp: 'lisp', cl: 'lisp', asd: 'lisp', scm: 'scheme', ss: 'scheme', sld: 'scheme', rkt: 'scheme',
  f: 'fortran', for: 'fortran', f90: 'fortran', f95: 'fortran', f03: 'fortran', f08: 'fortran', pas: 'pascal', dpr: 'pascal', lpr: 'pascal',
  adb: 'ada', ads: 'ada', cob: 'cobol', cbl: 'cobol', asm: 'assembly', s: 'assembly', nasm: 'assembly', cu: 'cuda', cuh: 'cuda', metal: 'metal',
  glsl: 'glsl', vert: 'glsl', frag: 'glsl', comp: 'glsl', wgsl: 'wgsl', hlsl: 'hlsl', v: 'verilog', vh: 'verilog', sv: 'verilog', svh: 'verilog',
  vhd: 'vhdl', vhdl: 'vhdl', tcl: 'tcl', awk: 'awk', gd: 'gdscript', luau: 'lua', moon: 'moonscript', pm: 'perl', raku: 'raku', rakumod: 'raku',
  psm1: 'powershell', psd1: 'powershell', bat: 'batch', cmd: 'batch', pyx: 'cython', pxd: 'cython', bzl: 'starlark', star: 'starlark',
  bazel: 'starlark', nix: 'nix', hrl: 'erlang', lhs: 'haskell', sbt: 'scala', lean: 'lean', agda: 'agda', idr: 'idris', wat: 'webassembly',
  cairo: 'cairo', move: 'move', mojo: 'mojo', rego: 'rego', nu: 'nushell', sml: 'sml', astro: 'astro', razor: 'razor', cshtml: 'razor',
  jsp: 'jsp', erb: 'erb', eex: 'eex', heex: 'eex', leex: 'eex', ejs: 'ejs', hbs: 'handlebars', handlebars: 'handlebars', mustache: 'mustache',
  pug: 'pug', twig: 'twig', liquid: 'liquid', haml: 'haml', slim: 'slim', j2: 'jinja', jinja: 'jinja', jinja2: 'jinja', njk: 'jinja',
  thrift: 'thrift', capnp: 'capnp', fbs: 'flatbuffers', prisma: 'prisma', ini: 'ini', cfg: 'ini', txt: 'text'
}))

const BY_NAME = new Map(Object.entries({
  dockerfile: 'dockerfile', containerfile: 'dockerfile', makefile: 'makefile', gnumakefile: 'makefile', justfile: 'makefile',
  jenkinsfile: 'groovy', gemfile: 'ruby', rakefile: 'ruby', podfile: 'ruby', vagrantfile: 'ruby', brewfile: 'ruby', fastfile: 'ruby',
  sconstruct: 'python', 'go.mod': 'go', 'cmakelists.txt': 'cmake'
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
  'elixir', 'erlang', 'haskell', 'r', 'shell', 'powershell', 'sql', 'vue', 'svelte', 'objective-c', 'perl', 'groovy', 'apex',
  'clojure', 'fsharp', 'visualbasic', 'ocaml', 'julia', 'nim', 'zig', 'solidity', 'vyper', 'crystal', 'd', 'elm', 'gleam', 'purescript',
  'rescript', 'haxe', 'coffeescript', 'vala', 'vimscript', 'emacs-lisp', 'lisp', 'scheme', 'fortran', 'pascal', 'ada', 'cobol', 'assembly',
  'cuda', 'metal', 'glsl', 'wgsl', 'hlsl', 'verilog', 'vhdl', 'tcl', 'awk', 'gdscript', 'moonscript', 'raku', 'batch', 'cython', 'starlark',
  'nix', 'lean', 'agda', 'idris', 'webassembly', 'cairo', 'move', 'mojo', 'rego', 'nushell', 'sml'
])
