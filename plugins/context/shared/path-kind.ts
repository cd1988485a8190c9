import { PROSE_LANGUAGES, SOURCE_LANGUAGES } from './languages.js'
import { createPathMatcher } from './path-matcher.js'
import type { Place } from './place.js'
import { remembered } from './remembered.js'

/** What a file is in the first place, by its path and language. */
export type PathKind = 'test' | 'source' | 'configuration' | 'documentation' | 'other'

const PATTERNS = {
  test: [
    'test/', 'tests/', '__tests__/', 'spec/', 'specs/', 'e2e/', 'cypress/', 'integration_test/', 'androidtest/', 'unittests/',
    '*uitests/', '*.tests/', '*.test.*', '*.spec.*', '*.cy.*', '*.e2e.*', '*_test.*', '*_spec.rb', 'test_*.py', '*_tests.py',
    'tests.py', 'conftest.py', 'spec_helper.rb', 'rails_helper.rb', 'test_helper.*', '*.bats', '*.feature', 'jest.setup.*', 'vitest.setup.*'
  ],
  configuration: [
    '*.json', '*.jsonc', '*.json5', '*.yaml', '*.yml', '*.toml', '*.ini', '*.cfg', '*.conf', '*.config', '*.properties', '*.xml', '*.plist',
    '*.env', '.env.*', '*.hcl', '*.tf', '*.tfvars', '*.nix', '*.props', '*.targets', '*.csproj', '*.fsproj', '*.sln', '*.gradle',
    '*.gradle.kts', '*.xcconfig', '*.pbxproj', '*.entitlements', '*.config.js', '*.config.cjs', '*.config.mjs', '*.config.ts',
    '*.config.mts', '.*rc', '.*rc.js', '.*rc.cjs', '.*rc.mjs', '.*ignore', '.editorconfig', '.gitattributes', 'dockerfile*', 'makefile*',
    '*.mk',
    'gemfile', 'podfile', 'procfile', 'jenkinsfile*', 'vagrantfile', 'cmakelists.txt', 'go.mod', 'go.work', 'setup.py', 'package.swift', 'project.clj', 'mix.exs', 'flake.nix',
    'requirements*.txt', 'constraints*.txt'
  ],
  documentation: [
    '*.md', '*.mdx', '*.rst', '*.adoc', '*.asciidoc', '*.org', '*.tex', '*.markdown', '*.puml', '*.plantuml', '*.mmd', '*.mermaid',
    '*.drawio',
    'docs/*.txt', 'doc/*.txt', 'readme*', 'changelog*', 'license', 'license.*', 'licence', 'licence.*', 'copying*', 'notice', 'notice.txt',
    'authors', 'contributing*', 'llms.txt', 'llms-full.txt'
  ],
  // Programs without an ending.
  source: ['bin/*', 'libexec/*'],
  // Mostly made of the source, whose words they repeat.
  other: ['docs/*.html', 'doc/*.html', 'javadoc/*.html', 'apidocs/*.html']
} as const

type PatternKind = keyof typeof PATTERNS

const match = createPathMatcher((Object.keys(PATTERNS) as PatternKind[]).flatMap(
  kind => PATTERNS[kind].map(pattern => [pattern, kind] as const)
))

// Java, C# and Swift mark tests by the last word of a class name, which a lower-case path does not show: Contest.java is none.
const TEST_CLASS = /(?:[a-z0-9_]|^)(?:Test|Tests|TestCase|IT|Spec|Specs)\.(?:java|kt|kts|scala|groovy|cs|fs|swift|php|m|dart)$/

export const kindOf = remembered((place: Place): PathKind => {
  const kinds = new Set<PatternKind>()
  match(place, kind => { kinds.add(kind) })
  const { language } = place.file
  const isCode = language !== undefined && SOURCE_LANGUAGES.has(language)
  // A read-me is prose, a test of it is none.
  const prose = (kinds.has('documentation') && !isCode) || (language !== undefined && PROSE_LANGUAGES.has(language))
  // A read-me within the tests explains them, it does not test.
  if (prose) return 'documentation'
  if (kinds.has('test') || TEST_CLASS.test(place.file.path)) return 'test'
  if (kinds.has('configuration')) return 'configuration'
  return (isCode && !kinds.has('other')) || (kinds.has('source') && !place.name.includes('.')) ? 'source' : 'other'
})
