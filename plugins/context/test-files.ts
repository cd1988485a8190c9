import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'
import { SOURCE_LANGUAGES, wantedLanguages } from './shared/languages.js'
import { noiseOf } from './shared/noise.js'
import { kindOf } from './shared/path-kind.js'

export default definePlugin({
  kind: 'context-strategy',
  name: 'test-files',
  description: 'Tests, their set-up and fixtures',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'test-files',
    maxItems,
    clock,
    as: 'test',
    keeps: ['fixture'],
    rules: [
      {
        paths: [
          'conftest.py', 'test_helper.*', 'spec_helper.rb', 'rails_helper.rb', 'jest.setup.*', 'vitest.setup.*', 'testutil*',
          'test-utils*', 'testmain*'
        ],
        score: 0.8,
        reason: 'set-up of the tests'
      },
      {
        when: place => !noiseOf(place).has('fixture') && kindOf(place) === 'test' && SOURCE_LANGUAGES.has(place.file.language ?? ''),
        score: 0.75,
        reason: 'test'
      },
      {
        paths: [
          'jest.config.*', 'vitest.config.*', 'playwright.config.*', 'cypress.config.*', 'karma.conf.*', '.mocharc*', '.taprc',
          'pytest.ini', 'tox.ini',
          'phpunit.xml*', '.rspec', 'testng.xml', 'junit-platform.properties', 'dart_test.yaml', '*.runsettings', '*.xctestplan',
          'codecept*.yml'
        ],
        score: 0.6,
        reason: 'configuration of a test runner'
      },
      { when: place => !noiseOf(place).has('fixture') && kindOf(place) === 'test', score: 0.4, reason: 'file beside the tests' },
      { when: place => noiseOf(place).has('fixture'), score: 0.15, reason: 'fixture' }
    ],
    accept (input, index) {
      const { names, only, explicit } = wantedLanguages(input, index)
      if (names === undefined || !only || !explicit) return () => true
      // Data of tests has a language of its own (json, yaml), which is not the one that is meant.
      return ({ file: { language } }) => language === undefined || names.has(language) || !SOURCE_LANGUAGES.has(language)
    }
  })
})
