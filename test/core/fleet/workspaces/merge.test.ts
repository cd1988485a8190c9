import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../../../../core/testing/expectations.js'
import { git, writeFiles } from '../../../support/repository.js'
import { temporaryFolder } from '../../../support/temporary.js'
import { createStage, type Stage } from './stage.js'

const FILES = { 'a.txt': 'one\ntwo\nthree\n', 'b.txt': 'b\n' }

async function merge ({ ask }: Stage, id: string, dryRun = false) {
  const { status, body } = await ask('POST', `/api/agents/${id}/merge`, { body: { dry_run: dryRun } })
  return { status, ...body } as { status: number, outcome: string, undo: string, head: string, conflicts: string[], uncommitted: string[], commits: number, files: object[] }
}

for (const workspace of ['worktree', 'clone'] as const) {
  t.test(`the work of an agent in a ${workspace} is shown, merged and taken back`, async (t) => {
    const stage = await createStage(t, { files: FILES })
    const { root, ask } = stage
    const before = (await git(root, 'rev-parse', 'HEAD')).trim()
    const { agent_id: id } = await stage.work('echo four >> a.txt; commit Four; echo x > new.txt; rm b.txt', { workspace })
    await git(root, 'commit', '--quiet', '--allow-empty', '--message', 'Meanwhile')
    const head = (await git(root, 'rev-parse', 'HEAD')).trim()
    const { body: diff } = await ask('GET', `/api/agents/${id}/diff`)
    t.match(diff, { workspace, base: before, committed: [{ path: 'a.txt', status: 'modified' }], truncated: false })
    t.strictSame(diff.uncommitted, [{ path: 'b.txt', status: 'deleted' }, { path: 'new.txt', status: 'added' }])
    for (const part of ['+four', '-b', '+x', 'new.txt']) t.match(diff.diff, part)

    t.match(await merge(stage, id, true), { status: 200, outcome: 'mergeable', commits: 1, files: [{ path: 'a.txt', status: 'modified' }], uncommitted: ['b.txt', 'new.txt'] })
    t.equal((await git(root, 'rev-parse', 'HEAD')).trim(), head, 'a dry run changes nothing')
    const merged = await merge(stage, id)
    t.match(merged, { outcome: 'merged', undo: `git reset --keep ${head}` })
    t.equal(await readFile(join(root, 'a.txt'), 'utf8'), 'one\ntwo\nthree\nfour\n')
    t.equal((await git(root, 'rev-parse', 'HEAD')).trim(), merged.head)
    t.equal((await git(root, 'log', '-1', '--format=%P')).trim().split(' ').length, 2)
    t.equal(await git(root, 'status', '--porcelain'), '')
    t.equal((await merge(stage, id)).outcome, 'nothing_to_merge')
    await git(root, ...merged.undo.split(' ').slice(1))
    t.equal(await readFile(join(root, 'a.txt'), 'utf8'), FILES['a.txt'])
  })

  t.test(`a conflict with the work in a ${workspace} is told before anything happens`, async (t) => {
    const stage = await createStage(t, { files: FILES })
    const { root } = stage
    const { agent_id: id } = await stage.work('sed -i s/two/deux/ a.txt; commit Deux', { workspace })
    await writeFiles(root, { 'a.txt': 'one\nzwei\nthree\n' })
    await git(root, 'commit', '--quiet', '--all', '--message', 'Zwei')
    const head = (await git(root, 'rev-parse', 'HEAD')).trim()
    for (const dryRun of [true, false]) t.match(await merge(stage, id, dryRun), { outcome: 'conflicts', conflicts: ['a.txt'] })
    t.equal((await git(root, 'rev-parse', 'HEAD')).trim(), head)
    t.equal(await git(root, 'status', '--porcelain'), '')
    t.notOk(existsSync(join(root, '.git', 'MERGE_HEAD')))
  })
}

t.test('uncommitted work of the project, a file in the way and a detached head stop a merge', async (t) => {
  const stage = await createStage(t, { files: { ...FILES, '.gitignore': 'ignored.txt\n' } })
  const { root } = stage
  const { agent_id: id } = await stage.work('echo its > new.txt; echo its > ignored.txt; git add --force ignored.txt; commit New', { workspace: 'worktree' })
  const head = (await git(root, 'rev-parse', 'HEAD')).trim()
  await writeFiles(root, { 'b.txt': 'mine\n' })
  t.equal((await merge(stage, id, true)).outcome, 'target_not_clean')
  t.equal((await merge(stage, id)).outcome, 'target_not_clean')
  t.equal(await readFile(join(root, 'b.txt'), 'utf8'), 'mine\n')
  await git(root, 'checkout', '--quiet', 'b.txt')
  for (const name of ['new.txt', 'ignored.txt']) {
    await writeFiles(root, { [name]: 'mine\n' })
    t.match(await merge(stage, id), { outcome: 'refused', reason: /would be overwritten/ })
    t.equal(await readFile(join(root, name), 'utf8'), 'mine\n')
    t.equal((await git(root, 'rev-parse', 'HEAD')).trim(), head)
    await rm(join(root, name))
    t.equal(await git(root, 'status', '--porcelain'), '')
  }
  await git(root, 'checkout', '--quiet', '--detach')
  t.equal((await merge(stage, id)).outcome, 'no_target')
  await git(root, 'checkout', '--quiet', 'main')
  t.equal((await merge(stage, id)).outcome, 'merged')
})

