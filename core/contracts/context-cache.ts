import type { Lifecycle } from './common.js'

/** What a cached answer is filed under. `variant` stands for everything else that shaped it. */
export interface CacheKey {
  project: string
  issue: string
  agentType: string
  variant: string
}

export interface CacheEntry {
  /** The rendered answer. */
  body: Buffer
  /** What the answer was made from; the caller compares it before use. */
  validator: string
  /** Small facts about the answer, kept beside it. */
  meta: Record<string, string>
}

export interface CacheStats {
  entries: number
  bytes: number
  max_bytes: number
}

/** A bounded store of rendered answers. It may forget anything at any time; it must never mix keys. */
export interface ContextCache extends Lifecycle {
  get (key: CacheKey): Promise<CacheEntry | undefined>
  /** An entry larger than the whole cache is not kept, and that is no error. */
  set (key: CacheKey, entry: CacheEntry): Promise<void>
  /** Removes what is cached for a project, or an issue of it, or an agent type of that issue. */
  delete (scope: { project: string, issue?: string, agentType?: string }): Promise<{ removed: number, bytes: number }>
  stats (): Promise<CacheStats>
}
