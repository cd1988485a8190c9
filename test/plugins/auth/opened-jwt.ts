import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Auth } from '../../../core/contracts/index.js'
import { createTestClock, type TestClock } from '../../../core/testing/clock.js'
import { createFromPlugin, createPluginContext } from '../../../core/testing/index.js'
import jwt from '../../../plugins/auth/jwt/index.js'
import { openKeyring, type SigningKey } from '../../../plugins/auth/shared/keyring.js'
import { createLogSpy, type LogSpy } from '../../support/log-spy.js'
import { temporaryFolder } from '../../support/temporary.js'

/** Two key rings, made once: making a key takes longer than all else here. */
const rings = await temporaryFolder(t, 'cco-rings')
export const [own, foreign] = await Promise.all(['own', 'foreign'].map(async (name) => (await openKeyring(join(rings, name, 'keyring.json'), 0))[0]!)) as [SigningKey, SigningKey]

export interface Opened { auth: Auth, clock: TestClock, storage: string, keyring: string, revocations: string, log: LogSpy, reopen (): Promise<Auth> }

/** The plugin `jwt`, open over a storage of its own with these signing keys, on a clock that stands still. */
export async function openAuth (t: Test, { chainSeconds = 28_800, keys = [own] }: { chainSeconds?: number, keys?: unknown[] } = {}): Promise<Opened> {
  const storage = await temporaryFolder(t)
  const keyring = join(storage, 'keys', 'keyring.json')
  mkdirSync(join(storage, 'keys'), { mode: 0o700 })
  writeFileSync(keyring, JSON.stringify({ keys }), { mode: 0o600 })
  const clock = createTestClock()
  const log = createLogSpy()
  const reopen = async (): Promise<Auth> => {
    const auth = await createFromPlugin<'auth'>(jwt, { chainSeconds }, createPluginContext({ storage, clock, log }))
    await auth.open!()
    return auth
  }
  return { auth: await reopen(), clock, storage, keyring, revocations: join(storage, 'keys', 'revocations.jsonl'), log, reopen }
}
