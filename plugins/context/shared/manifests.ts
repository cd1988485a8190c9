/** Files that declare a package and what it depends on, by ecosystem. */
export const MANIFESTS = {
  npm: ['package.json', 'deno.json', 'deno.jsonc', 'jsr.json'],
  python: ['pyproject.toml', 'requirements.txt', 'setup.py', 'setup.cfg', 'pipfile', 'environment.yml', 'environment.yaml', 'conda.yaml'],
  go: ['go.mod', 'go.work'],
  rust: ['cargo.toml'],
  maven: ['pom.xml'],
  gradle: ['build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts', 'libs.versions.toml'],
  ruby: ['gemfile', 'gems.rb', '*.gemspec'],
  php: ['composer.json'],
  dart: ['pubspec.yaml'],
  swift: ['package.swift', 'podfile', '*.podspec', 'cartfile'],
  dotnet: ['*.csproj', '*.fsproj', '*.vbproj', 'directory.packages.props', 'packages.config'],
  cpp: ['conanfile.txt', 'conanfile.py', 'vcpkg.json', 'cmakelists.txt', 'meson.build', 'module.bazel', 'workspace.bazel'],
  elixir: ['mix.exs'],
  scala: ['build.sbt'],
  haskell: ['*.cabal', 'stack.yaml', 'package.yaml'],
  clojure: ['deps.edn', 'project.clj', 'build.boot'],
  erlang: ['rebar.config'],
  ocaml: ['dune-project', '*.opam', 'opam'],
  julia: ['project.toml'],
  r: ['description'],
  perl: ['cpanfile', 'makefile.pl', 'build.pl'],
  lua: ['*.rockspec'],
  zig: ['build.zig.zon'],
  nim: ['*.nimble'],
  crystal: ['shard.yml'],
  elm: ['elm.json'],
  solidity: ['foundry.toml'],
  nix: ['flake.nix']
} as const satisfies Record<string, readonly string[]>

/** Where programs and libraries begin, by the conventions of their languages and frameworks. */
export const ENTRY_POINTS: readonly string[] = [
  '/main.*', '/index.*', '/app.*', '/server.*', '/cli.*', '/mod.ts', '/config.ru', '/artisan',
  '/src/main.*', '/src/index.*', '/src/app.*', '/src/server.*', '/src/cli.*', '/src/lib.rs', '/src/mod.rs', '/lib/main.dart',
  '/lib/index.*',
  'src/main.rs', 'src/lib.rs', 'src/main.ts', 'src/index.ts', 'src/index.js', 'cmd/main.go', 'manage.py', '__main__.py', 'wsgi.py',
  'asgi.py',
  'app.py', 'main.py', 'program.cs', 'startup.cs', '*application.java', '*application.kt', 'mainactivity.kt', 'mainactivity.java',
  'appdelegate.swift', 'appdelegate.m', 'sources/main.swift', 'public/index.php', 'config/application.rb', 'config/routes.rb',
  'routes/web.php'
]
