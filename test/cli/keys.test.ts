import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../../cli/program.js'
import { newestFirst } from '../../core/audit/read.js'
import type { KeyFacts } from '../../core/contracts/index.js'
import { provideKeys } from '../support/keys.js'
import { DEAD_PORT, sidecarFor } from './bound-program.js'
import { stubTerminal } from './stub-terminal.js'

async function actorsOf (storage: string): Promise<(string | null)[]> {
  const actors: (string | null)[] = []
  for await (const { action, actor } of newestFirst(join(storage, 'audit'))) if (action === 'key.rotated') actors.push(actor)
  return actors
}

t.test('keys are listed and rotated while the sidecar runs: tokens of before stay valid', async (t) => {
  const cco = await sidecarFor(t)
  const keys = async (): Promise<KeyFacts[]> => (await cco('keys', 'list', '--format', 'json')).json<{ keys: KeyFacts[] }>().keys
  const [first] = await keys()
  const token = (await cco('token', 'test-engineer')).stdout
  t.match(await cco('keys', 'rotate'), { code: 0, stdout: /^KEY .*\n\S+ .* signs .*\n\S+ .* verifies +\d{4}-/ })
  const rotated = await keys()
  t.equal(rotated.length, 2)
  t.match(rotated[1], { kid: first!.kid, state: 'verifies' })
  const published = await (await fetch(`${cco.address}/.well-known/jwks.json`)).json() as { keys: { kid: string }[] }
  t.strictSame(published.keys.map(({ kid }) => kid), rotated.map(({ kid }) => kid))
  t.equal((await cco('agent', 'list', '--token', token)).code, 0)
})

t.test('and while none runs, with a record in the audit log; a storage in use is left alone', async (t) => {
  const home = t.testdir({ project: { 'a.txt': 'a' } })
  const storage = join(home, 'storage')
  const cco = async (...args: string[]): Promise<{ code: number, stdout: string, stderr: string }> => {
    const terminal = stubTerminal({ cwd: join(home, 'project'), env: { HOME: home, CCO_SIDECAR_STORAGE: storage, CCO_SIDECAR_PORT: DEAD_PORT } })
    return { code: await run(args, terminal), stdout: terminal.stdout(), stderr: terminal.stderr() }
  }
  const made = await cco('keys', 'list')
  t.match(made, { code: 0, stdout: / signs / }, made.stderr)
  t.match(await cco('keys', 'rotate'), { code: 0, stdout: / signs .*\n.* verifies / })
  t.strictSame(await actorsOf(storage), ['cli'])
  const { takeStorage } = await import('../../core/storage.js')
  const lock = await takeStorage(storage)
  t.match(await cco('keys', 'rotate'), { code: 1, stderr: /in use by another sidecar/ })
  await lock.release()
  t.match(JSON.parse((await cco('keys', 'list', '--format', 'json')).stdout), { keys: [{ state: 'signs' }, { state: 'verifies' }] })
})

t.test('beside an outside issuer that is out of reach, the sidecar\'s own keys are listed and rotated, and those of the issuer are its own business', async (t) => {
  const jwks = (more: object): string => JSON.stringify({
    plugins: [{ use: 'auth/jwks', options: { issuer: 'https://login.example', jwksUrl: `http://127.0.0.1:${DEAD_PORT}/`, audience: ['cco-agents'], ...more } }]
  })
  const home = t.testdir({ project: { 'a.txt': 'a' }, both: { '.cco': { 'config.json': jwks({}) } }, outside: { '.cco': { 'config.json': jwks({ ownTokens: false }) } } })
  const cco = async (user: string, ...args: string[]): Promise<{ code: number, stdout: string, stderr: string }> => {
    const terminal = stubTerminal({ cwd: join(home, 'project'), env: { HOME: join(home, user), CCO_SIDECAR_STORAGE: join(home, user, 'storage'), CCO_SIDECAR_PORT: DEAD_PORT } })
    return { code: await run(args, terminal), stdout: terminal.stdout(), stderr: terminal.stderr() }
  }
  await provideKeys(join(home, 'both', 'storage'))
  t.match(await cco('both', 'keys', 'list'), { code: 0, stdout: / signs /, stderr: '' })
  t.match(await cco('both', 'keys', 'rotate'), { code: 0, stdout: / signs .*\n.* verifies /, stderr: '' })
  t.strictSame(await actorsOf(join(home, 'both', 'storage')), ['cli'])
  for (const act of ['list', 'rotate']) {
    t.match(await cco('outside', 'keys', act), { code: 1, stdout: '', stderr: /^error: The auth plugin 'jwks' has no signing keys of its own: .*there\. \[SIDECAR_ERR_CONFIG_INVALID\]$/ })
  }
  t.notOk(existsSync(join(home, 'outside', 'storage')), 'and nothing is left of the attempt')
})
