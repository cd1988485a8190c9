import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadConfig } from '../../../core/config/load.js'
import { keys } from '../../../core/doctor/checks/keys.js'
import { port } from '../../../core/doctor/checks/port.js'
import { agentPrograms, git } from '../../../core/doctor/checks/programs.js'
import { configuration, plugins, profiles } from '../../../core/doctor/checks/project.js'
import { clock, diskSpace, lock, storageRights } from '../../../core/doctor/checks/storage.js'
import { examine } from '../../../core/doctor/doctor.js'
import type { Check, Finding, Place } from '../../../core/doctor/finding.js'
import { takeStorage } from '../../../core/storage.js'
import { openKeyring } from '../../../plugins/auth/shared/keyring.js'
import { makeCertificate } from '../../support/certificate.js'
import { portOf } from '../../support/raw-http.js'
import { startSidecar } from '../../support/sidecar.js'
import { temporaryFolder } from '../../support/temporary.js'

const GIBIBYTE = 1024 ** 3

/** An installation that nothing is wrong with, in which a test makes one fault. */
async function soundPlace (t: Test, changes: Partial<Place> = {}, flags: Record<string, string> = {}): Promise<Place & { storage: string }> {
  const folder = await temporaryFolder(t, 'cco-doctor')
  const [root, storage] = [join(folder, 'shop'), join(folder, 'storage')]
  await mkdir(root)
  await mkdir(storage, { mode: 0o700 })
  const { settings } = await loadConfig({ flags: { port: '0', ...flags, storage }, env: {}, project: root, home: folder })
  return {
    storage, settings, root, env: { PATH: process.env.PATH }, now: Date.now, ignored: [], configurationFault: null,
    freeBytes: async () => 100 * GIBIBYTE, tryPlugins: async () => {}, programs: async () => [], ...changes
  }
}

async function only (look: Check, place: Place): Promise<Finding> {
  const found = await look(place)
  if (found.length !== 1) throw new Error(JSON.stringify(found))
  return found[0]!
}

t.test('a sound installation is found healthy', async (t) => {
  const place = await soundPlace(t)
  const { healthy, findings } = await examine(place, { fix: false })
  t.equal(healthy, true, JSON.stringify(findings))
  t.strictSame([...new Set(findings.map(({ state }) => state))], ['ok'])
  t.strictSame(findings.map(({ check }) => check), ['configuration', 'git', 'storage', 'disk', 'clock', 'lock', 'keys', 'port', 'profiles', 'plugins'])
})

t.test('rights of others on the storage are found, and taken away', async (t) => {
  const place = await soundPlace(t)
  await mkdir(join(place.storage, 'keys'), { mode: 0o755 })
  await writeFile(join(place.storage, 'keys', 'keyring.json'), '{}', { mode: 0o644 })
  await writeFile(join(place.storage, 'operator.token'), 'x')
  for (const [path, mode] of [['.', 0o755], ['keys', 0o755], ['keys/keyring.json', 0o644], ['operator.token', 0o640]] as const) await chmod(join(place.storage, path), mode)
  const found = await only(storageRights, place)
  t.match(found, { check: 'storage', state: 'problem', text: /^Other users may look into 4 places of / })
  await found.fix!()
  t.match(await only(storageRights, place), { state: 'ok' })
  for (const [path, mode] of [['.', 0o700], ['keys', 0o700], ['keys/keyring.json', 0o600], ['operator.token', 0o600]] as const) t.equal((await stat(join(place.storage, path))).mode & 0o777, mode, path)
})

t.test('a storage that others can write to is found, and left as it is: what is in it may be theirs', async (t) => {
  const place = await soundPlace(t)
  for (const mode of [0o770, 0o702, 0o777]) {
    await chmod(place.storage, mode)
    const found = await only(storageRights, place)
    t.match(found, { state: 'problem', text: /^Other users can write to /, fix: undefined })
    t.equal((await examine(place, { fix: true })).healthy, false)
    t.equal((await stat(place.storage)).mode & 0o777, mode)
  }
})

