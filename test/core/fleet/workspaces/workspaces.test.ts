import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { git, writeFiles } from '../../../support/repository.js'
import { startSidecarProcess } from '../../../support/sidecar-process.js'
import { temporaryFolder } from '../../../support/temporary.js'
import { eventually } from '../../../../core/testing/expectations.js'
import { createStage, type Stage } from './stage.js'

const KINDS = ['worktree', 'clone'] as const

async function workspaceOf ({ ask }: Stage, id: string): Promise<{ status: number, body: { folder: string, branch: string, base: string, kept_because: string[], live: boolean, notes: string[] } }> {
  return await ask('GET', `/api/agents/${id}/workspace`)
}

async function branches (root: string): Promise<string[]> {
  return (await git(root, 'for-each-ref', '--format=%(refname:short)', 'refs/heads', 'refs/cco')).split('\n').filter((line) => line !== '')
}

for (const workspace of KINDS) {
  t.test(`an agent in a ${workspace} changes nothing of the project, and leaves nothing when it changed nothing`, async (t) => {
    const stage = await createStage(t)
    const { root, storage, signs } = stage
    const id = await stage.spawn('pwd -P > "$SIGNS/folder"; echo x > scratch; touch "$SIGNS/begun"; until_there "$SIGNS/go"; rm scratch', { workspace })
    await eventually(async () => existsSync(join(signs, 'begun')), 'the agent works')
    const { body } = await workspaceOf(stage, id)
    t.match(body, { workspace, live: true, branch: `cco/${id}`, base: (await git(root, 'rev-parse', 'HEAD')).trim(), kept_because: ['1 file is not committed'], notes: [] })
    t.equal(body.folder, join(storage, 'worktrees', 'sample', id))
    t.equal((await git(root, 'status', '--porcelain')), '')
    await writeFile(join(signs, 'go'), '')
    t.match(await stage.ended(id), { state: 'completed', workspace, proof: { branch: `cco/${id}`, dirty: false, commits: 0 } })
    t.notOk(existsSync(body.folder))
    t.strictSame(await branches(root), ['main'])
    t.equal((await git(root, 'worktree', 'list')).trim().split('\n').length, 1)
    t.equal((await workspaceOf(stage, id)).status, 404)
    t.strictSame((await stage.ask('GET', '/api/workspaces')).body, { workspaces: [] })
  })

  t.test(`a ${workspace} with work in it is kept, listed, and removed when the work is elsewhere`, async (t) => {
    const stage = await createStage(t)
    const { root, ask } = stage
    const { agent_id: uncommitted } = await stage.work('echo x > new.txt', { workspace })
    const { agent_id: committed } = await stage.work('echo x > new.txt; commit New', { workspace })
    const { agent_id: detached } = await stage.work('git checkout --quiet --detach; echo x > loose.txt; commit Loose', { workspace })
    const reasons = async (id: string): Promise<string[]> => (await workspaceOf(stage, id)).body.kept_because
    t.strictSame(await reasons(uncommitted), ['1 file is not committed'])
    t.match(await reasons(committed), [workspace === 'worktree' ? '1 commit is in no other branch and pushed nowhere' : 'it has commits that the project does not have'])
    t.strictSame(await reasons(detached), await reasons(committed), 'also where no branch leads to it')
    t.strictSame((await ask('POST', '/api/workspaces/prune')).body.removed, [])

    const { body: { folder, branch } } = await workspaceOf(stage, committed)
    const { body: { folder: loose } } = await workspaceOf(stage, detached)
    await git(root, 'fetch', '--quiet', folder, `${branch}:fetched`)
    await git(root, 'fetch', '--quiet', loose, 'HEAD:refs/tags/loose')
    await rm(join((await workspaceOf(stage, uncommitted)).body.folder, 'new.txt'))
    const { body } = await ask('POST', '/api/workspaces/prune')
    t.strictSame([...body.removed].sort(), [uncommitted, committed, detached].sort())
    t.strictSame(body.kept, [])
    t.strictSame(await branches(root), ['fetched', 'main'])
    t.equal(await git(root, 'show', 'fetched:new.txt'), 'x\n')
  })

  t.test(`a ${workspace} in which something is under way is kept`, async (t) => {
    const stage = await createStage(t)
    await git(stage.root, 'branch', 'other')
    const agent = await stage.work('git bisect start', { workspace })
    t.strictSame((await workspaceOf(stage, agent.agent_id)).body.kept_because, ['a merge, rebase or the like is under way'])
  })
}

