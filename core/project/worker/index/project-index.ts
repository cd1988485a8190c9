import type { ListedFile } from '../listing.js'
import { preparerOf } from '../prepare.js'
import { createCorpus } from './corpus.js'
import { readHistory, type PastCommit } from './history.js'
import { keep, readKept } from './keep.js'
import { rankFiles, rankMade, termWeights, type Relevance } from './relevance.js'
import type { QueryTerm } from './terms.js'

/** What the ranking knows of one project. */
export interface ProjectIndex {
  rank (title: string, description: string): Promise<Relevance[]>
  /** The same for a text that is no file of the project. */
  rankText (path: string, content: string, title: string, description: string): Relevance
  termWeights (query: readonly QueryTerm[]): number[]
  /** Brings the index to the disk; resolves to how many files are still unknown when the time was over. */
  refresh (listing: ReadonlyMap<string, ListedFile>, head: string, maxFileBytes: number, timeMs: number): Promise<number>
  /** Writes what is not kept yet. */
  flush (): Promise<void>
}

const REMEMBERED = 16
// Not at once: whoever edits one file edits the next, and all of it is written each time.
const KEEP_AFTER_MS = 5000
// What a few edits change is read again in no time.
const WORTH_KEEPING = 50

/** `file` is where the index is kept between starts; `undefined` keeps nothing. */
export function createProjectIndex (root: string, file: string | undefined): ProjectIndex {
  const corpus = createCorpus()
  let history: { head: string, commits: Promise<PastCommit[]> } = { head: '', commits: Promise.resolve([]) }
  let syncing: Promise<unknown> = file === undefined ? Promise.resolve() : readKept(file, root).then((kept) => { corpus.restore(kept) })
  const ranked = new Map<string, Relevance[]>()
  let keptVersion = 0
  let timer: NodeJS.Timeout | undefined

  const flush = async (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    if (file === undefined || corpus.version - keptVersion < WORTH_KEEPING) return
    keptVersion = corpus.version
    await keep(file, root, [...corpus.files].map(([path, { stamp, record }]) => ({ path, stamp, record })))
  }

  return {
    async rank (title, description) {
      const commits = await history.commits
      const key = JSON.stringify([corpus.version, history.head, title, description])
      const known = ranked.get(key)
      if (known !== undefined) return known
      const found = rankFiles(corpus, commits, title, description)
      if (ranked.size >= REMEMBERED) ranked.delete(ranked.keys().next().value!)
      ranked.set(key, found)
      return found
    },
    rankText: (path, content, title, description) => rankMade(corpus, path, content, title, description),
    termWeights: (query) => termWeights(corpus, query),
    async refresh (listing, head, maxFileBytes, timeMs) {
      if (history.head !== head) history = { head, commits: readHistory(root) }
      const turn = syncing.then(async () => {
        const left = await corpus.sync(listing, preparerOf(root, maxFileBytes), performance.now() + timeMs)
        if (file !== undefined && corpus.version !== keptVersion) {
          // A cache that cannot be written costs time at the next start, and nothing else.
          timer ??= setTimeout(() => { flush().catch(() => {}) }, KEEP_AFTER_MS).unref()
        }
        return left
      })
      syncing = turn.catch(() => {})
      return await turn
    },
    flush
  }
}