t.test('a storage that is no folder, or another user\'s, is found', async (t) => {
  const place = await soundPlace(t)
  const file = join(place.root, 'file')
  await writeFile(file, '')
  t.match(await only(storageRights, { ...place, settings: { ...place.settings, storage: file } }), { state: 'problem', text: /is no folder\.$/ })
  t.match(await only(storageRights, { ...place, settings: { ...place.settings, storage: join(file, 'below') } }), { state: 'problem', text: /^It cannot be looked at: / })
  t.match(await only(storageRights, { ...place, settings: { ...place.settings, storage: join(place.root, 'absent') } }), { state: 'ok', text: /the first start makes it/ })
  const own = process.getuid!()
  process.getuid = () => own + 1
  t.teardown(() => { process.getuid = () => own })
  t.match(await only(storageRights, place), { state: 'problem', text: new RegExp(`belongs to another user \\(${own}\\)`), advice: /--storage/ })
  process.getuid = () => own
})

t.test('a disk that is full, or nearly, is found', async (t) => {
  const asked: string[] = []
  const place = await soundPlace(t)
  const look = async (bytes: number, storage = place.storage): Promise<Finding> => await only(diskSpace, {
    ...place, settings: { ...place.settings, storage }, freeBytes: async (path) => { asked.push(path); return bytes }
  })
  t.match(await look(63 * 1024 * 1024), { state: 'problem', text: /^63 MiB are free/ })
  t.match(await look(GIBIBYTE - 1), { state: 'note' })
  t.match(await look(GIBIBYTE, join(place.storage, 'not', 'yet')), { state: 'ok' })
  t.strictSame(asked, [place.storage, place.storage, place.storage], 'the disk of the nearest folder that is there')
})

t.test('a clock that was set back is found', async (t) => {
  const place = await soundPlace(t)
  await writeFile(join(place.storage, 'operator.token'), 'x')
  t.match(await only(clock, place), { state: 'ok' })
  const tomorrow = new Date(Date.now() + 86_400_000)
  await utimes(join(place.storage, 'operator.token'), tomorrow, tomorrow)
  t.match(await only(clock, place), { state: 'problem', text: /The clock was set back: operator\.token in .* is of the future/ })
  t.match(await only(clock, { ...place, now: () => tomorrow.getTime() }), { state: 'ok' })
})

t.test('the lock of a sidecar that is gone is found and taken away, that of one that runs is left', async (t) => {
  const place = await soundPlace(t)
  t.match(await only(lock, place), { state: 'ok', text: 'No sidecar uses the storage.' })
  const held = await takeStorage(place.storage)
  t.match(await only(lock, place), { state: 'ok', text: `The storage is used by the sidecar of process ${process.pid}.` })
  await held.release()
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  for (const text of [JSON.stringify({ pid, started: '1', id: 'x' }), '{', '']) {
    await writeFile(join(place.storage, 'sidecar.lock'), text)
    const found = await only(lock, place)
    t.match(found, { state: 'problem', text: /sidecar\.lock is of a sidecar that is gone/ })
    await found.fix!()
    t.match(await only(lock, place), { state: 'ok' })
  }
})

t.test('keys that cannot be read, or whose halves do not belong together, are found', async (t) => {
  const place = await soundPlace(t)
  const file = join(place.storage, 'keys', 'keyring.json')
  t.match(await only(keys, place), { state: 'ok', text: /no keys yet/ })
  await openKeyring(file, Date.now())
  t.match(await only(keys, place), { state: 'ok', text: '1 key signs and verifies.' })
  const whole = JSON.parse(await readFile(file, 'utf8')) as { keys: { public_pem: string }[] }
  const other = join(place.storage, 'other.json')
  await openKeyring(other, Date.now())
  whole.keys[0]!.public_pem = (JSON.parse(await readFile(other, 'utf8')) as typeof whole).keys[0]!.public_pem
  await writeFile(file, JSON.stringify(whole))
  t.match(await only(keys, place), { state: 'problem', text: /halves of .* do not belong together/, advice: /backup/ })
  for (const text of ['{', '{"keys":[]}', 'null', '{"keys":[null]}', '{"keys":[{"kid":"x"}]}']) {
    await writeFile(file, text)
    t.equal((await only(keys, place)).state, 'problem', text)
  }
})

