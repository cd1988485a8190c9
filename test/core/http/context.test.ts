import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createRepository } from '../../support/repository.js'
import { temporaryFolder } from '../../support/temporary.js'
import { RFC3339_UTC, startDocumented } from './documented.js'
import { writePlugin } from './plugin-file.js'

const FILES = {
  'README.md': '# Sample\n\nA shop with a login.\n',
  'package.json': JSON.stringify({ name: 'sample', version: '1.0.0', dependencies: { fastify: '5.0.0' } }),
  'src/login.ts': 'export function login (name: string): boolean {\n  return name !== \'\'\n}\n',
  'src/cart.ts': 'export const cart: string[] = []\n',
  'test/login.test.ts': 'import { login } from \'../src/login.js\'\nlogin(\'ada\')\n',
  '.env': 'TOKEN=do-not-tell-anybody\n'
}

interface File { path: string, content: string, size: number, checksum: string, last_modified: string, language: string | null, truncation: string }

t.test('a context has every part of the contract', async (t) => {
  const { ask } = await startDocumented(t, { files: FILES })
  await ask('PUT', '/api/issues/issue-1', { body: { title: 'Login fails', description: 'See src/login.ts', files: ['src/login.ts'] } })
  const { status, body, headers } = await ask('GET', '/api/context/issue-1/ai-engineer')
  t.equal(status, 200)
  t.match(headers.etag, /^"[\w-]+"$/)
  t.match(body, {
    issue_id: 'issue-1',
    agent_type: 'ai-engineer',
    context: {
      task: { issue_id: 'issue-1', title: 'Login fails', description: 'See src/login.ts' },
      project_structure: { root: String, total_files: 5, total_size_bytes: Number },
      git_context: { branch: 'main', head: /^[0-9a-f]{40}$/, remote: null, remote_url: null, recent_commits: [{ hash: /^[0-9a-f]{40}$/, message: 'Begin', author: String, timestamp: String, files_changed: Array }], uncommitted_changes: [] },
      previous_agent_outputs: [],
      metadata: { test_coverage: null, last_build_status: null, project_type: String, languages: Object, dependencies: Array }
    },
    truncated: false,
    truncation_strategy: 'none',
    cache_hit: false,
    timestamp: RFC3339_UTC
  })
  const { project_structure: structure, relevant_files: files } = body.context as { project_structure: { files: string[] }, relevant_files: File[] }
  t.strictSame([...structure.files].sort(), Object.keys(FILES).filter((path) => path !== '.env').sort(), 'a file of secrets is not even listed')
  t.notMatch(JSON.stringify(body), 'do-not-tell-anybody')
  t.equal(body.file_count, files.length)
  t.equal(body.total_size_bytes, Buffer.byteLength(JSON.stringify(body.context)))
  t.ok(body.token_count > 0)
  const login = files.find(({ path }) => path === 'src/login.ts')!
  t.match(login, { content: FILES['src/login.ts'], size: FILES['src/login.ts'].length, truncation: 'none', language: 'typescript' })
  t.equal(login.checksum, `sha256:${createHash('sha256').update(FILES['src/login.ts']).digest('hex')}`)
  for (const strategy of body.strategies) t.match(strategy, { name: String, plugin: String, requirement: String, items: Number, bytes: Number, duration_ms: Number })
  t.notOk('explanation' in body)
})

t.test('without an issue and without git there is no task and no git', async (t) => {
  const root = await temporaryFolder(t)
  await writeFile(join(root, 'a.py'), 'x = 1\n')
  const { ask } = await startDocumented(t, { root })
  const { body } = await ask('GET', '/api/context/unknown-issue/ai-engineer')
  t.equal(body.context.task, null)
  t.equal(body.context.git_context, null)
  t.strictSame((await ask('GET', '/api/context/unknown-issue/ai-engineer?task=Sort+it')).body.context.task, { issue_id: 'unknown-issue', description: 'Sort it' })
})

