import { setImmediate as rest } from 'node:timers/promises'
import { discover, readHead } from './git-directory.js'
import { Listing } from './listing.js'
import type { ListedFile } from './listed-files.js'
import type { WatchedPlace } from './repository.js'
import { packFiles, packStrings, type PackedFiles, type PackedStrings } from './transfer.js'

export interface ListRequest {
  /** Version that the caller has. */
  since: number | undefined
  /** What a watch told since then; `undefined` to look at everything. */
  dirty: { folders: (readonly [folder: string, names: readonly string[] | null])[], git: boolean } | undefined
  /** Whether a watch told of every change. */
  isTrusted: boolean
}

/** What changed since the caller's version; everything where that is not known any more. */
export interface ListReply {
  version: number
  isWhole: boolean
  /** Changes whenever a file of the listing, the branch or its head does. */
  fingerprint: string
  hasGit: boolean
  /** Files left out because of what their names say they hold. */
  secret: string[]
  /** How many names are no UTF-8 and were left out. */
  unreadable: number
  /** Files that came or changed, by path. */
  files: PackedFiles
  removed: PackedStrings
  /** What to watch. A folder that was replaced by another of the same name is in both lists. */
  folders: { added: PackedStrings, removed: PackedStrings }
  places: WatchedPlace[]
  /** Whether a watch of these tells of every change. */
  isWatchable: boolean
  /** Whether files have names elsewhere, through which they can change. */
  hasLinked: boolean
}

interface Logged {
  version: number
  files: ReadonlySet<string>
  added: ReadonlySet<string>
  removed: ReadonlySet<string>
}

interface Served {
  listing: Listing
  version: number
  fingerprint: string
  /** The latest changes, oldest first. */
  log: Logged[]
  idle: Promise<unknown>
}

const MAX_LOGGED = 32
const NONE: ReadonlySet<string> = new Set()
const served = new Map<string, Served>()
// Across all listings, so that one that is made anew is not taken for the one before.
let lastVersion = 0

/** The files of a project as they were when it was last listed; `undefined` before that. */
export function listedFiles (root: string): ReadonlyMap<string, ListedFile> | undefined {
  return served.get(root)?.listing.files
}

/** What the last listing of a project knows of it, for those who keep what they made of an earlier one. */
export interface Standing {
  version: number
  files: ReadonlyMap<string, ListedFile>
  /** Changes whenever the head, the index or the configuration of the repository does. */
  repository: string
  /** Changes whenever something does that is no listed file. */
  marks: string
  /** Paths of files that came, changed or went since a version; `undefined` where that is not known any more. */
  changedSince (version: number): ReadonlySet<string> | undefined
}

/** `undefined` for a project that was not listed yet, or of which only git itself knows the state. */
export function standingOf (root: string): Standing | undefined {
  const entry = served.get(root)
  const repository = entry?.version === 0 ? undefined : entry?.listing.repositoryFingerprint
  if (entry === undefined || repository === undefined) return undefined
  const { version, listing: { files, marks }, log } = entry
  return {
    version,
    files,
    repository,
    marks,
    changedSince (earlier) {
      if (earlier === version) return new Set()
      const at = log.findIndex((logged) => logged.version === earlier)
      return at < 0 ? undefined : new Set(log.slice(at + 1).flatMap((logged) => [...logged.files]))
    }
  }
}

/** Hash of the last commit as of the last listing; empty without one. */
export function headOf (root: string): string {
  const listed = served.get(root)?.listing.head
  if (listed !== undefined) return listed
  const found = discover(root)
  return typeof found === 'object' ? readHead(found).commit ?? '' : ''
}

/** Lists a project, one call after the other. */
export async function list (root: string, request: ListRequest): Promise<ListReply> {
  const entry = served.get(root) ?? { listing: new Listing(root), version: 0, fingerprint: '', log: [], idle: Promise.resolve() }
  served.set(root, entry)
  const turn = entry.idle.then(async () => await update(entry, request))
  entry.idle = turn.catch(() => {
    // What was interrupted half-way is begun anew.
    if (served.get(root) === entry) served.delete(root)
  })
  return await turn
}

async function update (entry: Served, { since, dirty, isTrusted }: ListRequest): Promise<ListReply> {
  const { listing, log } = entry
  const dirtied = dirty === undefined ? undefined : { git: dirty.git, folders: new Map(dirty.folders.map(([folder, names]) => [folder, names === null ? null : new Set(names)])) }
  const change = await listing.update(dirtied, isTrusted)
  const { fingerprint } = listing
  if (fingerprint !== entry.fingerprint || change.added.size > 0 || change.removed.size > 0) {
    entry.version = ++lastVersion
    entry.fingerprint = fingerprint
    log.push({ version: entry.version, ...change })
    if (log.length > MAX_LOGGED) log.shift()
    // Of the oldest nobody asks what led to it, and the first is about all files.
    log[0] = { version: log[0]!.version, files: NONE, added: NONE, removed: NONE }
  }
  const missed = since === entry.version ? [] : log.slice(log.findIndex(({ version }) => version === since) + 1)
  const isWhole = since !== entry.version && !log.some(({ version }) => version === since)
  return { ...(isWhole ? await whole(listing) : await difference(listing, missed)), isWhole, version: entry.version, fingerprint, ...told(listing) }
}

function told ({ hasGit, secrets, unreadable, places, isWatchable, hasLinked }: Listing): Pick<ListReply, 'hasGit' | 'secret' | 'unreadable' | 'places' | 'isWatchable' | 'hasLinked'> {
  return { hasGit, secret: secrets, unreadable, places, isWatchable, hasLinked }
}

async function whole ({ files, folders }: Listing): Promise<Pick<ListReply, 'files' | 'removed' | 'folders'>> {
  // What it was made of has just taken effect at one stroke.
  await rest()
  const sorted = byPath([...files.values()])
  await rest()
  return { files: await packFiles(sorted), removed: packStrings([]), folders: { added: packStrings([...folders]), removed: packStrings([]) } }
}

async function difference (listing: Listing, missed: readonly Logged[]): Promise<Pick<ListReply, 'files' | 'removed' | 'folders'>> {
  const changed: ListedFile[] = []
  const gone: string[] = []
  for (const path of new Set(missed.flatMap(({ files }) => [...files]))) {
    const file = listing.files.get(path)
    if (file === undefined) gone.push(path)
    else changed.push(file)
  }
  // A folder that went and came again has to be watched again.
  const removed = new Set(missed.flatMap(({ removed }) => [...removed]))
  const added = new Set(missed.flatMap(({ added }) => [...added]).filter((folder) => listing.hasFolder(folder)))
  return { files: await packFiles(byPath(changed)), removed: packStrings(gone), folders: { added: packStrings([...added]), removed: packStrings([...removed]) } }
}

function byPath (files: ListedFile[]): ListedFile[] {
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Memory of a reply that is handed over instead of copied. */
export function buffersOf ({ files, removed, folders }: ListReply): ArrayBuffer[] {
  return [files.paths, removed, folders.added, folders.removed].flatMap(({ bytes, groups }) => [bytes.buffer, groups.buffer]).concat(files.numbers.buffer) as ArrayBuffer[]
}