t.test('the program lists workspaces and removes what can go', async (t) => {
  const stage = await createStage(t)
  t.equal((await stage.cco('agent', 'workspaces')).stdout, 'No agent has a working tree of its own.')
  const spawned = await stage.cco('agent', 'spawn', 'test-engineer', '--issue', 'i', '--task', 'echo x > new.txt', '--workspace', 'worktree', '--workspace-base', 'main', '--wait')
  t.equal(spawned.code, 0, spawned.stderr)
  const { stdout } = await stage.cco('agent', 'workspaces')
  t.match(stdout, /test-engineer-\w+ +worktree +1 file is not committed +\//)
  t.match((await stage.cco('agent', 'workspaces', '--prune')).stdout, /^0 removed\.\nAGENT/)
  const { workspaces: [{ folder }] } = JSON.parse((await stage.cco('agent', 'workspaces', '--format', 'json')).stdout) as { workspaces: [{ folder: string }] }
  await rm(join(folder, 'new.txt'))
  t.equal((await stage.cco('agent', 'workspaces', '--prune')).stdout, '1 removed.')
})

t.test('a worktree whose repository is gone or another is kept', async (t) => {
  const stage = await createStage(t)
  const { agent_id: id } = await stage.work('rm .git', { workspace: 'worktree' })
  t.match((await workspaceOf(stage, id)).body.kept_because, [/cannot say|no working tree/])
  const { agent_id: other } = await stage.work('rm .git; git init --quiet', { workspace: 'worktree' })
  t.match((await workspaceOf(stage, other)).body.kept_because, ['it belongs to another repository now'])
  t.strictSame((await stage.ask('POST', '/api/workspaces/prune')).body.removed, [])
})

t.test('a workspace begins where it is told to, and says what it lacks', async (t) => {
  const stage = await createStage(t, { files: { 'a.txt': 'one\n', '.gitattributes': '*.bin filter=lfs\n' } })
  const { root } = stage
  const first = (await git(root, 'rev-parse', 'HEAD')).trim()
  await git(root, 'commit', '--quiet', '--allow-empty', '--message', 'Second')
  await writeFiles(root, { 'a.txt': 'uncommitted\n' })
  const { agent_id: id } = await stage.work('cat a.txt; echo x > left', { workspace: 'worktree', workspace_base: 'main~1' })
  const { body } = await workspaceOf(stage, id)
  t.equal(body.base, first)
  t.match(body.notes, [/^1 uncommitted change of the project is not in it/, /^it begins from another commit/, /filter/])
  t.equal((await stage.ask('GET', `/api/agents/${id}/logs`)).body.log, 'one\n')
})

t.test('in a folder of a repository the agent works in the same folder', async (t) => {
  const base = await temporaryFolder(t)
  await writeFiles(base, { 'shop/b.txt': 'b\n' })
  await git(base, 'init', '--quiet')
  await git(base, 'add', '--all')
  await git(base, 'commit', '--quiet', '--message', 'Begin')
  const stage = await createStage(t, { root: join(base, 'shop') })
  const agent = await stage.work('cat b.txt; echo c > c.txt', { workspace: 'worktree' })
  t.match(agent.proof, { files_uncommitted: [{ path: 'c.txt', status: 'added' }] })
  t.equal((await stage.ask('GET', `/api/agents/${agent.agent_id}/logs`)).body.log, 'b\n')
})

t.test('what cannot be made stops the start and leaves nothing', async (t) => {
  const stage = await createStage(t)
  const { ask, root } = stage
  const ask_ = async (more: object): Promise<{ status: number, body: { code: string, message: string } }> => await ask('POST', '/api/agents/spawn', { body: { agent_type: 'test-engineer', issue_id: 'i', task: 'true', ...more } })
  for (const workspace_base of ['no-such-branch', '--upload-pack=touch', 'HEAD:README.md']) {
    const { status, body } = await ask_({ workspace: 'worktree', workspace_base })
    t.match([status, body], [400, { code: 'VAL_001', message: `workspace_base is no commit, branch or tag of the project: '${workspace_base}'.`, details: { issues: [{ path: 'workspace_base' }] } }])
  }
  t.equal((await ask_({ workspace: 'own' })).body.code, 'VAL_001')
  t.strictSame((await ask('GET', '/api/agents')).body, { agents: [] }, 'no agent was begun')
  t.strictSame(await branches(root), ['main'])
  t.strictSame((await ask('GET', '/api/workspaces')).body, { workspaces: [] })
  const bare = await createStage(t, { root: await temporaryFolder(t) })
  const { body } = await bare.ask('POST', '/api/agents/spawn', { body: { agent_type: 'test-engineer', issue_id: 'i', task: 'true', workspace: 'clone', workspace_base: 'main' } })
  t.match(body, { code: 'AGT_001', message: /under git/ })
})

t.test('the commands of a hostile repository do not run when workspaces are made and removed', async (t) => {
  const folder = await temporaryFolder(t)
  const [canary, trace, hooks] = [join(folder, 'canary.sh'), join(folder, 'sprung'), join(folder, 'hooks')]
  await mkdir(hooks)
  for (const file of [canary, join(hooks, 'post-checkout'), join(hooks, 'reference-transaction'), join(hooks, 'post-index-change')]) await writeFile(file, `#!/bin/sh\ntouch "${trace}"\n`, { mode: 0o755 })
  const stage = await createStage(t, { files: { 'a.txt': 'a\n', '.gitattributes': '* filter=evil\n' } })
  for (const name of ['filter.evil.clean', 'filter.evil.smudge', 'core.fsmonitor', 'core.sshCommand', 'uploadpack.packObjectsHook', 'core.gitProxy']) await git(stage.root, 'config', name, canary)
  await git(stage.root, 'config', 'core.hooksPath', hooks)
  for (const workspace of KINDS) t.match(await stage.work('true', { workspace }), { state: 'completed' })
  t.strictSame((await stage.ask('GET', '/api/workspaces')).body, { workspaces: [] })
  t.notOk(existsSync(trace), 'nothing was run')
  await git(stage.root, 'worktree', 'add', '--quiet', join(folder, 'other')).catch(() => {})
  t.ok(existsSync(trace), 'and it is a trap')
})

t.test('a further attempt goes on in the workspace of the first', async (t) => {
  const stage = await createStage(t, { settings: { 'spawn-retry-seconds': '0' } })
  const agent = await stage.work('if [ -e first ]; then commit Both; else echo x > first; exit 1; fi', { workspace: 'worktree' })
  t.match(agent, { state: 'completed', attempt: 2, proof: { commits: 1, files_committed: [{ path: 'first', status: 'added' }] } })
})

t.test('after a crash what is left is treated by the same rule', async (t) => {
  const [storage, root, signs] = [join(await temporaryFolder(t), 'storage'), await temporaryFolder(t), await temporaryFolder(t)]
  await writeFiles(root, { 'a.txt': 'a\n' })
  await git(root, 'init', '--quiet')
  await git(root, 'add', '--all')
  await git(root, 'commit', '--quiet', '--message', 'Begin')
  await writeFile(join(signs, 'agent.sh'), 'eval "$TASK"\n')
  const settings = { 'spawn-command': `/bin/sh "${join(signs, 'agent.sh')}"`, 'spawn-max-retries': '0' }
  const first = await startSidecarProcess(t, { storage, root, settings })
  const spawn = async (task: string): Promise<{ agent_id: string, process_id: number }> => (await first.ask('POST', '/api/agents/spawn', { body: { agent_type: 'test-engineer', issue_id: 'i', workspace: 'worktree', task, environment: { SIGNS: signs } } })).body
  const idle = await spawn('exec sleep 1000')
  const busy = await spawn('echo x > x; touch "$SIGNS/written"; exec sleep 1000')
  await eventually(async () => existsSync(join(signs, 'written')), 'the second has written')
  await first.kill()
  for (const { process_id: pid } of [idle, busy]) process.kill(-pid, 'SIGKILL')
  // As if it had been killed while it made another.
  const half = { agent_id: 'half', agent_type: 'x', project_id: 'sample', project_root: root, kind: 'worktree', folder: join(storage, 'worktrees', 'sample', 'half'), prefix: '', branch: 'cco/half', base: (await git(root, 'rev-parse', 'HEAD')).trim(), notes: [], ready: false, created_at: new Date(0).toISOString() }
  await git(root, 'worktree', 'add', '--quiet', '-b', half.branch, half.folder)
  await git(root, 'worktree', 'lock', '--reason', 'initializing', half.folder)
  await rm(join(half.folder, 'a.txt'))
  await writeFile(`${half.folder}.json`, JSON.stringify(half))

  const second = await startSidecarProcess(t, { storage, root, settings })
  const left = async (): Promise<string[]> => (await second.ask('GET', '/api/workspaces')).body.workspaces.map(({ agent_id: id }: { agent_id: string }) => id)
  await eventually(async () => (await left()).length === 1, 'the others are removed')
  t.strictSame(await left(), [busy.agent_id])
  t.strictSame(await branches(root), [`cco/${busy.agent_id}`, 'main'])
  t.equal(await second.stop(), 0)
})
