import { appendFile, open, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { run } from '../../../cli/program.js'
import { stubTerminal } from '../../cli/stub-terminal.js'
import { createRepository } from '../../support/repository.js'
import { startSidecarProcess, type SidecarProcess } from '../../support/sidecar-process.js'
import { temporaryFolder } from '../../support/temporary.js'

const WRITERS = 8

async function cco (home: string, ...args: string[]): Promise<{ code: number, stdout: string, stderr: string }> {
  const terminal = stubTerminal({ cwd: home, env: { HOME: home } })
  const code = await run(args, terminal)
  return { code, stdout: terminal.stdout(), stderr: terminal.stderr() }
}

/** Publishes and stores until it is told to end; remembers what was acknowledged. */
function write (sidecar: SidecarProcess, token: string, agent: string): { events: string[], results: string[], end (): Promise<void> } {
  const acknowledged = { events: [] as string[], results: [] as string[] }
  const over = new AbortController()
  const done = (async () => {
    for (let n = 0; !over.signal.aborted; n++) {
      const event = await sidecar.ask('POST', '/api/events/note', { token, body: { topic: 'testing', data: { n, filler: 'x'.repeat(20_000) } } })
      if (event.status === 202) acknowledged.events.push(event.body.event_id as string)
      const result = await sidecar.ask('POST', '/api/results', { token, body: { agent_id: agent, agent_type: 'test-engineer', issue_id: `issue-${n % 3}`, result: { status: 'success', n } } })
      if (result.status === 201) acknowledged.results.push(result.body.id as string)
    }
  })()
  return {
    ...acknowledged,
    async end () {
      over.abort()
      await done
    }
  }
}

async function damaged (t: Test, file: string, change: (copy: string) => Promise<void>): Promise<string> {
  const copy = join(await temporaryFolder(t), 'copy.tar')
  await writeFile(copy, await readFile(file))
  await change(copy)
  return copy
}

t.test('what was acknowledged before a backup began is there after its restore', async (t) => {
  const home = await temporaryFolder(t)
  const [storage, root, file] = [join(home, 'storage'), join(home, 'project'), join(home, 'backup.tar')]
  await createRepository(root, { 'a.txt': 'a\n' })
  const settings = { 'rate-limit-enabled': 'false', 'events-retention-count': '1000000' }
  const first = await startSidecarProcess(t, { storage, root, settings: { ...settings, 'log-level': 'warn' } })
  const writers = await Promise.all(Array.from({ length: WRITERS }, async () => {
    const { body } = await first.ask('POST', '/api/tokens', { body: { agent_type: 'test-engineer' } })
    return write(first, body.token as string, body.agent_id as string)
  }))
  const closedSegments = async (): Promise<number> => (await readdir(join(storage, 'events'))).filter((name) => /^event-log\.\d+\.jsonl$/.test(name)).length
  while (await closedSegments() < 1) await new Promise((resolve) => setTimeout(resolve, 20))
  const before = { events: writers.flatMap(({ events }) => events), results: writers.flatMap(({ results }) => results) }
  const backup = await cco(home, 'backup', file, '--storage', storage)
  t.equal(backup.code, 0, backup.stderr)
  t.match(backup.stderr, 'signing keys')
  await Promise.all(writers.map(async ({ end }) => await end()))
  await first.stop()
  t.equal((await stat(file)).mode & 0o777, 0o600)
  const names = (await promisify(execFile)('tar', ['-tf', file])).stdout.split('\n')
  t.ok(names.includes('keys/keyring.json') && names.includes('cco-backup.json'), 'any tar reads it')

  const restored = join(home, 'restored')
  const answer = await cco(home, 'restore', file, '--storage', restored)
  t.equal(answer.code, 0, answer.stderr)
  t.match(await cco(home, 'audit', 'verify', '--storage', restored), { code: 0 }, 'the audit log of the backup is whole')
  const second = await startSidecarProcess(t, { storage: restored, root, settings: { ...settings, 'log-level': 'warn' } })
  const there = { events: new Set<string>(), results: new Set<string>() }
  for (let cursor = 'earliest', more = true; more;) {
    const { body } = await second.ask('GET', `/api/events?type=note&limit=1000&since=${encodeURIComponent(cursor)}`)
    for (const { event_id: id } of body.events as { event_id: string }[]) there.events.add(id)
    more = body.more_available as boolean
    cursor = body.next_cursor as string
  }
  for (let query = ''; ;) {
    const { body } = await second.ask('GET', `/api/results?limit=1000${query}`)
    for (const { id } of body.results as { id: string }[]) there.results.add(id)
    if (body.next_cursor === undefined) break
    query = `&cursor=${encodeURIComponent(body.next_cursor as string)}`
  }
  t.ok(before.events.length > 100 && before.results.length > 100, `${before.events.length} events, ${before.results.length} results`)
  t.strictSame(before.events.filter((id) => !there.events.has(id)), [], 'every event')
  t.strictSame(before.results.filter((id) => !there.results.has(id)), [], 'every result')
  t.match(await cco(home, 'restore', file, '--storage', restored, '--force'), { code: 1, stderr: /in use by another sidecar/ })
  await second.stop()
  t.match(await cco(home, 'audit', 'verify', '--storage', restored), { code: 0 }, 'and goes on')
})

t.test('a backup that is damaged or cut, and a storage that is there, are refused', async (t) => {
  const home = await temporaryFolder(t)
  const [storage, file] = [join(home, 'storage'), join(home, 'backup.tar')]
  await createRepository(storage, { 'keys/keyring.json': '{}', [`results/p/i/${'long'.repeat(30)}.history/res_1.success.json`]: '{"ä":1}\n', empty: '' })
  t.equal((await cco(home, 'backup', file, '--storage', storage, '--without-keys')).code, 0)
  t.match(await cco(home, 'backup', file, '--storage', storage), { code: 1, stderr: /There is a file/ })
  const restored = join(home, 'restored')
  const { size } = await stat(file)
  for (const [what, change] of [
    ['a flipped byte', async (copy: string) => { const handle = await open(copy, 'r+'); await handle.write(Buffer.from('#'), 0, 1, 512); await handle.close() }],
    ['a cut end', async (copy: string) => { await truncate(copy, size - 3000) }],
    ['another file', async (copy: string) => { await truncate(copy, 0); await appendFile(copy, 'hello') }]
  ] as const) {
    t.match(await cco(home, 'restore', await damaged(t, file, change), '--storage', restored), { code: 1, stderr: /could not be restored/ }, what)
    t.strictSame((await readdir(home)).filter((name) => name.startsWith('restored')), [], 'nothing is left')
  }
  t.equal((await cco(home, 'restore', file, '--storage', restored)).code, 0)
  t.equal(await readFile(join(restored, `results/p/i/${'long'.repeat(30)}.history/res_1.success.json`), 'utf8'), '{"ä":1}\n')
  t.notOk((await readdir(restored)).includes('keys'))
  t.match(await cco(home, 'restore', file, '--storage', restored), { code: 1, stderr: /not empty/ })
  const again = await cco(home, 'restore', file, '--storage', restored, '--force')
  t.match(again, { code: 0, stdout: /What was there is in .*before-restore/ })
  t.equal((await readdir(home)).filter((name) => name.startsWith('restored')).length, 2)
})
