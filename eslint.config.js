import neostandard, { plugins } from 'neostandard'

/**
 * Imports go one way through the house; see docs/architecture.md. test/core/layers.test.ts holds the whole table; these zones
 * say it while one types. Of two zones that match a file the later one counts alone, so each names all that it forbids.
 */
const zone = (files, forbidden) => ({
  files,
  rules: {
    'no-restricted-imports': ['error', {
      patterns: forbidden.map(([regex, message]) => ({ regex, message }))
    }]
  }
})

const outward = ['^(\\.\\./)+(plugins|cli|test|index\\.js)', 'The core never imports a plugin, the program or the entry.']
const upward = (...above) => [`^(\\.\\./)+(${above.join('|')})(/|\\.js)`, 'The layer below does not import the layer above.']

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
    ['^(\\.\\./)+(index|cli/.*)\\.js$', 'A plugin does not know who runs it.'],
    ['^(\\.\\./)+(auth|events|context|cache|storage|spawners|http)/', 'A plugin does not import one of another kind.']
  ]),
  zone(['core/**/*.ts'], [outward]),
  zone(['core/{http,fleet,results,context,events}/**/*.ts'], [outward, upward('sidecar')]),
  zone(['core/{fleet,results,context,events}/**/*.ts'], [outward, upward('sidecar', 'http')]),
  zone(['core/{project,profiles,plugin-host}/**/*.ts'], [outward, upward('sidecar', 'http', 'context', 'events', 'results', 'fleet')]),
  zone(['core/contracts/**/*.ts'], [outward, ['^\\.\\./', 'Contracts import nothing of the core but each other.']]),
  zone(['core/errors.ts'], [outward, ['^\\./(?!contracts/)', 'Errors import nothing of the core but contracts.']])
]
