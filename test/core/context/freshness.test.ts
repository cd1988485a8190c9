import { rename, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { git, writeFiles } from '../../support/repository.js'
import { startSidecar, type TestSidecar } from '../../support/sidecar.js'

const FILES = { 'src/a.py': 'a = 1\n', 'src/b.py': 'b = 2\n', 'docs/guide.md': '# Guide\n', 'README.md': '# Sample\n' }

interface Asked { hit: boolean, etag: string, paths: string[], text: string, body: any } // eslint-disable-line @typescript-eslint/no-explicit-any

async function start (t: Test): Promise<TestSidecar & { own (query?: string, agent?: string): Promise<Asked> }> {
  const sidecar = await startSidecar(t, { files: FILES })
  return {
    ...sidecar,
    async own (query = '', agent = 'python-specialist') {
      const { body, text, headers } = await sidecar.ask('GET', `/api/context/issue-1/${agent}?${query}`)
      return { hit: body.cache_hit, etag: headers.etag as string, paths: body.context.relevant_files.map(({ path }: { path: string }) => path), text, body }
    }
  }
}

t.test('a repository that has not changed is a hit', async t => {
  const { own, ask } = await start(t)
  const first = await own()
  t.equal(first.hit, false)
  const second = await own()
  t.equal(second.hit, true)
  t.equal(second.etag, first.etag)
  const { cache_hit: _hit, timestamp: _time, ...before } = first.body
  const { cache_hit: _hit2, timestamp: _time2, ...after } = second.body
  t.strictSame(after, before, 'and says the same')
  for (let round = 0; round < 5; round++) t.equal((await own()).text, second.text, 'to the byte, as its tag promises')

  await t.test('but not for another question', async t => {
    for (const query of ['max_bytes=50000', 'max_tokens=9000', 'task=a', 'explain=true', 'requirements=ci-config']) {
      t.equal((await own(query)).hit, false, query)
      t.equal((await own(query)).hit, true, query)
    }
    t.equal((await own('', 'go-specialist')).hit, false)
    t.equal((await ask('GET', '/api/context/issue-2/python-specialist')).body.cache_hit, false)
  })
  await t.test('fresh builds again, and what it built serves the next', async t => {
    t.equal((await own('fresh=true')).hit, false)
    t.equal((await own()).hit, true)
  })
  await t.test('who has it already is told so', async t => {
    const url = '/api/context/issue-1/python-specialist'
    for (const tag of [first.etag, `W/${first.etag}`, `"other", ${first.etag}`, '*']) {
      const { status, text, headers } = await ask('GET', url, { headers: { 'if-none-match': tag } })
      t.strictSame([status, text, headers.etag], [304, '', first.etag], tag)
    }
    t.equal((await ask('GET', url, { headers: { 'if-none-match': '"other"' } })).status, 200)
    t.equal((await ask('GET', `${url}?fresh=true`, { headers: { 'if-none-match': first.etag } })).status, 200, 'unless fresh is asked for')
  })
  await t.test('what was cleared is built again', async t => {
    t.match((await ask('DELETE', '/api/cache/context/issue-1?agent_type=python-specialist')).body, { cleared: true })
    t.equal((await own()).hit, false)
    t.match((await ask('DELETE', '/api/cache/context/nothing-here')).body, { cleared: true, entries_removed: 0, bytes_freed: 0 })
  })
})

t.test('whatever changes is seen by the next call', async t => {
  const { own, ask, agent, root } = await start(t)
  const at = (path: string): string => join(root, path)
  const contentOf = ({ body }: Asked, path: string): string | undefined => body.context.relevant_files.find((file: { path: string }) => file.path === path)?.content
  const changes: [what: string, change: () => Promise<unknown>, seen: (asked: Asked) => boolean][] = [
    ['a changed file', async () => await writeFile(at('src/a.py'), 'a = 11\n'), (asked) => contentOf(asked, 'src/a.py') === 'a = 11\n'],
    ['one of the same size', async () => await writeFile(at('src/a.py'), 'a = 12\n'), (asked) => contentOf(asked, 'src/a.py') === 'a = 12\n'],
    ['one of the same size and time', async () => { await writeFile(at('src/a.py'), 'a = 13\n'); await utimes(at('src/a.py'), 1e9, 1e9) }, (asked) => contentOf(asked, 'src/a.py') === 'a = 13\n'],
    ['once more with that time', async () => { await writeFile(at('src/a.py'), 'a = 14\n'); await utimes(at('src/a.py'), 1e9, 1e9) }, (asked) => contentOf(asked, 'src/a.py') === 'a = 14\n'],
    ['one that was replaced', async () => { await writeFile(at('.new'), 'a = 15\n'); await rename(at('.new'), at('src/a.py')) }, (asked) => contentOf(asked, 'src/a.py') === 'a = 15\n'],
    ['an added file', async () => await writeFile(at('src/c.py'), 'c = 3\n'), (asked) => asked.paths.includes('src/c.py')],
    ['a deleted file', async () => await rm(at('src/c.py')), (asked) => !asked.paths.includes('src/c.py')],
    ['a renamed file', async () => await rename(at('src/b.py'), at('src/d.py')), (asked) => !asked.paths.includes('src/b.py') && asked.paths.includes('src/d.py')],
    ['an ignored file', async () => await writeFile(at('.gitignore'), 'src/d.py\n'), (asked) => !asked.paths.includes('src/d.py')],
    ['a staged change', async () => await git(root, 'add', 'src/a.py'), (asked) => asked.body.context.git_context.uncommitted_changes.some(({ path, status }: { path: string, status: string }) => path === 'src/a.py' && status === 'modified')],
    ['a commit', async () => await git(root, 'commit', '--quiet', '--all', '--message', 'Second'), (asked) => asked.body.context.git_context.recent_commits[0].message === 'Second'],
    ['an empty commit', async () => await git(root, 'commit', '--quiet', '--allow-empty', '--message', 'Third'), (asked) => asked.body.context.git_context.head !== undefined],
    ['an amended message', async () => await git(root, 'commit', '--quiet', '--amend', '--allow-empty', '--message', 'Fourth'), (asked) => asked.body.context.git_context.head !== undefined],
    ['a branch', async () => await git(root, 'switch', '--quiet', '--create', 'topic'), (asked) => asked.body.context.git_context.branch === 'topic'],
    ['a commit on it', async () => { await writeFile(at('src/topic.py'), 'topic = 1\n'); await git(root, 'add', '--all'); await git(root, 'commit', '--quiet', '--message', 'On the topic') }, (asked) => asked.paths.includes('src/topic.py')],
    ['a switch back', async () => await git(root, 'switch', '--quiet', 'main'), (asked) => asked.body.context.git_context.branch === 'main' && !asked.paths.includes('src/topic.py')],
    ['packed references', async () => { await git(root, 'pack-refs', '--all'); await git(root, 'switch', '--quiet', 'topic') }, (asked) => asked.body.context.git_context.branch === 'topic'],
    ['a detached head', async () => await git(root, 'switch', '--quiet', '--detach'), (asked) => asked.body.context.git_context.branch === null],
    ['a remote', async () => await git(root, 'remote', 'add', 'origin', 'https://git.example.com/x.git'), (asked) => asked.body.context.git_context.remote_url === 'https://git.example.com/x.git'],
    ['a new issue', async () => await ask('PUT', '/api/issues/issue-1', { body: { title: 'First title' } }), (asked) => asked.body.context.task?.title === 'First title'],
    ['an edited issue', async () => await ask('PUT', '/api/issues/issue-1', { body: { title: 'Second title' } }), (asked) => asked.body.context.task?.title === 'Second title'],
    ['a result', async () => {
      const { token, agent_id: id } = await agent('python-specialist')
      await ask('POST', '/api/results', { token, body: { agent_id: id, agent_type: 'python-specialist', issue_id: 'issue-1', result: { status: 'success', decisions: ['Take the left fork'] } } })
    }, (asked) => asked.body.context.previous_agent_outputs[0]?.decision === 'Take the left fork'],
    ['a project that stops being a repository', async () => await rm(at('.git'), { recursive: true }), (asked) => asked.body.context.git_context === null]
  ]
  let last = await own()
  for (const [what, change, seen] of changes) {
    await change()
    const asked = await own()
    t.equal(asked.hit, false, what)
    t.ok(seen(asked), `${what} is seen`)
    t.not(asked.etag, last.etag)
    t.equal((await own()).hit, true, 'and the next call is a hit')
    last = asked
  }
})

t.test('what has no part in the answer does not make it stale', async t => {
  const { own, ask, agent, root } = await start(t)
  await writeFiles(root, { '.gitignore': 'build/\n' })
  await own()
  await writeFiles(root, { 'build/output.bin': 'x', '.git/info/note': 'x', '.git/FETCH_HEAD': 'x' })
  t.equal((await own()).hit, true, 'an ignored file, and the business of git itself')
  await ask('PUT', '/api/issues/issue-9', { body: { title: 'Another' } })
  const { token, agent_id: id } = await agent('python-specialist')
  await ask('POST', '/api/results', { token, body: { agent_id: id, agent_type: 'python-specialist', issue_id: 'issue-9', result: { status: 'success' } } })
  t.equal((await own()).hit, true, 'an issue and a result of another')
})

t.test('changes while a context is built are seen by the next call, under load', async t => {
  const { own, root } = await start(t)
  for (let round = 0; round < 15; round++) {
    const running = Array.from({ length: 4 }, async () => await own('max_bytes=200000'))
    await writeFile(join(root, 'src/a.py'), `a = ${1000 + round}\n`)
    const asked = await own('max_bytes=200000')
    t.ok(asked.text.includes(`a = ${1000 + round}`), `round ${round}`)
    await Promise.all(running)
  }
})
