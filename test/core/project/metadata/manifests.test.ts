import t from 'tap'
import { readMetadata } from '../../../../core/project/metadata.js'
import { createProjectView } from '../../../../core/testing/index.js'

const read = async (files: Record<string, string>) => await readMetadata(createProjectView({ id: 'p', files }))

/** As Maven writes what stands elsewhere. */
const property = (name: string): string => ['$', '{', name, '}'].join('')

type Stated = [name: string, version: string | null, kind: string | null]

const MANIFESTS: [path: string, text: string, expected: Stated[], more?: { name?: string | null, version?: string | null, workspaces?: string[] }][] = [
  ['package.json', '{ "name": "x", "version": "1.2.3", "workspaces": ["packages/*"], "dependencies": { "a": "^1.0.0" }, "devDependencies": { "b": "2" }, "peerDependencies": { "c": 5 }, "optionalDependencies": { "d": "~1" }, "scripts": { "x": "y" } }',
    [['a', '^1.0.0', 'prod'], ['c', null, 'peer'], ['d', '~1', 'optional'], ['b', '2', 'dev']], { name: 'x', version: '1.2.3', workspaces: ['packages/*'] }],
  ['package.json', '{ "name": 5, "workspaces": { "packages": ["a", 1] }, "exports": { "a": [] }, "dependencies": [] }', [], { name: null, workspaces: ['a'] }],
  ['pnpm-workspace.yaml', "packages:\n  - 'packages/*' # all\n  - \"apps/web\"\ncatalog:\n  react: ^18.3.1\n  '@a/b': 'workspace:*'\n", [], { workspaces: ['packages/*', 'apps/web'] }],
  ['pyproject.toml', '[project]\nname = "x"\nversion = "1"\ndependencies = [\n  "uvicorn[standard]>=0.29", # fast\n  \'httpx\',\n]\n[project.optional-dependencies]\ntest = ["pytest"]\npdf = ["reportlab>4"]\n[dependency-groups]\nlint = ["ruff", { include-group = "test" }]\n[build-system]\nrequires = ["hatchling"]\n[tool.uv]\ndev-dependencies = ["mypy==1.0"]\n[tool.uv.workspace]\nmembers = ["libs/*"]\n',
    [['uvicorn', '>=0.29', 'prod'], ['httpx', null, 'prod'], ['reportlab', '>4', 'optional'], ['pytest', null, 'dev'], ['ruff', null, 'dev'], ['mypy', '==1.0', 'dev'], ['hatchling', null, 'build']], { name: 'x', version: '1', workspaces: ['libs/*'] }],
  ['pyproject.toml', '[tool.poetry]\nname = "p"\nversion = "2"\n[tool.poetry.dependencies]\npython = "^3.12"\ndjango = "^5.0"\nextra = { version = "1", optional = true }\n[tool.poetry.group.dev.dependencies]\nruff = { version = "0.4" }\n[tool.poetry.dev-dependencies]\nold = "*"\n[tool.other]\nx = "1"\n',
    [['django', '^5.0', 'prod'], ['extra', '1', 'optional'], ['old', '*', 'dev'], ['ruff', '0.4', 'dev']], { name: 'p', version: '2' }],
  ['requirements.txt', '# comment\n-r other.txt\n\nflask==3.0.0  # web\nboto3[crt] >= 1.34 ; python_version > "3.8"\nrequests\npinned==1 --hash=sha256:ab\nlong==2 \\\n    --hash=sha256:cd\n', [['flask', '==3.0.0', 'prod'], ['boto3', '>= 1.34', 'prod'], ['requests', null, 'prod'], ['pinned', '==1', 'prod'], ['long', '==2', 'prod']]],
  ['requirements-dev.txt', 'pytest>=8\n', [['pytest', '>=8', 'dev']]],
  ['requirements/tests.txt', 'pytest>=8\n', [['pytest', '>=8', 'dev']]],
  ['Pipfile', '[packages]\nflask = "*"\nx = { version = ">1", extras = ["a"] }\n[dev-packages]\npytest = "~=8"\n', [['flask', '*', 'prod'], ['x', '>1', 'prod'], ['pytest', '~=8', 'dev']]],
  ['setup.cfg', '[metadata]\nname = x\nversion = attr: x.__version__\n[options]\npackages = find:\ninstall_requires =\n    flask>=2\n    # why\n    click ; python_version < "3.9"\n[options.extras_require]\ntest =\n    pytest\npdf = reportlab\n',
    [['flask', '>=2', 'prod'], ['click', null, 'prod'], ['reportlab', null, 'optional'], ['pytest', null, 'dev']], { name: 'x', version: null }],
  ['go.mod', 'module example.com/x\n\ngo 1.22\n\nrequire github.com/a/b v1.2.3\n\nrequire (\n\tgolang.org/x/sync v0.7.0 // indirect\n\tgithub.com/BurntSushi/toml v1.0.0\n)\n', [['github.com/a/b', 'v1.2.3', 'prod'], ['github.com/BurntSushi/toml', 'v1.0.0', 'prod'], ['golang.org/x/sync', 'v0.7.0', 'indirect']], { name: 'example.com/x' }],
  ['go.work', 'go 1.22\n\nuse ./a\nuse (\n\t./b // x\n\t./c\n)\nreplace (\n\tx => ./y\n)\n', [], { workspaces: ['./a', './b', './c'] }],
  ['Cargo.toml', '[package]\nname = "x"\nversion.workspace = true\n[dependencies]\nserde = "1.0"\ntokio = { version = "1.37", features = ["full"], optional = true }\nlocal.workspace = true\nshared = { workspace = true }\nrenamed = { package = "real", version = "3" }\n[dev-dependencies]\ninsta = "1"\n[build-dependencies]\ncc = "1"\n[target.\'cfg(unix)\'.dependencies]\nlibc = "0.2"\n[workspace]\nmembers = ["crates/*"]\n[workspace.package]\nversion = "9"\n[workspace.dependencies]\nshared = "7"\n',
    [['serde', '1.0', 'prod'], ['local', null, 'prod'], ['shared', '7', 'prod'], ['real', '3', 'prod'], ['libc', '0.2', 'prod'], ['tokio', '1.37', 'optional'], ['insta', '1', 'dev'], ['cc', '1', 'build']], { name: 'x', version: '9', workspaces: ['crates/*'] }],
  ['pom.xml', `<?xml version="1.0"?><project><!-- <dependency/> --><parent><groupId>org.p</groupId><version>4</version></parent><artifactId>app</artifactId><properties><v>2.${property('minor')}</v></properties><modules><module>core</module></modules><dependencyManagement><dependencies><dependency><groupId>org.c</groupId><artifactId>d</artifactId><version>3</version></dependency></dependencies></dependencyManagement><dependencies><dependency>\n<groupId>org.a</groupId><artifactId>b</artifactId><version>${property('v')}</version></dependency><dependency><groupId>org.c</groupId><artifactId>d</artifactId></dependency><dependency><groupId>${property('project.groupId')}</groupId><artifactId>t</artifactId><scope>test</scope><exclusions><exclusion><groupId>no</groupId><artifactId>no</artifactId></exclusion></exclusions></dependency></dependencies></project>`,
    [['org.a:b', `2.${property('minor')}`, 'prod'], ['org.c:d', '3', 'prod'], ['org.p:t', null, 'dev']], { name: 'org.p:app', version: '4', workspaces: ['core'] }],
  ['build.gradle', "plugins {\n  id 'java'\n  id 'com.x' version '1.1'\n}\nversion = '3.0'\ndependencies {\n  implementation 'org.a:b:1.0'\n  api(\"org.c:d\")\n  testImplementation group: 'org.e', name: 'f', version: '2'\n  implementation project(':core')\n  implementation libs.guava\n  compileOnly \"org.g:h:$version\"\n}\n",
    [['org.a:b', '1.0', 'prod'], ['org.c:d', null, 'prod'], ['org.e:f', '2', 'dev'], ['com.x', '1.1', 'build'], ['org.g:h', '$version', 'build']], { version: '3.0' }],
  ['build.gradle.kts', 'plugins {\n    id("com.x") version "1"\n}\ndependencies {\n    implementation(platform("org.a:bom:1"))\n    androidTestImplementation("org.b:c:2@aar")\n    ksp("org.d:e:3")\n}\n', [['org.a:bom', '1', 'prod'], ['org.b:c', '2', 'dev'], ['com.x', '1', 'build'], ['org.d:e', '3', 'build']]],
  ['settings.gradle.kts', 'rootProject.name = "shop"\ninclude(":app", ":lib:core")\n', [], { name: 'shop', workspaces: ['app', 'lib/core'] }],
  ['gradle/libs.versions.toml', '[versions]\nk = "2.0"\n[libraries]\na = { module = "org.a:a", version.ref = "k" }\nb = { group = "org.b", name = "b", version = { strictly = "1" } }\nc = "org.c:c:3"\n[plugins]\nd = { id = "org.d", version.ref = "k" }\n', [['org.a:a', '2.0', null], ['org.b:b', '1', null], ['org.c:c', '3', null], ['org.d', '2.0', 'build']]],
  ['composer.json', '{ "name": "a/b", "require": { "php": ">=8.1" }, "require-dev": { "phpunit/phpunit": "^11" } }', [['php', '>=8.1', 'prod'], ['phpunit/phpunit', '^11', 'dev']], { name: 'a/b' }],
  ['Gemfile', "source 'https://rubygems.org'\ngem 'rails', '~> 7.1', '>= 7.1.2'\ngem \"puma\"\ngroup :development, :test do\n  if x\n    gem 'rspec'\n  end\n  gem 'debug', platforms: %i[mri]\nend\ngem 'last', group: :test\ngem 'really'\n", [['rails', '~> 7.1, >= 7.1.2', 'prod'], ['puma', null, 'prod'], ['really', null, 'prod'], ['rspec', null, 'dev'], ['debug', null, 'dev'], ['last', null, 'dev']]],
  ['Gemfile.lock', 'GEM\n  remote: https://rubygems.org/\n  specs:\n    rack (3.0.1)\n    rails (7.1.2)\n      rack (>= 2)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  rails (~> 7.1)\n  local!\n', [['rails', '7.1.2', null], ['local', null, null]]],
  ['x.gemspec', "Gem::Specification.new 'x' do |s|\n  s.version = X::VERSION\n  s.add_dependency 'rack', '>= 3', '< 4'\n  s.add_development_dependency('rspec', '~> 3')\nend\n", [['rack', '>= 3, < 4', 'prod'], ['rspec', '~> 3', 'dev']], { name: 'x', version: null }],
  ['pubspec.yaml', 'name: x\nversion: 1.0.0+1\ndependencies:\n  http: ^1.2.0\n  flutter:\n    sdk: flutter\n  hosted:\n    version: "^3"\n  any: ">=1 <2" # x\ndev_dependencies:\n  lints: ^3.0.0\nworkspace:\n  - packages/a\nflutter:\n  assets: x\n', [['http', '^1.2.0', 'prod'], ['flutter', null, 'prod'], ['hosted', '^3', 'prod'], ['any', '>=1 <2', 'prod'], ['lints', '^3.0.0', 'dev']], { name: 'x', version: '1.0.0+1', workspaces: ['packages/a'] }],
  ['x.csproj', '\uFEFF<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><AssemblyName>x</AssemblyName><Version>1.0</Version></PropertyGroup><ItemGroup><PackageReference Include="A" Version="1.2" /><PackageReference Include="B"><Version>[2,3)</Version></PackageReference><PackageReference Include="C" Version="3" PrivateAssets="all" /><ProjectReference Include="../y.csproj" /></ItemGroup></Project>',
    [['A', '1.2', 'prod'], ['B', '[2,3)', 'prod'], ['C', '3', 'build']], { name: 'x', version: '1.0' }],
  ['Directory.Packages.props', '<Project><ItemGroup><PackageVersion Include="A" Version="1" /></ItemGroup></Project>', []],
  ['packages.config', '<packages><package id="A" version="1" /><package id="B" version="2" developmentDependency="true" /></packages>', [['A', '1', 'prod'], ['B', '2', 'dev']]],
  ['Package.swift', 'let package = Package(\n  name: "x",\n  dependencies: [\n    .package(url: "https://github.com/a/b.git", from: "1.0.0"),\n    .package(url: "https://github.com/c/d", .upToNextMinor(from: "2.0.0")),\n    .package(path: "../e"),\n  ]\n)\n', [['https://github.com/a/b.git', 'from: 1.0.0', 'prod'], ['https://github.com/c/d', 'upToNextMinor: from: 2.0.0', 'prod']], { name: 'x' }]
]

