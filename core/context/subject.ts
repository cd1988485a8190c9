import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { IssueRecord, ResultStore } from '../contracts/index.js'

/** What an issue says, and how far the work on it has come. */
export interface Subject {
  issue: IssueRecord | undefined
  /** Another text whenever the issue or its newest result is another; the same for the same content in every process. */
  version: string
}

export interface Subjects {
  /** As the store has it at a moment not before the call. */
  of (project: string, issueId: string): Promise<Subject>
}

const KEPT_BYTES = 16 * 1024 * 1024

/** Reads issues again only when the store says that something has changed, or cannot say. */
export function createSubjects (store: ResultStore): Subjects {
  const known = new LRUCache<string, { version: string, subject: Subject, bytes: number }>({ maxSize: KEPT_BYTES, sizeCalculation: ({ bytes }) => bytes })
  return {
    async of (project, issueId) {
      // Identifiers hold no `/`.
      const key = `${project}/${issueId}`
      // Asked before the rest is read: what changes meanwhile has another version, so that nothing old is ever kept under it.
      const version = await store.version?.(project, issueId)
      const held = known.get(key)
      if (version !== undefined && held?.version === version) return held.subject
      const [issue, newest] = await Promise.all([store.getIssue(project, issueId), store.list(project, { issue_id: issueId, limit: 1 })])
      const text = issue === undefined ? '' : JSON.stringify(issue)
      const subject = { issue, version: `${text === '' ? '' : hash('sha256', text, 'base64url').slice(0, 32)},${newest.results[0]?.id ?? ''}` }
      // Its text twice as long, as it may not be Latin, and what holds it.
      if (version !== undefined) known.set(key, { version, subject, bytes: 2 * text.length + 512 })
      return subject
    }
  }
}
