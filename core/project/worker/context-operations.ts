import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { createProjectIndex, type IndexedListing, type ProjectIndex } from './index/project-index.js'
import { queryOf } from './index/terms.js'
import { prepareText, symbolsOf } from './prepare.js'
import type { FileSymbols } from './symbols/symbols.js'
import { select, type SelectRequest, type Selection } from './select.js'
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
  /** `undefined` for a file that is not listed or holds no text. */
  symbols (root: string, path: string, maxFileBytes: number): Promise<Symbols | undefined>
}

/** How long a call waits for files that the index does not know yet; it goes on with those it knows. Less than a strategy has for its answer. */
const INDEX_MS = 6000

/** `cache` is the folder for what is kept between starts; `undefined` keeps nothing. */
export function createContextOperations (listingOf: (root: string) => Promise<IndexedListing>, cache: string | undefined): ContextOperations & { flush (): Promise<void> } {
  const indexes = new Map<string, ProjectIndex>()
  const fileOf = (root: string): string | undefined => (cache === undefined ? undefined : join(cache, 'index', `${createHash('sha256').update(root).digest('hex').slice(0, 32)}.bin`))

  const indexed = async (root: string, maxFileBytes: number): Promise<{ files: IndexedListing['files'], index: ProjectIndex, unindexed: number }> => {
    const index = indexes.get(root) ?? createProjectIndex(root, fileOf(root))
    indexes.set(root, index)
    const listing = await listingOf(root)
    return { files: listing.files, index, unindexed: await index.refresh(listing, maxFileBytes, INDEX_MS) }
  }

  return {
    async search (root, title, description, limit, maxFileBytes) {
      const { index, unindexed } = await indexed(root, maxFileBytes)
      const found = (await index.rank(queryOf(title, description))).slice(0, limit)
      return { paths: packStrings(found.map(({ path }) => path)), scores: Float64Array.from(found, ({ score }) => score), complete: unindexed === 0 }
    },
    async select (root, request) {
      const { files, index, unindexed } = await indexed(root, request.maxFileBytes)
      return await select(root, request, files, index, unindexed)
    },
    async symbols (root, path, maxFileBytes) {
      const { files } = await listingOf(root)
      const text = files.has(path) ? await prepareText(root, path, maxFileBytes) : undefined
      if (text === undefined || 'refused' in text) return undefined
      const { definitions, references, imports, by } = await symbolsOf(text)
      return { definitions, references, imports, by }
    },
    async flush () {
      for (const index of indexes.values()) await index.flush()
    }
  }
}
