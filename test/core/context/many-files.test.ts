import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { Value } from 'typebox/value'
import { createContextService } from '../../../core/context/context.js'
import type { ContextCache, ContextStrategy, ResultStore } from '../../../core/contracts/index.js'
import type { SidecarPlugin } from '../../../core/plugin-api.js'
import { MANIFEST } from '../../../core/plugin-host/define-plugin.js'
import { createProfileSet } from '../../../core/profiles/profiles.js'
import { createProject } from '../../../core/project/project.js'
import type { ProjectWorker } from '../../../core/project/worker/client.js'
import { packFiles, packStrings } from '../../../core/project/worker/transfer.js'
import { createSampleProfile, silentLog } from '../../../core/testing/index.js'
import changes from '../../../plugins/context/changes.js'
import ciConfig from '../../../plugins/context/ci-config.js'
import codingStandards from '../../../plugins/context/coding-standards.js'
import dependencies from '../../../plugins/context/dependencies.js'
import docs from '../../../plugins/context/docs.js'
import projectStructure from '../../../plugins/context/project-structure.js'
import securityConfig from '../../../plugins/context/security-config.js'
import sourceFiles from '../../../plugins/context/source-files.js'
import testFiles from '../../../plugins/context/test-files.js'
import { watchLoop } from '../../support/loop-watch.js'
import { temporaryFolder } from '../../support/temporary.js'

const FILES = 100_000
const MEGABYTE = 1024 * 1024

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What the server's own thread holds, once nothing is left of what it has let go. */
function held (): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** As many as a profile has. */
const PLUGINS: readonly SidecarPlugin[] = [sourceFiles, testFiles, docs, dependencies, ciConfig, codingStandards, projectStructure, securityConfig, changes]
const strategies = new Map<string, ContextStrategy>()
for (const plugin of PLUGINS) {
  const manifest = plugin[MANIFEST]
  const strategy = await manifest.create(Value.Default(manifest.options!, {}) as never, { clock: Date.now, sidecar: {} } as never) as ContextStrategy
  // All at once, on whatever machine.
  strategies.set(manifest.name, { ...strategy, timeoutMs: 120_000 })
}

/** The paths of a large project: code, tests, documents and configuration, some folders deep and some wide. */
function pathOf (index: number): string {
  const extension = ['ts', 'py', 'go', 'test.ts', 'md', 'json', 'rs'][index % 7]!
  return index % 1000 === 0 ? `part${index}/package.json` : `part${index % 40}/area${index % 900}/handlers/cart${index}.${extension}`
}

/** A service whose project is listed, but for its files lies nowhere: what other threads do is left out. */
async function setUp (t: Parameters<typeof temporaryFolder>[0]) {
  const root = await temporaryFolder(t, 'cco-project')
  const files = Array.from({ length: FILES }, (_, index) => ({ path: pathOf(index), size: 1000, modified: 1_600_000_000_000 + index, stamp: '' })).sort((a, b) => (a.path < b.path ? -1 : 1))
  // As it comes from another thread.
  const packed = await packFiles(files)
  const none = { bytes: new Uint8Array(), groups: new Uint32Array() }
  let version = 0
  const worker = {
    list: async () => ({
      version: ++version, isWhole: true, fingerprint: String(version), hasGit: false, secret: [], unreadable: 0, files: packed, removed: packStrings([]),
      folders: { added: none, removed: none }, places: [], isWatchable: false, hasLinked: false
    }),
    prepare: async (_root, paths) => paths.map((path) => ({ path, refused: 'gone' as const })),
    search: async () => ({ paths: packStrings(files.slice(0, 2000).map(({ path }) => path)), scores: new Float64Array(2000).fill(0.5), complete: true }),
    select: async () => ({ hasRoom: true, json: new Uint8Array(), tokens: 0, tokensAround: [0, 0, 0], files: [], scores: [], refused: [], redactions: [], unindexed: 0 }),
    commits: async () => [],
    redact: async (texts) => texts.map((text) => ({ text, count: 0 })),
    onClose () {}
  } as Partial<ProjectWorker> as ProjectWorker
  const project = createProject({ id: 'p', root, worker, maxFileBytes: MEGABYTE, log: silentLog, watch: false })
  t.teardown(async () => project.close())
  const cache = { get: async () => undefined, set: async () => {} } as Partial<ContextCache> as ContextCache
  const store = { getIssue: async () => ({ title: 'The cart loses an upload', description: '', labels: [], files: [] }), list: async () => ({ results: [] }), get: async () => undefined } as unknown as ResultStore
  const service = createContextService({ cache, store, strategies, worker, timeoutMs: 120_000, maxBuilds: 3, maxQueue: 100, clock: Date.now, log: silentLog })
  const needs = [...strategies.values()].map(({ satisfies }) => ({ need: satisfies[0]! }))
  const profiles = createProfileSet([{ ...createSampleProfile(), context: { requirements: needs } }], [], true, strategies)
  return async () => (await service.get(project, profiles, {
    issueId: 'i', agentType: createSampleProfile().id, maxBytes: 10 * MEGABYTE, maxTokens: 32_000, requirements: [], fresh: true, explain: false
  })).body!
}

// The whole of it, with the disk, git and the index: npm run bench:context:speed -- --generate 100000.
t.test('FAULT 29: of 100,000 files the server holds little, and makes an answer of them in short pieces', async t => {
  const before = held()
  const build = await setUp(t)
  const own = held()
  const rounds = []
  for (let round = 0; round < 3; round++) rounds.push(await watchLoop(build))
  const answer = JSON.parse((await build()).toString()) as { context: { project_structure: { total_files: number } }, strategies: { items: number }[] }
  t.equal(answer.context.project_structure.total_files, FILES)
  t.ok(answer.strategies.filter(({ items }) => items > 0).length >= 5, 'most strategies find something')
  t.ok(held() - own < 115 * MEGABYTE, `${Math.round((held() - own) / MEGABYTE)} MB, beside ${Math.round((own - before) / MEGABYTE)} MB of the test`)
  // What else the machine does may stop any of them, but hardly all at their longest piece.
  const shares = rounds.map(({ took, longest }) => longest / took)
  t.ok(Math.min(...shares) < 0.25, `the longest pieces took ${rounds.map(({ took, longest }) => `${longest.toFixed(1)} of ${took.toFixed(0)} ms`).join(', ')}`)
})
