import { copyFile, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import { openKeyring } from '../../plugins/auth/shared/keyring.js'

/** Beside what was compiled, for all test processes of a day. */
const FOLDER = join(PACKAGE_ROOT, 'dist', 'test')
const KEPT = join(FOLDER, '.keyring.json')
const KEPT_MS = 86_400_000

let kept: Promise<void> | undefined

/** Gives a storage that has no signing keys those of all tests: they take longer to make than all else of a start. */
export async function provideKeys (storage: string): Promise<void> {
  const file = join(storage, 'keys', 'keyring.json')
  if (await isThere(file)) return
  await (kept ??= keep())
  await mkdir(join(storage, 'keys'), { recursive: true, mode: 0o700 })
  await copyFile(KEPT, file)
}

async function keep (): Promise<void> {
  if (await isThere(KEPT, KEPT_MS)) return
  const folder = await mkdtemp(join(FOLDER, '.keys-'))
  await openKeyring(join(folder, 'keyring.json'), Date.now())
  // Whole at once: another process may do the same at this moment, and takes one or the other.
  await rename(join(folder, 'keyring.json'), KEPT)
  await rm(folder, { recursive: true })
}

async function isThere (path: string, ageMs = Infinity): Promise<boolean> {
  return await stat(path).then(({ mtimeMs }) => Date.now() - mtimeMs < ageMs, () => false)
}
