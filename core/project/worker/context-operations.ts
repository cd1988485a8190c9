import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { createProjectIndex, type IndexedListing, type ProjectIndex } from './index/project-index.js'
import { queryOf } from './index/terms.js'
import type { Standing } from './listings.js'
import { prepareText, symbolsOf } from './prepare.js'
import type { FileSymbols } from './symbols/symbols.js'
import { select, takeShape, type SelectRequest, type Selection } from './select.js'
import { packStrings, type PackedStrings } from './transfer.js'

/** What a search has found, best first, in memory that is handed over. */
export interface Found {
  paths: PackedStrings
  /** 0…1, 1 for the best. */
  scores: Float64Array
  /** Whether all files were known. */
  complete: boolean
}

/** What a file defines, uses and imports. */
export type Symbols = Pick<FileSymbols, 'definitions' | 'references' | 'imports' | 'by'>

export interface ContextOperations {
  /** Files by their relevance to a text, best first. */
  search (root: string, title: string, description: string, limit: number, maxFileBytes: number): Promise<Found>
  /** Scores candidates and fits the best of them into a budget. */
  select (root: string, request: SelectRequest): Promise<Selection>
  /** Reads what ranking needs of the files that it does not know yet, for a moment; resolves to how many are left. */
  index (root: string, maxFileBytes: number): Promise<number>
  /** `undefined` for a file that is not listed or holds no text. */
  symbols (root: string, path: string, maxFileBytes: number): Promise<Symbols | undefined>
}

/** What is done while nobody waits for it. */
export interface Background {
  /** Reads what was edited of a project that was asked about before: whoever had it listed asks about it next, and has other things to do until then. */
  follow (root: string, standing: Pick<Standing, 'changedSince'>): Promise<void>
  /** Writes what is not kept yet. */
  flush (): Promise<void>
}

/** A project that was asked about. */
interface Asked {
  index: ProjectIndex
  maxFileBytes: number
  /** Version of the listing that the index was last brought to; `undefined` while it does not know all files. */
  version: number | undefined
}

/** More at once are no edits but another branch, say. */
const MOST_EDITS = 16

/** How long a call waits for files that the index does not know yet; it goes on with those it knows. Less than a strategy has for its answer. */
const INDEX_MS = 6000
/** How long it is at it where nobody waits: whoever comes meanwhile is next. */
const STEP_MS = 1000

/** `cache` is the folder for what is kept between starts; `undefined` keeps nothing. */
export function createContextOperations (listingOf: (root: string) => Promise<IndexedListing>, cache: string | undefined): ContextOperations & Background {
  const projects = new Map<string, Asked>()
  const fileOf = (root: string): string | undefined => (cache === undefined ? undefined : join(cache, 'index', `${createHash('sha256').update(root).digest('hex').slice(0, 32)}.bin`))

  const indexed = async (root: string, maxFileBytes: number, timeMs = INDEX_MS): Promise<{ files: IndexedListing['files'], index: ProjectIndex, unindexed: number }> => {
    const project = projects.get(root) ?? { index: createProjectIndex(root, fileOf(root)), maxFileBytes, version: undefined }
    projects.set(root, project)
    const { index } = project
    const listing = await listingOf(root)
    const unindexed = await index.refresh(listing, maxFileBytes, timeMs)
    project.maxFileBytes = maxFileBytes
    project.version = unindexed === 0 ? listing.standing?.version : undefined
    return { files: listing.files, index, unindexed }
  }

  return {
    async search (root, title, description, limit, maxFileBytes) {
      const { index, unindexed } = await indexed(root, maxFileBytes)
      const found = (await index.rank(queryOf(title, description))).best(limit)
      return { paths: packStrings(found.map(({ path }) => path)), scores: Float64Array.from(found, ({ score }) => score), complete: unindexed === 0 }
    },
    async select (root, request) {
      const { files, index, unindexed } = await indexed(root, request.maxFileBytes)
      return await select(root, request, files, index, unindexed)
    },
    index: async (root, maxFileBytes) => (await indexed(root, maxFileBytes, STEP_MS)).unindexed,
    async symbols (root, path, maxFileBytes) {
      const { files } = await listingOf(root)
      const text = files.has(path) ? await prepareText(root, path, maxFileBytes) : undefined
      if (text === undefined || 'refused' in text) return undefined
      const { definitions, references, imports, by } = await symbolsOf(text)
      return { definitions, references, imports, by }
    },
    async follow (root, standing) {
      const project = projects.get(root)
      if (project?.version === undefined) return
      const edited = standing.changedSince(project.version)
      if (edited === undefined || edited.size === 0 || edited.size > MOST_EDITS) return
      const { files } = await indexed(root, project.maxFileBytes)
      for (const path of edited) await takeShape(root, files.get(path), project.maxFileBytes)
    },
    async flush () {
      for (const { index } of projects.values()) await index.flush()
    }
  }
}
