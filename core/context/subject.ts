import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { IssueRecord, ResultStore } from '../contracts/index.js'

/** What an issue says, and how far the work on it has come. */
export interface Subject {
  issue: IssueRecord | undefined
  /** Another text whenever the issue or its newest result is another; the same for the same content in every process. */
  version: string
  /** What the store called this state of the issue; `undefined` where it cannot say. */
  stored: string | undefined
  /** That it takes in memory, roughly. */
  bytes: number
}

export interface Subjects {
  /** As the store has it at a moment not before the call. `last` is what an earlier call for the same issue gave. */
  of (project: string, issueId: string, last?: Subject): Promise<Subject>
}

const KEPT_BYTES = 16 * 1024 * 1024

/** Reads issues again only when the store says that something has changed, or cannot say. */
export function createSubjects (store: ResultStore): Subjects {
  const known = new LRUCache<string, Subject>({ maxSize: KEPT_BYTES, sizeCalculation: ({ bytes }) => bytes })
  return {
    async of (project, issueId, last) {
      // Asked before the rest is read: what changes meanwhile has another version, so that nothing old is ever kept under it.
      const stored = await store.version?.(project, issueId)
      if (stored !== undefined && last?.stored === stored) return last
      // Identifiers hold no `/`.
      const key = `${project}/${issueId}`
      const held = known.get(key)
      if (stored !== undefined && held?.stored === stored) return held
      const [issue, newest] = await Promise.all([store.getIssue(project, issueId), store.list(project, { issue_id: issueId, limit: 1 })])
      const text = issue === undefined ? '' : JSON.stringify(issue)
      const version = `${text === '' ? '' : hash('sha256', text, 'base64url').slice(0, 32)},${newest.results[0]?.id ?? ''}`
      // Its text twice as long, as it may not be Latin, and what holds it.
      const subject = { issue, version, stored, bytes: 2 * text.length + 512 }
      if (stored !== undefined) known.set(key, subject)
      return subject
    }
  }
}
