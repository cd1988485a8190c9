import { randomUUID } from 'node:crypto'
import { link, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Whether a folder takes a file and a second name for it; rejects with the fault of the system. Nothing is synced. */
export async function probeFolder (folder: string): Promise<void> {
  const path = join(folder, `.probe.${randomUUID()}.tmp`)
  const second = join(folder, `.probe.${randomUUID()}.tmp`)
  try {
    await writeFile(path, 'x', { flag: 'wx', mode: 0o600 })
    await link(path, second)
  } finally {
    await Promise.all([rm(path, { force: true }), rm(second, { force: true })])
  }
}
