import type { ListedFile } from '../listing.js'
import { preparerOf } from '../prepare.js'
import { createCorpus } from './corpus.js'
import { readHistory, type PastCommit } from './history.js'
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
}

const REMEMBERED = 16

export function createProjectIndex (root: string): ProjectIndex {
  const corpus = createCorpus()
  let history: { head: string, commits: Promise<PastCommit[]> } = { head: '', commits: Promise.resolve([]) }
  let syncing: Promise<unknown> = Promise.resolve()
  const ranked = new Map<string, Relevance[]>()

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
      const turn = syncing.then(async () => await corpus.sync(listing, preparerOf(root, maxFileBytes), performance.now() + timeMs))
      syncing = turn.catch(() => {})
      return await turn
    }
  }
}