t.test('a port that is taken is found, and by whom', async (t) => {
  const place = await soundPlace(t)
  const at = (number: number, host = '127.0.0.1'): Place => ({ ...place, settings: { ...place.settings, port: number, host } })
  const other = createServer((socket) => { socket.destroy() }).listen(0, '127.0.0.1')
  t.teardown(() => { other.close() })
  await once(other, 'listening')
  const taken = await only(port, at((other.address() as AddressInfo).port))
  t.match(taken, { state: 'problem', text: process.platform === 'linux' ? new RegExp(`is taken by .+ \\(process ${process.pid}\\)\\.$`) : /is taken by/, advice: /--port/ })
  const { sidecar } = await startSidecar(t)
  t.match(await only(port, at(await portOf(sidecar.app))), { state: 'ok', text: /^A sidecar of version \d/ })
  const [cert, key] = [join(place.root, 'cert.pem'), join(place.root, 'key.pem')]
  const made = makeCertificate()
  await writeFile(cert, made.cert)
  await writeFile(key, made.key)
  const secure = await startSidecar(t, { settings: { 'tls-cert': cert, 'tls-key': key } })
  const there = at(await portOf(secure.sidecar.app))
  t.match(await only(port, { ...there, settings: { ...there.settings, tls: { http2: true, cert, key } } }), { state: 'ok', text: /^A sidecar of version \d/ }, 'also behind TLS')
  t.match(await only(port, at(0, '203.0.113.7')), { state: 'problem', text: /cannot listen at port 0 on 203\.0\.113\.7 \(EADDRNOTAVAIL\)/ })
})

t.test('a git that is missing, broken or old is found, and missed where there is a repository', async (t) => {
  const place = await soundPlace(t)
  const bin = join(place.root, 'bin')
  await mkdir(bin)
  const look = async (): Promise<Finding> => await only(git, { ...place, env: { PATH: bin } })
  t.match(await look(), { state: 'note', text: 'git is not on the PATH.' })
  await mkdir(join(place.root, '.git'))
  t.match(await look(), { state: 'problem', text: 'git is not on the PATH.' })
  for (const [script, expected] of [['exit 3', { state: 'problem', text: 'git cannot be started.' }], ['echo git version 2.17.1', { state: 'problem', text: /older than 2\.31/ }], ['echo git version 2.31.0', { state: 'ok' }], ['echo git version 3.0.1', { state: 'ok' }]] as const) {
    await writeFile(join(bin, 'git'), `#!/bin/sh\n${script}\n`)
    await chmod(join(bin, 'git'), 0o755)
    t.match(await look(), expected, script)
  }
})

t.test('profiles that cannot be read, plugins that fail and programs that are missing are found', async (t) => {
  const place = await soundPlace(t, {}, { 'spawn-spawner': 'codex' })
  await mkdir(join(place.root, '.cco', 'agents'), { recursive: true })
  await writeFile(join(place.root, '.cco', 'agents', 'own.json'), '{')
  t.match(await only(profiles, place), { state: 'problem', text: /own\.json is no readable JSON/ })
  t.match(await only(plugins, { ...place, tryPlugins: async () => { throw new Error('Plugin \'x\' failed to load.') } }), { state: 'problem', text: 'Plugin \'x\' failed to load.' })
  const found = await agentPrograms({
    ...place,
    programs: async () => [
      { name: 'codex', program: null, version: null, problem: '\'codex\' was not found on PATH.' },
      { name: 'gemini', program: null, version: null, problem: 'gone' },
      { name: 'claude-code', program: '/bin/claude', version: '2.1', problem: null }
    ]
  })
  t.match(found, [{ state: 'problem', text: /^codex: / }, { state: 'note' }, { state: 'ok', text: 'claude-code starts /bin/claude, 2.1.' }])
  t.match(await only(configuration, { ...place, configurationFault: 'Wrong configuration.' }), { state: 'problem', text: 'Wrong configuration.' })
  t.match(await only(configuration, { ...place, ignored: ['plugins'] }), { state: 'note', advice: /cco trust/ })
})

t.test('what is repaired is looked at again, and what could not be is still a problem', async (t) => {
  const place = await soundPlace(t)
  await chmod(place.storage, 0o755)
  await writeFile(join(place.storage, 'sidecar.lock'), '{')
  const before = await examine(place, { fix: false })
  t.equal(before.healthy, false)
  t.strictSame(before.findings.filter(({ fixable }) => fixable).map(({ check, state }) => [check, state]), [['storage', 'problem'], ['lock', 'problem']])
  const after = await examine(place, { fix: true })
  t.equal(after.healthy, true)
  t.strictSame(after.findings.filter(({ state }) => state === 'fixed').map(({ check, advice, fixable }) => [check, advice, fixable]), [['storage', null, false], ['lock', null, false]])
  t.strictSame((await examine(place, { fix: true })).findings.filter(({ state }) => state !== 'ok'), [])
})