t.test('dependencies are what the manifests state', async t => {
  for (const [path, text, expected, more = {}] of MANIFESTS) {
    const { dependencies, manifests, warnings } = await read({ [path]: text })
    t.strictSame(dependencies.map(({ name, version, kind }) => [name, version, kind]), expected, path)
    t.match(manifests, [{ path, ...more }])
    t.strictSame(warnings, [])
  }
})

t.test('the outer manifests come first, those of others not at all', async t => {
  const { dependencies, manifests } = await read({
    'b/package.json': '{ "name": "b", "dependencies": { "deep": "1", "top": "1", "toolkit": "2" } }', 'package.json': '{ "dependencies": { "top": "1" }, "devDependencies": { "toolkit": "2" } }',
    'node_modules/x/package.json': '{ "dependencies": { "no": "1" } }', 'vendor/go.mod': 'require a.b/c v1', 'test/fixtures/package.json': '{ "dependencies": { "no": "1" } }'
  })
  t.strictSame(manifests, [{ path: 'package.json', ecosystem: 'npm', name: null, version: null }, { path: 'b/package.json', ecosystem: 'npm', name: 'b', version: null }])
  t.strictSame(dependencies.map(({ name, kind, manifest, also_in: more }) => `${name} ${kind} ${manifest} ${more}`), ['top prod package.json 1', 'deep prod b/package.json 0', 'toolkit prod b/package.json 0', 'toolkit dev package.json 0'])
})

