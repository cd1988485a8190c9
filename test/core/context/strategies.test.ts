import t, { type Test } from 'tap'
import { moduleOf } from '../../support/plugin-module.js'
import { writeFiles } from '../../support/repository.js'
import { startSidecar, type TestSidecar } from '../../support/sidecar.js'
import { temporaryFolder } from '../../support/temporary.js'

const FILES = { 'src/a.py': 'a = 1\n', 'src/b.py': 'b = 2\n', 'README.md': '# Sample\n' }

interface Started extends TestSidecar {
  /** Asks for the context of an agent that needs the strategy, or with `optional`, that can do without. */
  own (query?: string, optional?: boolean): ReturnType<TestSidecar['ask']>
}

const profileOf = (id: string, optional: boolean): string => JSON.stringify({
  id,
  name: id,
  category: 'test',
  group: 'coding',
  role: 'Plans what is to be built in this project, and nothing else besides.',
  model: { tier: 'haiku' },
  capabilities: ['one', 'two', 'three'],
  authority: { level: 'standard', low_risk: 'act', medium_risk: 'act', high_risk: 'ask', requires_approval: [] },
  permissions: ['read_context', 'write_results'],
  context: { requirements: [{ need: 'plans', optional, depth: 3 }, { need: 'docs' }] },
  subscribes: [],
  publishes: ['coordination'],
  handoff: { success: [], failed: [] },
  limits: { requests_per_minute: null, burst: null },
  spawn: { prompt: 'You plan. '.repeat(30) }
})

/** A sidecar with one more strategy; `instance` is the source of what its `create` returns. */
async function startWith (t: Test, instance: string, files: Record<string, string> = FILES): Promise<Started> {
  const folder = await temporaryFolder(t, 'cco-plugin')
  await writeFiles(folder, {
    'plans.mjs': moduleOf(`{ kind: 'context-strategy', name: 'plans', create: (options, context) => (${instance}) }`)
  })
  const sidecar = await startSidecar(t, {
    files: { ...files, '.cco/agents/planner.json': profileOf('planner', false), '.cco/agents/easy-planner.json': profileOf('easy-planner', true) },
    plugins: [{ use: './plans.mjs', base: folder }]
  })
  return { ...sidecar, own: async (query = '', optional = false) => await sidecar.ask('GET', `/api/context/issue-1/${optional ? 'easy-' : ''}planner?explain=true&${query}`) }
}

t.test('a strategy that fails', async t => {
  const faults: [what: string, gather: string, message: RegExp][] = [
    ['rejects', "async () => { throw new Error('no plans today') }", /no plans today/],
    ['throws at once', "() => { throw new Error('no plans today') }", /no plans today/],
    ['throws no error', "async () => { throw 'odd' }", /odd/],
    ['gives no list', 'async () => ({ length: 0 })', /gather\(\) must resolve to an array/],
    ['gives nothing', 'async () => {}', /gather\(\) must resolve to an array/],
    ['gives null', 'async () => [null]', /item 0 of gather\(\) is of the unknown kind 'undefined'/],
    ['gives an unknown kind', "async () => [{ kind: 'files' }]", /item 0 of gather\(\) is of the unknown kind 'files'/],
    ['gives no path', "async () => [{ kind: 'file', score: 1, priority: 1 }]", /item 0 of gather\(\) has no path/],
    ['gives a path that is no text', "async () => [{ kind: 'file', path: 5, score: 1, priority: 1 }]", /has no path/],
    ['gives no score', "async () => [{ kind: 'file', path: 'src/a.py', score: NaN, priority: 1 }]", /has no score/],
    ['gives a wrong priority', "async () => [{ kind: 'file', path: 'src/a.py', score: 1, priority: 8 }]", /has no priority of 1 to 7/],
    ['gives text without content', "async () => [{ kind: 'text', path: 'x', score: 1, priority: 1 }]", /has no content/],
    ['gives an output without a result', "async () => [{ kind: 'output' }]", /has no result_id/],
    ['gives no commit', "async () => [{ kind: 'commit', commit: {} }]", /has no commit/],
    ['gives metadata without a key', "async () => [{ kind: 'metadata', value: 1 }]", /has no key/],
    ['hangs', '() => new Promise(() => {})', /it gave no answer within 90 ms/]
  ]
  const { own } = await startWith(t, `{ satisfies: ['plans'], timeoutMs: 90, gather: (input) => ({ ${faults.map(([what, gather]) => `'${what}': ${gather}`).join(', ')} })[input.task.description](input) }`)
  for (const [what, , message] of faults) {
    const failed = await own(`task=${what}`)
    t.match(failed, { status: 500, body: { code: 'CTX_001', error: 'context_failed' } }, `${what}: ${failed.body.message}`)
    t.match(failed.body.message, /^The context strategy 'plans' failed for the requirement 'plans': /)
    t.match(failed.body.message, message)
    t.notMatch(failed.text, /\/tmp\/|at .*\.js/, 'no stack, no path of the server')

    const { status, body } = await own(`task=${what}`, true)
    t.equal(status, 200, 'optional: the rest is answered')
    t.strictSame(body.context.relevant_files.map(({ path }: { path: string }) => path), ['README.md'])
    t.match(body.strategies.find(({ name }: { name: string }) => name === 'plans'), {
      plugin: 'context-strategy/plans', requirement: 'plans', items: 0, bytes: 0, duration_ms: Number, error: message
    }, 'and told in strategies[]')
  }
})

