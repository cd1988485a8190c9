import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'

export default definePlugin({
  kind: 'context-strategy',
  name: 'coverage',
  description: 'Coverage reports and their configuration',
  options: itemLimit(100),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'coverage',
    maxItems,
    clock,
    as: 'test',
    // Reports are generated; that is no fault here.
    keeps: ['generated'],
    rules: [
      // The summary says in a hundred lines what the others say in ten thousand.
      { paths: ['coverage-summary.json', 'coverage-summary.*'], score: 1, reason: 'summary of coverage' },
      { paths: ['lcov.info', '*.lcov', 'lcov-*.info', 'coverage.lcov'], score: 0.85, reason: 'report in lcov form' },
      {
        paths: ['cobertura*.xml', 'coverage.xml', '*.cobertura.xml', 'coverage.cobertura.xml'],
        score: 0.85,
        reason: 'report in Cobertura form'
      },
      {
        paths: [
          'jacoco*.xml', 'jacoco.csv', 'clover.xml', 'opencover.xml', 'coverage.opencover.xml', 'coverage.json', 'coverage.out',
          'cover.out', 'coverage.txt', '*.coverprofile', 'tarpaulin-report.*', '.resultset.json', '.last_run.json', 'kover*.xml'
        ],
        score: 0.8,
        reason: 'coverage report'
      },
      { paths: ['coverage-final.json'], score: 0.5, reason: 'full report of Istanbul' },
      {
        paths: [
          '.coveragerc', '.nycrc*', 'nyc.config.*', '.c8rc*', 'codecov.y*ml', '.codecov.y*ml', '.coveralls.yml', 'tarpaulin.toml',
          '.tarpaulin.toml', '.simplecov', 'coverlet*.json', '*.runsettings', '.coverage-thresholds*', '.slather.yml', 'grcov*'
        ],
        score: 0.7,
        reason: 'configuration of coverage'
      },
      {
        paths: ['jest.config.*', 'vitest.config.*', 'vite.config.*', 'karma.conf.*', '.taprc', '/package.json'],
        content: /coverage|\bc8\b|\bnyc\b/i,
        score: 0.6,
        reason: 'sets coverage thresholds'
      },
      {
        paths: [
          'pyproject.toml', 'setup.cfg', 'tox.ini', 'pytest.ini', 'build.gradle', 'build.gradle.kts', 'pom.xml', 'phpunit.xml*',
          'cargo.toml', 'makefile', '*.csproj'
        ],
        content: /coverage|jacoco|kover|cobertura|coverlet|tarpaulin|llvm-cov|--cov\b/i,
        score: 0.55,
        reason: 'sets up coverage'
      },
      {
        paths: ['.github/workflows/*coverage*', '.github/workflows/*test*'],
        content: /coverage|codecov|lcov/i,
        score: 0.4,
        reason: 'pipeline that measures coverage'
      }
    ]
  })
})
