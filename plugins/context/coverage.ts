import { definePlugin, PRIORITY, Type, type Clock, type ContextItem, type GatherInput } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { coverageReaderOf, stretchesOf } from './shared/coverage-report.js'
import { readCount } from './shared/parameters.js'
import type { Place } from './shared/place.js'
import { indexOf, rememberedOfPlaces, type ProjectIndex } from './shared/project-index.js'
import { DISTINCT } from './shared/relevance.js'
import { inSlices } from './shared/slices.js'
import { signalsOf } from './shared/task-signals.js'

interface CoverageOptions { maxItems: number, maxFiles: number }

export default definePlugin({
  kind: 'context-strategy',
  name: 'coverage',
  description: 'Coverage reports and their configuration',
  options: Type.Object({
    maxItems: Type.Integer({ default: 100, minimum: 1, maximum: 5000, description: 'Most items that one gathering offers; the `limit` of a requirement may say less.' }),
    maxFiles: Type.Integer({ default: 30, minimum: 0, maximum: 1000, description: 'Most files of the task whose coverage is told line by line.' })
  }, { additionalProperties: false }),
  create (options, { clock }) {
    const reports = chooseReports(options, clock)
    return {
      ...reports,
      async gather (input) {
        const limit = readCount(input, 'limit', options.maxItems)
        return [...await coverageOfTask(input, options, clock), ...await reports.gather(input)].slice(0, limit)
      }
    }
  }
})

const MOST_REPORTS = 3
const MOST_STRETCHES = 12
const TEXT_PATH = 'coverage-of-the-task.txt'

const reportsOf = rememberedOfPlaces(place => coverageReaderOf(place.file.path) !== undefined && !place.folders.includes('fixtures') ? place : undefined)

/** What the newest reports tell of the files that the task is about, which the reports themselves hide among all others. */
async function coverageOfTask (input: GatherInput, { maxFiles }: CoverageOptions, clock: Clock): Promise<ContextItem[]> {
  const { project, task, signal } = input
  const index = await indexOf(project)
  if (index.find(TEXT_PATH) !== undefined) return []
  const { relevance } = await signalsOf(task, index, clock())
  const reports = [...await reportsOf(index)].sort((one, other) => other.file.modified - one.file.modified).slice(0, MOST_REPORTS)
  if (reports.length === 0) return []
  const meant: Place[] = []
  await inSlices(index.places, place => {
    if (relevance.names(place) || relevance.of(place) >= DISTINCT) meant.push(place)
  }, signal)
  if (meant.length === 0) return []
  const wanted = meant.sort((one, other) => relevance.of(other) - relevance.of(one) || (one.path < other.path ? -1 : 1)).slice(0, maxFiles)
  for (const { file } of reports) {
    const text = await project.read(file.path)
    const lines = text === undefined ? [] : linesFor(file.path, text, wanted, index)
    if (lines.length === 0) continue
    const written = new Date(Math.max(0, Math.min(file.modified, Date.UTC(9999, 11, 31)))).toISOString()
    return [{
      kind: 'text', path: TEXT_PATH, content: `Line coverage by ${file.path}, written ${written}\n\n${lines.join('\n')}\n`, score: 0.95, priority: PRIORITY.test, reason: 'coverage of the files of the task'
    }]
  }
  return []
}

function linesFor (report: string, text: string, wanted: readonly Place[], index: ProjectIndex): string[] {
  const names = new Set(wanted.map(({ name }) => name))
  const found = coverageReaderOf(report)!(text, path => names.has(nameOf(path)))
  return wanted.flatMap(place => {
    const [, coverage] = [...found].find(([path]) => isSame(path, place, index)) ?? []
    if (coverage === undefined) return []
    const { covered, total, missing } = coverage
    const rest = missing.length === 0 ? '' : `; not covered: ${stretchesOf(missing, MOST_STRETCHES)}`
    return [`${place.file.path}: ${covered} of ${total} lines (${total === 0 ? 100 : Math.round(covered / total * 100)} %)${rest}`]
  })
}

function nameOf (path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1).toLowerCase()
}

/** Reports name files by the whole path of the machine, by that in the project or by that in a part of it. */
function isSame (reported: string, { path }: Place, index: ProjectIndex): boolean {
  const told = reported.replaceAll('\\', '/').toLowerCase().replace(/^\.\//, '')
  if (told === path || told.endsWith(`/${path}`)) return true
  // Below a part of the project, where no other file can be meant.
  return path.endsWith(`/${told}`) && index.called(nameOf(told)).filter(other => other.path.endsWith(`/${told}`)).length === 1
}

function chooseReports ({ maxItems }: CoverageOptions, clock: Clock) {
  return chooseFiles({
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
}