t.test('one that hangs is told to stop, and what it does later does no harm', async t => {
  const { own, ask } = await startWith(t, `{ satisfies: ['plans'], timeoutMs: 50, gather: ({ signal }) => new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => { globalThis.aborted = signal.reason.message; setTimeout(() => reject(new Error('late')), 20) })
  }) }`)
  t.equal((await own('', true)).status, 200)
  t.match((globalThis as unknown as { aborted: string }).aborted, /no answer within 50 ms/)
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => { unhandled.push(reason) }
  process.on('unhandledRejection', note)
  t.equal((await own('fresh=true', true)).status, 200)
  await new Promise((resolve) => setTimeout(resolve, 60))
  process.off('unhandledRejection', note)
  t.strictSame(unhandled, [])
  t.equal((await ask('GET', '/health/live')).status, 200)
})

t.test('a strategy sees the project as it may be handed out', async t => {
  const { own } = await startWith(t, `{ satisfies: ['plans'], async gather ({ project, task, requirement, profile, budget, results }) {
    const texts = await Promise.all(['src/a.py', '.env', '../outside', '/etc/passwd', 'link', 'src', 'gone'].map((path) => project.read(path)))
    return [{ kind: 'metadata', key: 'seen', value: {
      files: project.files.map((file) => file.path), texts: texts.map((text) => text ?? null), task: task.title ?? null, depth: requirement.depth,
      profile: profile.id, budget, results: (await results({ limit: 10 })).results.length, frozen: Object.isFrozen(project.files)
    } }]
  } }`, { ...FILES, '.env': 'SECRET=1\n' })
  const { body } = await own('max_bytes=50000')
  t.strictSame(body.context.metadata.seen, {
    files: ['.cco/agents/easy-planner.json', '.cco/agents/planner.json', 'README.md', 'src/a.py', 'src/b.py'],
    texts: ['a = 1\n', null, null, null, null, null, null],
    task: null,
    depth: 3,
    profile: 'planner',
    budget: { max_bytes: 50_000, max_tokens: null },
    results: 0,
    frozen: true
  })
})

t.test('what a strategy offers is taken as an offer', async t => {
  const token = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`
  const { own, ask, agent } = await startWith(t, `{ satisfies: ['plans'], gather: async () => [
    { kind: 'file', path: 'src/a.py', score: 7, priority: 1, reason: 'because' },
    { kind: 'file', path: '../../etc/passwd', score: 1, priority: 1 }, { kind: 'file', path: '/etc/passwd', score: 1, priority: 1 }, { kind: 'file', path: '.env', score: 1, priority: 1 },
    { kind: 'text', path: 'plans/next.md', content: '# Next\\nToken ${token}', score: 0.5, priority: 2, reason: 'made up' },
    { kind: 'text', path: 'src/b.py', content: 'forged = True', score: 1, priority: 1 },
    { kind: 'metadata', key: 'mood', value: 'good' }, { kind: 'metadata', key: 'project_type', value: 'forged' },
    { kind: 'commit', commit: { hash: 'f'.repeat(40), message: 'Far back', author: 'Ada', timestamp: '2001-01-01T00:00:00.000Z', files_changed: ['src/a.py'] } },
    { kind: 'output', result_id: 'res_00000000000000000000000000' }
  ] }`, { ...FILES, '.env': 'SECRET=1\n' })
  const { token: caller, agent_id: id } = await agent('planner')
  t.equal((await ask('POST', '/api/results', { token: caller, body: { agent_id: id, agent_type: 'planner', issue_id: 'issue-1', result: { status: 'success', decisions: ['So be it'] } } })).status, 201)
  const { body, text } = await own()
  const files = body.context.relevant_files as { path: string, content: string }[]
  t.strictSame(files.map(({ path }) => path).sort(), ['README.md', 'plans/next.md', 'src/a.py'])
  t.match(files.find(({ path }) => path === 'plans/next.md'), { content: '# Next\nToken [REDACTED]', size: 23, language: 'markdown', truncation: 'none' })
  t.match(body.explanation.find(({ path }: { path: string }) => path === 'src/a.py'), { included: true, reason: 'because', priority: 1 })
  t.notMatch(text, /forged|SECRET|root:/)
  t.match(body.context.metadata, { mood: 'good', project_type: 'python' }, 'facts of the project are not overruled')
  t.match(body.context.git_context.recent_commits.at(-1), { message: 'Far back' })
  t.match(body.context.previous_agent_outputs, [{ agent: id, agent_type: 'planner', decision: 'So be it', decisions: ['So be it'], status: 'success' }])
  t.match(body.strategies.find(({ name }: { name: string }) => name === 'plans'), { items: 10, bytes: 'a = 1\n'.length + 23 })
})
