import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { git, writeFiles } from '../../../support/repository.js'
import { temporaryFolder } from '../../../support/temporary.js'
import { createStage } from './stage.js'

const RESULT = '{"status":"success","files_created":["new.txt","absent.txt"],"files_modified":[{"path":"./README.md"},"src/main.py","ignored.log"],"files_deleted":["src/main.py","gone.txt"],"warnings":["its own"]}'

t.test('the record and the result carry what git says, and where the result says otherwise', async (t) => {
  const stage = await createStage(t, { files: { 'README.md': '# Sample\n', 'src/main.py': 'pass\n', 'gone.txt': 'x\n', 'dirty.txt': 'x\n', '.gitignore': '*.log\n' } })
  const { root, ask } = stage
  const before = (await git(root, 'rev-parse', 'HEAD')).trim()
  await writeFile(join(root, 'dirty.txt'), 'changed before the start\n')
  const agent = await stage.work(`echo more >> README.md; commit 'Say more'; rm gone.txt; echo new > new.txt; echo x > ignored.log; echo ö > 'ä b.txt'; store '${RESULT}'; echo after > later.txt`)
  t.match(agent, { state: 'completed' })
  const after = (await git(root, 'rev-parse', 'HEAD')).trim()
  const { body: result } = await ask('GET', `/api/results/${String(agent.result_id)}`)
  t.strictSame(result.result, JSON.parse(RESULT), 'the agent\'s own text is as it was')
  t.match(result.proof, { branch: 'main', head_before: before, head_after: after, commits: 1, truncated: false, dirty: true, upstream: null, ahead: null })
  const byPath = (changes: { path: string }[]): { path: string }[] => [...changes].sort((a, b) => (a.path < b.path ? -1 : 1))
  t.strictSame(byPath(result.proof.files_committed), [{ path: 'README.md', status: 'modified' }, { path: 'dirty.txt', status: 'modified' }], 'what its commit took along')
  t.strictSame(byPath(result.proof.files_uncommitted), [{ path: 'gone.txt', status: 'deleted' }, { path: 'new.txt', status: 'added' }, { path: 'ä b.txt', status: 'added' }])
  t.strictSame(result.sidecar_warnings, [
    '1 file created or modified according to the result, and not there: \'absent.txt\'.',
    '1 file modified according to the result, and as before the start: \'src/main.py\'.',
    '1 file deleted according to the result, and still there: \'src/main.py\'.'
  ])
  const { proof } = agent as unknown as { proof: { files_uncommitted: { path: string }[] } }
  t.ok(proof.files_uncommitted.some(({ path }) => path === 'later.txt'), 'the record knows what came after the result')
})

t.test('what was uncommitted before the start is not the agent\'s', async (t) => {
  const stage = await createStage(t)
  await writeFiles(stage.root, { 'kept.txt': 'before\n', 'touched.txt': 'before\n' })
  const agent = await stage.work('echo more >> touched.txt')
  t.strictSame((agent.proof as { files_uncommitted: object[] }).files_uncommitted, [{ path: 'touched.txt', status: 'added' }])
  t.match(agent.proof, { commits: 0, dirty: true, files_committed: [] })
  const { body: result } = await stage.ask('GET', `/api/results/${String(agent.result_id)}`)
  t.match(result, { result: { made_by: 'sidecar' }, proof: { dirty: true }, sidecar_warnings: [] }, 'also in a result that the sidecar makes')
})

t.test('commits that the upstream does not have are counted', async (t) => {
  const stage = await createStage(t)
  const { root } = stage
  const remote = await temporaryFolder(t)
  await git(remote, 'init', '--bare', '--quiet')
  await git(root, 'remote', 'add', 'origin', remote)
  await git(root, 'push', '--quiet', '--set-upstream', 'origin', 'main')
  t.match((await stage.work('echo 1 > one; commit One; echo 2 > two; commit Two')).proof, { upstream: 'origin/main', ahead: 2, commits: 2, dirty: false })
})

t.test('in a folder of a repository paths are the project\'s', async (t) => {
  const base = await temporaryFolder(t)
  await writeFiles(base, { 'other/a.txt': 'a\n', 'shop/b.txt': 'b\n' })
  await git(base, 'init', '--quiet')
  const stage = await createStage(t, { root: join(base, 'shop') })
  const agent = await stage.work('echo more >> ../other/a.txt; echo more >> b.txt; commit Begin; echo c > c.txt')
  t.match(agent.proof, { head_before: null, commits: 1, files_committed: [{ path: 'b.txt', status: 'added' }], files_uncommitted: [{ path: 'c.txt', status: 'added' }] })
})

t.test('without git there is no proof', async (t) => {
  const stage = await createStage(t, { root: await temporaryFolder(t) })
  const agent = await stage.work('echo x > x; store \'{"status":"success","files_created":["y"]}\'')
  t.equal(agent.proof, null)
  const { body: result } = await stage.ask('GET', `/api/results/${String(agent.result_id)}`)
  t.strictSame([result.proof, result.sidecar_warnings], [null, []])
})

t.test('a result of somebody whom the sidecar did not start has none', async (t) => {
  const stage = await createStage(t)
  const { token, agent_id: id } = await stage.agent('test-engineer')
  const { body } = await stage.ask('POST', '/api/results', { token, body: { agent_id: id, agent_type: 'test-engineer', issue_id: 'issue-1', result: { status: 'success', files_created: ['absent'] } } })
  t.notOk('proof' in (await stage.ask('GET', `/api/results/${String(body.id)}`)).body)
})

t.test('a repository whose configuration names commands is asked without running them', async (t) => {
  const folder = await temporaryFolder(t)
  const [canary, trace] = [join(folder, 'canary.sh'), join(folder, 'sprung')]
  await writeFile(canary, `#!/bin/sh\ntouch "${trace}"\n`, { mode: 0o755 })
  const stage = await createStage(t, { files: { 'a.txt': 'a\n', '.gitattributes': '* filter=evil diff=evil merge=evil\n' } })
  for (const name of ['filter.evil.clean', 'filter.evil.smudge', 'core.fsmonitor', 'diff.external', 'diff.evil.textconv', 'merge.evil.driver', 'core.pager']) await git(stage.root, 'config', name, canary)
  const agent = await stage.work('echo more >> a.txt')
  t.match(agent.proof, { files_uncommitted: [{ path: 'a.txt', status: 'modified' }] })
  t.notOk(existsSync(trace), 'nothing was run')
  await git(stage.root, 'status').catch(() => {})
  t.ok(existsSync(trace), 'and it is a trap')
})
