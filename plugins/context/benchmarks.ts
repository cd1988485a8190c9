import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'

const RUNNABLE = ['source', 'test', 'configuration', 'other'] as const

export default definePlugin({
  kind: 'context-strategy',
  name: 'benchmarks',
  description: 'Benchmarks, profiles and definitions of load tests',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'benchmarks',
    maxItems,
    clock,
    as: 'test',
    rules: [
      {
        paths: [
          'locustfile*', 'artillery*.y*ml', '*.artillery.y*ml', '*.k6.*', 'k6/', '*.jmx', '*.gatling.*', 'gatling/', '*simulation.scala',
          '*simulation.java', 'loadtest*', 'load-test*', 'load_test*', 'loadtests/', 'load-tests/', 'load_tests/', 'vegeta*', 'wrk*.lua',
          'taurus*.yml', 'ghz*.json', 'stress/', 'stress-test*'
        ],
        kinds: RUNNABLE,
        score: 1,
        reason: 'load test'
      },
      {
        paths: ['bench/', 'benches/', 'benchmark/', 'benchmarks/', 'perf/', 'performance/', 'microbenchmarks/', 'jmh/'],
        kinds: RUNNABLE,
        score: 0.95,
        reason: 'file of the benchmarks folder'
      },
      {
        words: [
          'bench', 'benchmark', 'microbenchmark', 'loadtest', 'jmh', 'profiler', 'profiling', 'flamegraph', 'criterion', 'autocannon'
        ],
        kinds: RUNNABLE,
        score: 0.9,
        reason: 'benchmark by name'
      },
      { paths: ['*_test.go'], content: /func Benchmark\w*\(/, score: 0.85, reason: 'benchmark within a Go test' },
      {
        paths: ['test_*.py', '*_test.py', '*.rs', '*.test.ts', '*.test.js', '*test.java', '*perf*'],
        kinds: ['test', 'source'],
        content: /\bbenchmark\(|pytest\.mark\.benchmark|#\[bench\]|criterion_group!|\bbench\(|@Benchmark\b|tinybench|mitata/,
        score: 0.75,
        reason: 'benchmark by content'
      },
      {
        paths: [
          'lighthouserc*', '.lighthouserc*', 'budget*.json', '.size-limit*', 'bundlesize*', '.bundlewatch*', 'asv.conf.json', 'clinic*',
          'bencher.toml', '.benchmark*'
        ],
        score: 0.7,
        reason: 'budget of performance'
      },
      {
        paths: ['benchmark*.md', 'benchmarks.*', 'performance*.md', '*profiling*.md', '*perf*.md', 'bench/readme*', 'benchmarks/*.md'],
        kinds: ['documentation'],
        score: 0.6,
        reason: 'report on performance'
      },
      { paths: ['.github/workflows/*bench*', '.github/workflows/*perf*'], score: 0.55, reason: 'pipeline of benchmarks' },
      {
        paths: ['/cargo.toml', '/package.json', '/pyproject.toml'],
        content: /\[\[bench\]\]|criterion|"bench[\w:]*"\s*:|tinybench|pytest-benchmark|autocannon/,
        score: 0.5,
        reason: 'declares benchmarks'
      },
      {
        paths: ['bench/*.json', 'benchmarks/*.json', 'results/*bench*', '*.cpuprofile', '*.heapprofile', '*.speedscope.json', '*.folded'],
        score: 0.3,
        reason: 'recorded measurement'
      }
    ]
  })
})
