import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Auth } from '../../../core/contracts/index.js'
import { IDENTITY, partsOf, TTL_SECONDS } from '../../../core/testing/auth/tokens.js'
import { createTestClock } from '../../../core/testing/clock.js'
import { createFromPlugin, createPluginContext } from '../../../core/testing/index.js'
import jwt from '../../../plugins/auth/jwt/index.js'
import { diskError, interceptFileHandles } from '../../support/file-handle.js'
import { createLogSpy } from '../../support/log-spy.js'
import { temporaryFolder } from '../../support/temporary.js'
import { foreign, openAuth, own } from './opened-jwt.js'

const HOUR_MS = 3_600_000

t.test('keys are rotated one after the other, also when asked at once, and last as long as what they signed', async (t) => {
  const { auth, clock, keyring, reopen } = await openAuth(t)
  const old = await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
  await auth.verify(old.token)
  await Promise.all([auth.rotateKeys!(), auth.rotateKeys!()])
  const keys = await auth.listKeys!()
  t.equal(keys.length, 3)
  t.strictSame(keys.map(({ state }) => state), ['signs', 'verifies', 'verifies'])
  t.equal(keys[2]!.kid, own.kid)
  t.equal(Date.parse(keys[2]!.verifies_until!), clock() + 28_800_000)
  t.equal(statSync(keyring).mode & 0o777, 0o600)
  await auth.verify(old.token)
  t.strictSame(await (await reopen()).listKeys!(), keys)
  const restore = interceptFileHandles(t, 'datasync', async () => { throw diskError('ENOSPC') })
  await t.rejects(auth.rotateKeys!())
  restore()
  t.strictSame(await auth.listKeys!(), keys, 'a rotation that cannot be written did not happen')
  await auth.verify((await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })).token)
  clock.advance(8 * HOUR_MS + 1000)
  t.strictSame((await (await reopen()).listKeys!()).map(({ kid }) => kid), [keys[0]!.kid])
})

t.test('keys are made on the first start, for the owner alone, and stay', async (t) => {
  const storage = await temporaryFolder(t)
  const context = createPluginContext({ storage, clock: createTestClock(), log: createLogSpy() })
  const make = async (): Promise<Auth> => {
    const auth = await createFromPlugin<'auth'>(jwt, {}, context)
    await auth.open!()
    return auth
  }
  const auth = await make()
  const file = join(storage, 'keys', 'keyring.json')
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.equal(statSync(join(storage, 'keys')).mode & 0o777, 0o700)
  const { token, claims } = await auth.issue(IDENTITY, { ttlSeconds: 60 })
  await auth.revoke({ jti: claims.jti })
  t.equal(statSync(join(storage, 'keys', 'revocations.jsonl')).mode & 0o777, 0o600)
  const content = readFileSync(file, 'utf8')
  const context2 = createPluginContext({ storage, clock: createTestClock(), log: createLogSpy() })
  const again = await createFromPlugin<'auth'>(jwt, {}, context2)
  await again.open!()
  t.equal(readFileSync(file, 'utf8'), content)
  t.strictSame(await again.publicKeys(), await auth.publicKeys())
  t.notMatch(JSON.stringify(await auth.publicKeys()), /PRIVATE|"d"/)
  await t.rejects(again.verify(token), { code: 'AUTH_001' })
})

t.test('keys rotate: the first signs, all verify and are published; one that is taken out verifies no more', async (t) => {
  const opened = await openAuth(t, { keys: [own] })
  const old = await opened.auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
  writeFileSync(opened.keyring, JSON.stringify({ keys: [foreign, own] }))
  const both = await opened.reopen()
  await both.verify(old.token)
  const fresh = await both.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
  t.equal(partsOf(fresh.token)!.header.kid, foreign.kid)
  await both.verify(fresh.token)
  t.strictSame((await both.publicKeys()).keys.map(({ kid, use, alg, kty }) => ({ kid, use, alg, kty })), [foreign, own].map(({ kid }) => ({ kid, use: 'sig', alg: 'RS256', kty: 'RSA' })))
  writeFileSync(opened.keyring, JSON.stringify({ keys: [foreign] }))
  const rotated = await opened.reopen()
  await rotated.verify(fresh.token)
  await t.rejects(rotated.verify(old.token), { code: 'AUTH_001' })
})

t.test('keys that are damaged stop the start with a sentence that names the file, and are left as they are', async (t) => {
  const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256', publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } })
  const whole = JSON.stringify({ keys: [own] })
  const damaged = [
    '', '{', 'null', '[]', '{}', '{"keys":null}', '{"keys":[]}', '{"keys":[null]}', '{"keys":["x"]}', '{"keys":[{}]}',
    whole.slice(0, -40),
    whole.replace(own.kid, foreign.kid),
    JSON.stringify({ keys: [{ ...own, public_pem: 'x' }] }),
    JSON.stringify({ keys: [{ ...own, private_pem: own.private_pem.slice(0, 400) }] }),
    JSON.stringify({ keys: [{ ...own, private_pem: foreign.private_pem }] }),
    JSON.stringify({ keys: [own, { ...foreign, kid: 'x' }] }),
    JSON.stringify({ keys: [{ kid: own.kid, private_pem: elliptic.privateKey, public_pem: elliptic.publicKey }] })
  ]
  const opened = await openAuth(t)
  for (const content of damaged) {
    writeFileSync(opened.keyring, content)
    await t.rejects(opened.reopen(), { code: 'SIDECAR_ERR_STORAGE_INVALID', message: new RegExp(`${opened.keyring}.*backup`) }, content.slice(0, 40))
    const error = await opened.reopen().catch((reason: Error) => reason) as Error
    if (error.message.includes('PRIVATE')) t.fail('the message shows a key')
    if (readFileSync(opened.keyring, 'utf8') !== content) t.fail('the file was changed')
  }
})

t.test('keys that cannot be read stop the start, and no new ones are made', { skip: process.getuid?.() === 0 ? 'root reads everything' : false }, async (t) => {
  const opened = await openAuth(t)
  chmodSync(opened.keyring, 0)
  await t.rejects(opened.reopen())
  chmodSync(opened.keyring, 0o600)
})

t.test('keys whose place is taken by a folder stop the start, too', async (t) => {
  const storage = await temporaryFolder(t)
  mkdirSync(join(storage, 'keys', 'keyring.json'), { recursive: true })
  const auth = await createFromPlugin<'auth'>(jwt, {}, createPluginContext({ storage, clock: createTestClock() }))
  await t.rejects(auth.open!(), { code: 'EISDIR' })
})