t.test('the query shapes the answer', async (t) => {
  const { ask } = await startDocumented(t, { files: { ...FILES, 'src/large.ts': '// a line of a large file\n'.repeat(500) } })
  const get = async (query: string) => await ask('GET', `/api/context/issue-1/ai-engineer?${query}`)
  const explained = (await get('explain=true')).body
  t.ok(explained.explanation.length > 0)
  for (const entry of explained.explanation) t.match(entry, { path: String, included: Boolean, reason: String, bytes: Number })
  t.notMatch(JSON.stringify(explained.explanation.map(({ reason }: { reason: string }) => reason)), 'do-not-tell')
  const before = (await get('')).body.strategies.map(({ requirement }: { requirement: string }) => requirement)
  const added = (await get('requirements=changelog,licensing')).body.strategies.map(({ requirement }: { requirement: string }) => requirement)
  t.ok(!before.includes('licensing') && added.includes('licensing') && added.includes('changelog'))
  const small = (await get('max_bytes=3000')).body
  t.ok(Buffer.byteLength(JSON.stringify(small.context)) <= 3000)
  t.equal(small.truncated, true)
  t.not(small.truncation_strategy, 'none')
  const few = (await get('max_tokens=600')).body
  t.ok(few.token_count <= 600)
  t.equal(few.truncated, true)
  for (const wrong of ['max_bytes=0', 'max_bytes=-1', 'max_bytes=10485761', 'max_bytes=x', 'max_tokens=0', 'fresh=perhaps', 'explain=2', 'requirements=', 'requirements=a,,b', 'requirements=../x', `task=${'x'.repeat(20_001)}`]) {
    const { status, body } = await get(wrong)
    t.strictSame([status, body.code], [400, 'VAL_001'], wrong.slice(0, 40))
    t.equal(body.details.issues[0].path, wrong.split('=')[0])
  }
  const unknown = await get('requirements=no-such-need')
  t.strictSame([unknown.status, unknown.body.code], [400, 'VAL_001'])
  t.match(unknown.body.message, /'no-such-need'/)
  t.equal((await get('max_bytes=10485760')).status, 200)
})

t.test('a context that cannot be made small enough is 413', async (t) => {
  const { ask } = await startDocumented(t, { files: FILES })
  for (const query of ['max_bytes=50', 'max_tokens=1']) {
    const { status, body } = await ask('GET', `/api/context/issue-1/ai-engineer?${query}`)
    t.strictSame([status, body.code], [413, 'CTX_002'])
    t.match(body.message, /raise max_bytes or max_tokens/)
  }
})

t.test('a context that is held is answered again, unless it is out of date or asked for afresh', async (t) => {
  const root = join(await temporaryFolder(t), 'project')
  await createRepository(root, FILES)
  const { ask, agent } = await startDocumented(t, { root })
  const url = '/api/context/issue-1/ai-engineer'
  const first = await ask('GET', url)
  t.equal(first.body.cache_hit, false)
  const second = await ask('GET', url)
  t.equal(second.body.cache_hit, true)
  t.equal(second.headers.etag, first.headers.etag)
  t.strictSame({ ...second.body, cache_hit: false, timestamp: 0 }, { ...first.body, timestamp: 0 })
  t.equal((await ask('GET', `${url}?fresh=true`)).body.cache_hit, false)

  const known = { 'if-none-match': String(first.headers.etag) }
  const unchanged = await ask('GET', url, { headers: known })
  t.equal(unchanged.status, 304)
  t.equal(unchanged.text, '')
  t.equal(unchanged.headers.etag, first.headers.etag)
  for (const tag of [`W/${first.headers.etag}`, `"other", ${first.headers.etag}`, '*']) {
    t.equal((await ask('GET', url, { headers: { 'if-none-match': tag } })).status, 304, tag)
  }
  t.equal((await ask('GET', url, { headers: { 'if-none-match': '"other"' } })).status, 200)
  t.equal((await ask('GET', `${url}?fresh=true`, { headers: known })).status, 200, 'what is asked for afresh is given')
  t.equal((await ask('GET', `${url}?max_bytes=5000`, { headers: known })).status, 200, 'of another query')
  t.equal((await ask('GET', '/api/context/issue-2/ai-engineer', { headers: known })).status, 200, 'of another issue')
  t.equal((await ask('GET', '/api/context/issue-1/code-reviewer', { headers: known })).status, 200, 'of another agent type')

  await writeFile(join(root, 'src', 'login.ts'), '// changed\n')
  const changed = await ask('GET', url, { headers: known })
  t.equal(changed.status, 200, 'a file has changed')
  t.equal(changed.body.cache_hit, false)
  t.match(changed.body.context.git_context.uncommitted_changes, [{ path: 'src/login.ts', status: 'modified' }])
  await ask('PUT', '/api/issues/issue-1', { body: { title: 'Login' } })
  const told = await ask('GET', url, { headers: { 'if-none-match': String(changed.headers.etag) } })
  t.equal(told.status, 200, 'the issue has changed')
  const { token, agent_id: id } = await agent('ai-engineer')
  await ask('POST', '/api/results', { token, body: { agent_id: id, agent_type: 'ai-engineer', issue_id: 'issue-1', result: { status: 'success', files_created: [], files_modified: ['src/login.ts'], decisions: ['Use a hash'] } } })
  const after = await ask('GET', url, { headers: { 'if-none-match': String(told.headers.etag) } })
  t.equal(after.status, 200, 'there is a new result')
  t.match(after.body.context.previous_agent_outputs, [{ agent: id, agent_type: 'ai-engineer', status: 'success', decision: 'Use a hash', decisions: ['Use a hash'], files_affected: ['src/login.ts'], result_id: /^res_/, timestamp: RFC3339_UTC }])

  const { storage } = (await ask('GET', '/status')).body
  t.ok(storage.cache_hit_rate > 0 && storage.cache_hit_rate < 1)
  t.ok(storage.context_cache_entries > 0)
})

