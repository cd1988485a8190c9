import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'
import { MANIFESTS } from './shared/manifests.js'
import type { Rule } from './shared/rules.js'

type Ecosystem = keyof typeof MANIFESTS

/** Locked versions and side files that bear on what is installed. */
const SIDE_FILES: Record<Ecosystem, { locks: string[], others: string[] }> = {
  npm: {
    locks: ['package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock', 'deno.lock'],
    others: ['pnpm-workspace.yaml', 'lerna.json', '.npmrc', '.yarnrc.yml', '.nvmrc', '.node-version', '.ncurc*', '.pnpmfile.cjs']
  },
  python: {
    locks: ['poetry.lock', 'pipfile.lock', 'uv.lock', 'pdm.lock', 'pylock.toml', 'conda-lock.yml'],
    others: [
      'requirements*.txt', 'requirements*.in', 'requirements/*.txt', 'requirements/*.in', 'constraints*.txt', '.python-version', 'uv.toml',
      'poetry.toml'
    ]
  },
  go: { locks: ['go.sum', 'go.work.sum'], others: ['tools.go'] },
  rust: { locks: ['cargo.lock'], others: ['.cargo/config.toml', 'rust-toolchain*', 'deny.toml'] },
  maven: { locks: [], others: ['.mvn/*.xml', '.mvn/*.properties', 'maven-metadata.xml'] },
  gradle: { locks: ['gradle.lockfile', 'buildscript-gradle.lockfile'], others: ['gradle.properties', 'gradle-wrapper.properties', 'buildsrc/*.kts', 'buildsrc/*.gradle'] },
  ruby: { locks: ['gemfile.lock'], others: ['.ruby-version', '.bundle/config'] },
  php: { locks: ['composer.lock'], others: [] },
  dart: { locks: ['pubspec.lock'], others: ['pubspec_overrides.yaml', 'melos.yaml'] },
  swift: { locks: ['package.resolved', 'podfile.lock', 'cartfile.resolved'], others: ['.swift-version', 'mintfile'] },
  dotnet: { locks: ['packages.lock.json'], others: ['directory.build.props', 'directory.build.targets', 'nuget.config', 'global.json', '*.sln', '*.slnx'] },
  cpp: { locks: ['conan.lock'], others: ['*.cmake', 'conandata.yml', 'vcpkg-configuration.json'] },
  elixir: { locks: ['mix.lock'], others: [] },
  scala: { locks: [], others: ['project/*.sbt', 'project/build.properties', 'project/dependencies.scala'] },
  haskell: { locks: ['stack.yaml.lock'], others: ['cabal.project'] },
  clojure: { locks: [], others: ['shadow-cljs.edn', 'bb.edn'] },
  erlang: { locks: ['rebar.lock'], others: [] },
  ocaml: { locks: [], others: ['dune'] },
  julia: { locks: ['manifest.toml'], others: ['juliaproject.toml'] },
  r: { locks: ['renv.lock'], others: ['.rprofile'] },
  perl: { locks: ['cpanfile.snapshot'], others: ['dist.ini'] },
  lua: { locks: [], others: ['.luarocks/*.lua'] },
  zig: { locks: [], others: ['build.zig'] },
  nim: { locks: ['nimble.lock'], others: [] },
  crystal: { locks: ['shard.lock'], others: [] },
  elm: { locks: [], others: [] },
  solidity: { locks: ['foundry.lock'], others: ['remappings.txt', 'hardhat.config.*', '.gitmodules'] },
  nix: { locks: ['flake.lock'], others: [] }
}

const groups: Record<string, Rule[]> = {}
for (const ecosystem of Object.keys(MANIFESTS) as Ecosystem[]) {
  const { locks, others } = SIDE_FILES[ecosystem]
  const names = MANIFESTS[ecosystem]
  groups[ecosystem] = [
    { paths: names.map(name => `/${name}`), score: 1, reason: `root manifest of ${ecosystem}` },
    { paths: names, score: 0.8, reason: `manifest of ${ecosystem}` },
    { paths: others, score: 0.6, reason: `settings of ${ecosystem}` },
    // Long, and nothing that one edits; still the only place that tells the version in use.
    { paths: locks, score: 0.1, reason: `lock file of ${ecosystem}` }
  ]
}

export default definePlugin({
  kind: 'context-strategy',
  name: 'dependencies',
  description: 'Manifests and lock files of package managers',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'dependencies',
    maxItems,
    clock,
    keeps: ['lock'],
    as: 'configuration',
    rules: [
      { paths: ['.github/dependabot.y*ml', 'renovate.json*', '.renovaterc*', '.tool-versions', 'mise.toml'], score: 0.5, reason: 'policy of updates' }
    ],
    choice: { parameter: 'ecosystems', groups, orOthers: true }
  })
})
