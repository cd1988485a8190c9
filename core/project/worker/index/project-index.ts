import { codeOf, messageOf } from '../../../errors.js'
import type { ListedFile } from '../listing.js'
import type { Standing } from '../listings.js'
import { preparerOf } from '../prepare.js'
import { createCorpus } from './corpus.js'
import { readHistory, type PastCommit } from './history.js'
import { keep, readKept } from './keep.js'
import { createRankMemory, rankFiles, rankMade, type Ranking, type RankMemory, type Signals } from './relevance.js'
import type { QueryTerm } from './terms.js'

/** What the ranking knows of one project. */
export interface ProjectIndex {
  /** The same ranking as long as nothing changes. */
  rank (query: readonly QueryTerm[]): Promise<Ranking>
  /** The same for a text that is no file of the project; `weights` are those of the terms. */
  rankText (path: string, content: string, query: readonly QueryTerm[], weights: readonly number[]): { score: number, signals: Signals }
  /** Brings the index to the disk; resolves to how many files are still unknown when the time was over. */
  refresh (listing: IndexedListing, maxFileBytes: number, timeMs: number): Promise<number>
  /** Writes what is not kept yet. */
  flush (): Promise<void>
}

export interface IndexedListing {
  files: ReadonlyMap<string, ListedFile>
  /** Hash of the last commit; empty without one. */
  head: string
  /** What tells which files have changed; `undefined` where nothing does. */
  standing: Pick<Standing, 'version' | 'changedSince'> | undefined
}

// Each holds some numbers for every file of the project.
const REMEMBERED = 6
// Not at once: whoever edits one file edits the next, and all of it is written each time.
const KEEP_AFTER_MS = 5000
// What a few edits change is read again in no time.
const WORTH_KEEPING = 50

/** What is known of one task: it is asked for by many agents, and again after each edit. */
interface Task {
  memory: RankMemory
  ranked: { version: number, commits: readonly PastCommit[], ranking: Ranking } | undefined
  /** One ranking after the other. */
  idle: Promise<unknown>
}

/** `file` is where the index is kept between starts; `undefined` keeps nothing. */
export function createProjectIndex (root: string, file: string | undefined): ProjectIndex {
  const corpus = createCorpus()
  let keptVersion = 0
  let history: { head: string, commits: Promise<PastCommit[]> } = { head: '', commits: Promise.resolve([]) }
  let syncing: Promise<unknown> = file === undefined
    ? Promise.resolve()
    : restore(file).catch(warn)
  /** Version of the listing that the corpus is whole to. */
  let synced: number | undefined
  const tasks = new Map<string, Task>()
  let timer: NodeJS.Timeout | undefined

  async function restore (from: string): Promise<void> {
    for await (const kept of readKept(from, root)) corpus.restore(kept)
    keptVersion = corpus.version
  }

  const flush = async (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    if (file === undefined || corpus.version - keptVersion < WORTH_KEEPING) return
    const { version } = corpus
    await keep(file, root, corpus)
    keptVersion = version
  }

  // By its terms: a strategy's search and the answer itself put the same task in other words.
  const taskOf = (query: readonly QueryTerm[]): Task => {
    const key = query.map(({ hash, weight }) => `${hash}:${weight}`).join(' ')
    const task = tasks.get(key) ?? { memory: createRankMemory(), ranked: undefined, idle: Promise.resolve() }
    tasks.delete(key)
    tasks.set(key, task)
    if (tasks.size > REMEMBERED) tasks.delete(tasks.keys().next().value!)
    return task
  }

  return {
    async rank (query) {
      const commits = await history.commits
      const task = taskOf(query)
      const turn = task.idle.then(async () => {
        const { version } = corpus
        if (task.ranked?.version !== version || task.ranked.commits !== commits) task.ranked = { version, commits, ranking: await rankFiles(corpus, commits, query, task.memory) }
        return task.ranked.ranking
      })
      task.idle = turn.catch(() => {})
      return await turn
    },
    rankText: (path, content, query, weights) => rankMade(corpus, path, content, query, weights),
    async refresh ({ files, head, standing }, maxFileBytes, timeMs) {
      // From the call on: of several who ask at once, each waits no longer than for itself.
      const deadline = performance.now() + timeMs
      if (history.head !== head) history = { head, commits: readHistory(root) }
      const turn = syncing.then(async () => {
        const changes = synced === undefined ? undefined : standing?.changedSince(synced)
        synced = undefined
        const left = await corpus.sync(files, preparerOf(root, maxFileBytes), deadline, changes)
        if (left === 0) synced = standing?.version
        if (file !== undefined && corpus.version - keptVersion >= WORTH_KEEPING) {
          timer ??= setTimeout(() => { flush().catch(warn) }, KEEP_AFTER_MS).unref()
        }
        return left
      })
      syncing = turn.catch(() => {})
      return await turn
    },
    flush
  }
}

/** A cache that cannot be written costs time at the next start, and nothing else. */
function warn (error: unknown): void {
  process.emitWarning(`The index of a project could not be kept or read: ${codeOf(error) ?? messageOf(error)}.`)
}
