import neostandard, { plugins } from 'neostandard'

/** Imports go one way through the house; see docs/architecture.md. The test of the layers reads the same table. */
const zone = (files, forbidden) => ({
  files,
  rules: {
    'no-restricted-imports': ['error', {
      patterns: forbidden.map(([regex, message]) => ({ regex, message }))
    }]
  }
})

export default [
  ...neostandard({ ts: true, ignores: ['dist/**', 'node_modules/**', '.tap/**', '**/fixtures/**'] }),
  {
    files: ['**/*.ts'],
    plugins: { '@typescript-eslint': plugins['typescript-eslint'].plugin },
    rules: { 'no-console': 'error', '@typescript-eslint/no-explicit-any': 'error' }
  },
  // The names of the wire are snake_case.
  { rules: { '@stylistic/object-property-newline': 'off', camelcase: 'off' } },
  { files: ['cli/**', 'bench/**', 'examples/**'], rules: { 'no-console': 'off' } },
  zone(['plugins/**/*.ts'], [
    ['^(\\.\\./)+core/(?!plugin-api\\.js$)', 'A plugin imports core/plugin-api.js and nothing else of the core.'],
    ['^(\\.\\./)+(index|cli/.*)\\.js$', 'A plugin does not know who runs it.']
  ]),
  zone(['core/contracts/**/*.ts', 'core/errors.ts'], [
    ['^\\.\\./(?!contracts/)', 'Contracts and errors import nothing of the core but each other.']
  ]),
  zone(['core/project/**/*.ts', 'core/profiles/**/*.ts', 'core/plugin-host/**/*.ts'], [
    ['^\\.\\./(http|context|events|results|fleet|sidecar)', 'The layer below does not import the layer above.'],
    ['(^|/)(plugins|cli)/', 'The core never imports a plugin or the program.']
  ]),
  zone(['core/**/*.ts'], [
    ['^(\\.\\./)+(plugins|cli|index\\.js)', 'The core never imports a plugin, the program or the entry.']
  ])
]
