import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startSidecar } from '../support/sidecar.js'
import { quickFolder } from '../support/temporary.js'

t.test('folders of the storage are 0700 and files 0600, whatever the umask', async (t) => {
  const before = process.umask(0)
  t.teardown(() => { process.umask(before) })
  const storage = join(await quickFolder(t), 'a', 'storage')
  const { ask, agent, sidecar, close } = await startSidecar(t, { storage, settings: { 'spawn-command': `"${process.execPath}" -e "console.log(1)"`, 'spawn-max-retries': '0', 'audit-file-mb': '0.001' } })
  await sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const { token, agent_id: id } = await agent('test-engineer')
  const results = [
    await ask('POST', '/api/events/note', { token, body: { topic: 'testing' } }),
    await ask('GET', '/api/events/wait/note?timeout=0', { token }),
    await ask('PUT', '/api/issues/issue-1', { body: { title: 'x' } }),
    await ask('POST', '/api/results', { token, body: { agent_id: id, agent_type: 'test-engineer', issue_id: 'issue-1', result: { status: 'success', files_created: [], files_modified: [] } } }),
    await ask('GET', '/api/context/issue-1/test-engineer', { token }),
    await ask('POST', '/api/tokens/revoke', { body: { agent_id: id } }),
    await ask('POST', '/api/keys/rotate'),
    await ask('POST', '/api/agents/spawn', { body: { agent_type: 'test-engineer', issue_id: 'issue-1', task: 'x' } })
  ]
  for (const { status, text } of results) t.ok(status < 300, text.slice(0, 200))
  await close()
  const seen: string[] = []
  const visit = (path: string): void => {
    const facts = lstatSync(path)
    const mode = (facts.mode & 0o777).toString(8)
    seen.push(path)
    // A script is run.
    const isRun = facts.isDirectory() || path.endsWith('/launch.sh')
    if (mode !== (isRun ? '700' : '600')) t.fail(`${path.slice(storage.length)} has mode ${mode}`)
    if (facts.isDirectory()) for (const name of readdirSync(path)) visit(join(path, name))
  }
  visit(storage)
  for (const folder of ['agents', 'audit', 'events', 'keys', 'results', 'issues']) t.ok(seen.includes(join(storage, folder)), `${folder} was looked at`)
  t.ok(seen.filter((path) => path.includes('audit-')).length > 1)
})
