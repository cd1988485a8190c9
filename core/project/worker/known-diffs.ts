import { createHash } from 'node:crypto'
import { readBlob, readDiffs, shortened } from './git-diffs.js'
import type { Cleaner } from './git-facts.js'
import { hunkOf } from './git-hunk.js'
import type { GitSettings } from './git-settings.js'
import type { StatusEntry } from './git-status.js'
import { readGuarded } from './guarded-read.js'
import type { ListedFile } from './listed-files.js'

/** The diffs of a project against one head, with one configuration. */
export interface Diffs {
  /** As they are shown, by path; `null` for one that cannot be had. Of untracked files there are none. */
  of (entries: readonly StatusEntry[], config: GitSettings['noFilters'], files: ReadonlyMap<string, ListedFile> | undefined): Promise<Map<string, string | null>>
}

const MAX_DIFFS = 100
const MAX_BASES = 16
const MAX_BASE_BYTES = 256 * 1024

/** What a file is compared with. */
interface Base {
  hash: string
  content: Buffer
  /** The lines of its diff before the first hunk, and where the hash of the file's content stands in them. */
  head: string
  at: number
  length: number
}

const HEAD = /^(diff --git [^\n]*\nindex ([0-9a-f]{4,64})\.\.)[0-9a-f]{4,64}( 100(?:644|755)\n--- [^\n]*\n\+\+\+ [^\n]*\n)@@ /

/**
 * Keeps a diff as long as its file is as it was listed, and remembers what an edited file is compared with: of whoever edits a file once
 * more, the change is told without git. `isPlain`: diffs have the form that git gives them by default.
 */
export function createDiffs (root: string, clean: Cleaner, isPlain: boolean): Diffs {
  let known = new Map<string, { stamp: string, diff: string | null }>()
  const bases = new Map<string, Base>()

  const remember = async (path: string, [hash]: readonly [string, string], diff: string): Promise<void> => {
    const match = HEAD.exec(diff)
    if (match === null || !hash.startsWith(match[2]!)) return
    const content = await readBlob(root, hash)
    if (content.length > MAX_BASE_BYTES) return
    bases.delete(path)
    bases.set(path, { hash, content, head: match[1]! + match[3]!, at: match[1]!.length, length: match[2]!.length })
    if (bases.size > MAX_BASES) bases.delete(bases.keys().next().value!)
  }

  /** The diff of a file that has changed in one place; `undefined` where git has to be asked. */
  const compare = ({ path, blobs }: StatusEntry): string | undefined => {
    const base = bases.get(path)
    if (blobs === undefined || base?.hash !== blobs[0]) return undefined
    const raw = readGuarded(root, path, MAX_BASE_BYTES)
    if (typeof raw === 'string') return undefined
    const now = createHash(base.hash.length === 40 ? 'sha1' : 'sha256').update(`blob ${raw.bytes.length}\0`).update(raw.bytes).digest('hex')
    // Otherwise it has changed since its status was told, and may have changed its kind.
    const hunk = now === blobs[1] ? hunkOf(base.content, raw.bytes) : undefined
    return hunk === undefined ? undefined : `${base.head.slice(0, base.at)}${now.slice(0, base.length)}${base.head.slice(base.at)}${hunk.toString('utf8')}`
  }

  return {
    async of (entries, config, files) {
      const found = new Map<string, { stamp: string, diff: string | null }>()
      const missing: StatusEntry[] = []
      // As it is listed before it is read: what is written from then on is listed anew.
      const stamps = new Map(entries.slice(0, MAX_DIFFS).map((entry) => [entry, files?.get(entry.path)?.stamp ?? '']))
      const add = async (entry: StatusEntry, diff: string | undefined): Promise<void> => {
        found.set(entry.path, { stamp: stamps.get(entry)!, diff: diff === undefined ? null : shortened(await clean(diff, entry.path)) })
      }
      for (const [entry, stamp] of stamps) {
        const earlier = known.get(entry.path)
        const told = earlier?.stamp === stamp ? undefined : compare(entry)
        if (earlier?.stamp === stamp) found.set(entry.path, earlier)
        else if (told === undefined) missing.push(entry)
        else await add(entry, told)
      }
      const read = await readDiffs(root, missing, config)
      for (const entry of missing) {
        const diff = read.get(entry.path)
        await add(entry, diff)
        // For the next edit, which need not come: nobody waits for it, and without it git is asked again.
        if (isPlain && diff !== undefined && entry.blobs !== undefined) remember(entry.path, entry.blobs, diff).catch(() => {})
      }
      known = found
      return new Map([...found].map(([path, { diff }]) => [path, diff]))
    }
  }
}
