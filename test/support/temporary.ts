import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Teardown { teardown (handler: () => Promise<void>): unknown }

/** A folder that is removed when the test ends. */
export async function temporaryFolder (t: Teardown, name = 'cco'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `${name}-`))
  t.teardown(async () => await rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}
