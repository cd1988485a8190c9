import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { isAbsolute, join, resolve as resolvePath } from 'node:path'
import { codeOf, messageOf, startError } from '../core/errors.js'
import { checkManifest, checkOptions } from '../core/plugin-host/manifest.js'
import { resolveExternal, type ResolvedPlugin } from '../core/plugin-host/resolve.js'
import { collectTests, createFromPlugin, createPluginContext, type TestOutcome } from '../core/testing/index.js'
import { registerSuite, type SuiteSubject } from './plugin-suite.js'

const ORIGIN = 'the command line'

export interface Verification {
  kind: string
  name: string
  /** Why no suite was run; absent where one was. */
  note?: string
  tests: { name: string, ok: boolean, error?: string, duration_ms: number }[]
}

export interface VerifyOptions {
  /** A path or a package. */
  use: string
  cwd: string
  options: Record<string, unknown>
  /** Told before the first test. */
  onLoaded (plugin: { kind: string, name: string }): void
  onOutcome (outcome: TestOutcome): void
}

/** Loads a plugin as the server would, makes an instance, and runs the suite of its kind. */
export async function verifyPlugin ({ use, cwd, options, onLoaded, onOutcome }: VerifyOptions): Promise<Verification> {
  const resolved = await resolve(use, cwd)
  const manifest = checkManifest(resolved)
  const subject: SuiteSubject = { plugin: resolved.plugin, manifest, options: checkOptions(manifest, options, ORIGIN) }
  const directory = await mkdtemp(join(tmpdir(), 'cco-verify-'))
  try {
    await createOnce(subject, directory)
    onLoaded({ kind: manifest.kind, name: manifest.name })
    const collection = collectTests()
    const note = registerSuite(subject, collection.test, directory)
    const outcomes = await collection.run({ onOutcome })
    return {
      kind: manifest.kind,
      name: manifest.name,
      ...(note === undefined ? {} : { note }),
      tests: outcomes.map(({ name, ok, error, duration_ms: took }) => ({ name, ok, ...(ok ? {} : { error: messageOf(error) }), duration_ms: took }))
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function resolve (use: string, cwd: string): Promise<ResolvedPlugin> {
  // On a command line `my-store.js` is a file that lies here; in a configuration it would be a package.
  const isHere = !use.startsWith('.') && !isAbsolute(use) && existsSync(join(cwd, use))
  try {
    return await resolveExternal({ use: isHere ? `./${use}` : use, base: cwd, origin: ORIGIN }, [])
  } catch (error) {
    // The sentence of the host speaks of a configuration.
    if (codeOf(error) !== 'SIDECAR_ERR_PLUGIN_NOT_FOUND' || isHere) throw error
    throw startError('SIDECAR_ERR_PLUGIN_NOT_FOUND', `There is nothing to verify: there is no file ${resolvePath(cwd, use)}, and no package '${use}' is installed there.`, { cause: error })
  }
}

/** A fault of `create` is one sentence, instead of the same failure in every test. */
async function createOnce ({ plugin, options }: SuiteSubject, storage: string): Promise<void> {
  const instance = await createFromPlugin(plugin, options, createPluginContext({ storage, clock: Date.now }))
  // It was never opened, so closing may fail; that is for the suite to find.
  await instance.close?.().catch(() => {})
}