t.test('what is held can be forgotten, by issue, agent type, or all', async (t) => {
  const { ask, agent } = await startDocumented(t, { files: FILES })
  await ask('POST', '/api/projects', { body: { project_id: 'other', root: await temporaryFolder(t) } })
  const stranger = await agent('ai-engineer', { project_id: 'other' })
  const fill = async (): Promise<void> => {
    for (const path of ['issue-1/ai-engineer', 'issue-1/code-reviewer', 'issue-2/ai-engineer']) await ask('GET', `/api/context/${path}`)
    await ask('GET', '/api/context/issue-1/ai-engineer', { token: stranger.token })
  }
  await fill()
  const clear = async (path: string, token?: string) => (await ask('DELETE', `/api/cache/${path}`, { token })).body
  t.match(await clear('context/issue-1?agent_type=ai-engineer'), { cleared: true, entries_removed: 1, bytes_freed: Number, timestamp: RFC3339_UTC })
  t.match(await clear('context/issue-1'), { cleared: true, entries_removed: 1 })
  t.strictSame({ ...await clear('context/issue-1'), timestamp: 0 }, { cleared: true, entries_removed: 0, bytes_freed: 0, timestamp: 0 })
  t.equal((await ask('GET', '/api/context/issue-1/ai-engineer', { token: stranger.token })).body.cache_hit, true, 'another project\'s is kept')
  await fill()
  t.match(await clear('all'), { cleared: true, entries_removed: 4 })
  t.equal((await ask('GET', '/status')).body.storage.context_cache_entries, 0)
  const { token } = await agent('chief-architect')
  t.equal((await ask('DELETE', '/api/cache/all', { token })).status, 403)
})

t.test('an agent reads the context of its own type, who may start agents any of the project', async (t) => {
  const { ask, agent } = await startDocumented(t, { files: FILES })
  const [coder, architect] = [await agent('ai-engineer'), await agent('chief-architect')]
  t.equal((await ask('GET', '/api/context/issue-1/ai-engineer', { token: coder.token })).status, 200)
  for (const type of ['code-reviewer', 'no-such-type']) {
    const { status, body } = await ask('GET', `/api/context/issue-1/${type}`, { token: coder.token })
    t.strictSame([status, body.code], [403, 'AUTH_003'], 'whether it exists or not')
  }
  for (const token of [architect.token, undefined]) {
    t.equal((await ask('GET', '/api/context/issue-1/code-reviewer', { token })).status, 200)
    const { status, body } = await ask('GET', '/api/context/issue-1/no-such-type', { token })
    t.strictSame([status, body.code], [404, 'AGT_002'])
  }
})

t.test('the context is that of the caller\'s project', async (t) => {
  const { ask, agent } = await startDocumented(t, { files: FILES })
  const root = join(await temporaryFolder(t), 'other')
  await createRepository(root, { 'theirs.py': 'secret_of_theirs = 1\n' })
  await ask('POST', '/api/projects', { body: { project_id: 'other', root } })
  const { token } = await agent('ai-engineer', { project_id: 'other' })
  await ask('PUT', '/api/issues/issue-1', { body: { title: 'Ours' } })
  const theirs = await ask('GET', '/api/context/issue-1/ai-engineer', { token })
  t.strictSame(theirs.body.context.project_structure.files, ['theirs.py'])
  t.equal(theirs.body.context.task, null)
  t.notMatch((await ask('GET', '/api/context/issue-1/ai-engineer')).text, 'secret_of_theirs')
})

t.test('a context that cannot be gathered is CTX_001 and tells no path', async (t) => {
  const folder = await temporaryFolder(t)
  const use = await writePlugin(folder, 'cache.mjs', `
    export default definePlugin({ kind: 'context-cache', name: 'broken', create: () => ({
      async get () { throw new Error('ENOENT: no such file, open \\'/srv/secret/place\\'') },
      async set () {}, async delete () { return { removed: 0, bytes: 0 } }, async stats () { return { entries: 0, bytes: 0, max_bytes: 0 } }
    }) })`)
  const { ask } = await startDocumented(t, { plugins: [{ use }] })
  const { status, body, text } = await ask('GET', '/api/context/issue-1/ai-engineer')
  t.strictSame([status, body.code], [500, 'CTX_001'])
  t.notMatch(text, '/srv/secret')
})
