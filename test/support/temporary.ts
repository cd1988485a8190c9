import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MEMORY = '/dev/shm'

interface Teardown { teardown (handler: () => Promise<void>): unknown }

/** A folder that is removed when the test ends. */
export async function temporaryFolder (t: Teardown, name = 'cco', parent = tmpdir()): Promise<string> {
  const folder = await mkdtemp(join(parent, `${name}-`))
  t.teardown(async () => await rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

/** The same in memory where the system has such a place: for tests that sync thousands of files. */
export async function quickFolder (t: Teardown, name = 'cco'): Promise<string> {
  return await temporaryFolder(t, name, existsSync(MEMORY) && !tmpdir().startsWith(MEMORY) ? MEMORY : tmpdir())
}