t.test('merge drivers of the repository are not run: what they would merge is a conflict', async (t) => {
  const stage = await createStage(t, { files: { ...FILES, '.gitattributes': 'a.txt merge=evil\n' } })
  const { root } = stage
  const trace = join(await temporaryFolder(t), 'sprung')
  await git(root, 'config', 'merge.evil.driver', `touch ${trace}`)
  const { agent_id: id } = await stage.work('sed -i s/one/un/ a.txt; commit Un', { workspace: 'worktree' })
  await writeFiles(root, { 'a.txt': 'one\ntwo\ndrei\n' })
  await git(root, 'commit', '--quiet', '--all', '--message', 'Drei')
  t.match(await merge(stage, id), { outcome: 'conflicts', conflicts: ['a.txt'] })
  t.notOk(existsSync(trace))
  await git(root, 'merge', '--quiet', `cco/${id}`).catch(() => {})
  t.ok(existsSync(trace), 'and it is a trap')
})

t.test('a diff shows no secrets, and works without a working tree and in a shared one', async (t) => {
  const stage = await createStage(t, { files: FILES })
  const { ask } = stage
  const key = `AKIA${'ABCDEFGHIJKLMNOP'}`
  const shared = await stage.work(`echo 'TOKEN=hidden' > .env; echo 'aws_access_key_id = ${key}' > config.ini`)
  const { body } = await ask('GET', `/api/agents/${shared.agent_id}/diff`)
  t.match(body, { workspace: 'shared', truncated: true })
  t.ok(body.uncommitted.some(({ path }: { path: string }) => path === '.env'))
  t.notMatch(body.diff, 'hidden')
  t.notMatch(body.diff, key)
  t.match(body.diff, 'config.ini')
  const idle = await stage.work('true', { workspace: 'worktree' })
  t.match((await ask('GET', `/api/agents/${idle.agent_id}/diff`)).body, { committed: [], uncommitted: [], diff: '' })
  t.equal((await ask('POST', `/api/agents/${idle.agent_id}/merge`, { body: {} })).status, 404)
  const { token } = await stage.agent('python-specialist')
  t.equal((await ask('GET', `/api/agents/${shared.agent_id}/diff`, { token })).status, 403)
  t.equal((await ask('POST', `/api/agents/${shared.agent_id}/merge`, { token, body: {} })).status, 403)
})

t.test('the program shows and merges', async (t) => {
  const stage = await createStage(t, { files: FILES })
  const { agent_id: id } = await stage.work('echo four >> a.txt; commit Four; echo x > left.txt', { workspace: 'worktree' })
  t.match((await stage.cco('agent', 'diff', id, '--names')).stdout, /^modified {2}committed {4}a\.txt\nadded {5}uncommitted {2}left\.txt$/)
  t.match((await stage.cco('agent', 'diff', id)).stdout, /^\+four$/m)
  t.match(await stage.cco('agent', 'merge', id, '--dry-run'), { code: 0, stdout: /can be merged into main:\n {2}a\.txt\nNot committed.*\n {2}left\.txt/ })
  await writeFile(join(stage.root, 'b.txt'), 'mine\n')
  t.match(await stage.cco('agent', 'merge', id), { code: 1, stdout: /uncommitted changes/ })
  await git(stage.root, 'checkout', '--quiet', 'b.txt')
  t.match(await stage.cco('agent', 'merge', id), { code: 0, stdout: /^Merged 1 commit .* into main\.\nTo take it back, in the project: git reset --keep / })
})

t.test('agents at work that would collide are told of once', async (t) => {
  const stage = await createStage(t, { files: FILES, settings: { 'workspaces-compare-seconds': '0.2' } })
  const { signs, ask } = stage
  const step = (name: string, command: string): string => `${command}; touch "$SIGNS/${name}"; `
  const wait = (name: string): string => `until_there "$SIGNS/${name}"; `
  const one = await stage.spawn(step('one', 'sed -i s/two/deux/ a.txt; commit Deux') + wait('more') + step('one2', 'echo x > both.txt') + wait('end'), { workspace: 'worktree' })
  const two = await stage.spawn(step('two', 'echo other > c.txt; commit Other') + wait('clash') + step('two2', 'sed -i s/two/zwei/ a.txt; commit Zwei') + wait('more') + 'echo y > both.txt; ' + wait('end'), { workspace: 'clone' })
  await eventually(async () => existsSync(join(signs, 'one')) && existsSync(join(signs, 'two')), 'both have begun', 15_000)
  const told = async (): Promise<{ publisher: string, topic: string, data: { files: string[], agents: { agent_id: string }[] } }[]> => (await ask('GET', '/api/events?type=workspace_conflict')).body.events
  t.strictSame(await told(), [], 'what goes together is no conflict')
  await writeFile(join(signs, 'clash'), '')
  await eventually(async () => (await told()).length > 0, 'a conflict of commits is told', 15_000)
  const [first] = await told()
  t.match(first, { topic: 'coordination', publisher: 'sidecar', data: { files: ['a.txt'] } })
  t.strictSame(first!.data.agents.map(({ agent_id: id }) => id).sort(), [one, two].sort())
  await writeFile(join(signs, 'more'), '')
  await eventually(async () => (await told()).some(({ data }) => data.files.includes('both.txt')), 'a file that both change uncommitted is told', 15_000)
  t.strictSame((await told()).map(({ data }) => data.files.join()), ['a.txt', 'a.txt,both.txt'], 'each set of files once, though it was looked at again and again')
  await writeFile(join(signs, 'end'), '')
  await Promise.all([stage.ended(one), stage.ended(two)])
})
