import { lstat, readdir } from 'node:fs/promises'
import { arch, platform, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { codeOf } from '../errors.js'
import { VERSION } from '../package-root.js'
import { mask } from '../plugin-host/mask.js'
import { createProjectWorker } from '../project/worker/client.js'
import { MASK, redactSecrets } from '../secret-text.js'
import type { Report } from './doctor.js'
import type { Place } from './finding.js'

const MAX_ENTRIES = 2000
/** Options of commands, as in `--password word`: neither a member nor an assignment. */
const OPTION = /(?<=(?:key|token|secret|password|passwd|pwd)[=: ]+)[^\s'"]{4,}/gi

/**
 * What somebody who is to help needs to know of an installation: the report, versions, settings, plugins, and the names and sizes of what is stored;
 * neither contents nor variables. Every text goes through the search for secrets.
 */
export async function supportBundle (place: Place, report: Report, plugins: readonly unknown[]): Promise<string> {
  const content = {
    made_at: new Date(place.now()).toISOString(),
    version: VERSION,
    node: process.version,
    system: { platform: platform(), arch: arch(), release: release(), memory_bytes: totalmem() },
    report,
    settings: mask(place.settings),
    plugins: mask(plugins),
    storage: await entriesOf(place.settings.storage)
  }
  const texts = textsIn(content)
  const worker = createProjectWorker()
  try {
    const found = await worker.redact(texts)
    const clean = new Map(texts.map((text, index) => [text, redactSecrets(found[index]!.text).replace(OPTION, MASK)]))
    return `${JSON.stringify(content, (_name, value: unknown) => (typeof value === 'string' ? clean.get(value) ?? value : value), 2)}\n`
  } finally {
    await worker.close()
  }
}

interface Entry { path: string, bytes: number, mode: string, changed_at: string }

async function entriesOf (storage: string): Promise<{ entries: Entry[], more: number }> {
  const names = await readdir(storage, { recursive: true }).catch((error: unknown) => (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES' ? [] : Promise.reject(error)))
  const entries: Entry[] = []
  for (const path of names.filter((name) => !/^(?:worktrees|cache)\//.test(name)).sort().slice(0, MAX_ENTRIES)) {
    const facts = await lstat(join(storage, path)).catch(() => undefined)
    if (facts !== undefined) entries.push({ path, bytes: facts.size, mode: (facts.mode & 0o7777).toString(8), changed_at: facts.mtime.toISOString() })
  }
  return { entries, more: Math.max(0, names.length - entries.length) }
}

function textsIn (value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}