t.test('a version that is left to the workspace is the one that is stated there', async t => {
  const { dependencies } = await read({
    'pnpm-workspace.yaml': 'packages:\n  - a\ncatalog:\n  react: ^18.3.1\n', 'a/package.json': '{ "dependencies": { "react": "catalog:", "vue": "catalog:old" } }',
    'Cargo.toml': '[workspace.dependencies]\nserde = { version = "1.0", features = [] }\n', 'b/Cargo.toml': '[dependencies]\nserde.workspace = true\n',
    'pom.xml': '<project><dependencyManagement><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>2</version></dependency></dependencies></dependencyManagement></project>',
    'c/pom.xml': '<project><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId></dependency><dependency><groupId>g</groupId><artifactId>b</artifactId></dependency></dependencies></project>',
    'Directory.Packages.props': '<Project><ItemGroup><PackageVersion Include="N" Version="3" /></ItemGroup></Project>', 'd/d.csproj': '<Project><ItemGroup><PackageReference Include="N" /></ItemGroup></Project>'
  })
  t.strictSame(dependencies.map(({ name, version }) => [name, version]), [['react', '^18.3.1'], ['vue', 'catalog:old'], ['serde', '1.0'], ['g:a', '2'], ['g:b', null], ['N', '3']])
})

t.test('what serves the project comes behind it, what tests are fed with not at all', async t => {
  const { manifests, entry_points: entries } = await read({ 'docs/requirements.txt': 'sphinx', 'deep/er/package.json': '{ "main": "a.js" }', 'deep/er/a.js': '', 'tests/e2e/package.json': '{ "main": "b.js" }', 'tests/e2e/b.js': '', 'tests/data/x/package.json': '{}' })
  t.strictSame(manifests.map(({ path }) => path), ['deep/er/package.json', 'docs/requirements.txt', 'tests/e2e/package.json'])
  t.strictSame(entries, ['deep/er/a.js'])
})
