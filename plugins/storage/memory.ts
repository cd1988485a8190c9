import {
  apiError, definePlugin, timeOfId, Type, type IssueRecord, type ResultRecord, type ResultStore
} from '../../core/plugin-api.js'
import { keyOf } from './shared/idempotency.js'
import { checkIdentifier, checkStatus } from './shared/identifiers.js'
import { readPage } from './shared/page.js'
import { createResultIndex, type IndexEntry, type ResultIndex } from './shared/result-index.js'

interface Project {
  index: ResultIndex
  /** Kept as text: a copy is made on the way in and on the way out. */
  texts: Map<string, string>
}

/** For tests and short trials: nothing outlives the process, and the oldest results give way to new ones. */
export function createMemoryStore ({ maxResults }: { maxResults: number }): ResultStore {
  const projects = new Map<string, Project>()
  // Identifiers hold no `/`, so that the joined key is unique.
  const issues = new Map<string, { text: string, version: number }>()
  let issuesPut = 0
  let stored = 0
  let closed = false

  const projectOf = (id: string): Project => projects.get(id) ?? { index: createResultIndex(), texts: new Map<string, string>() }

  const remove = (id: string, { index, texts }: Project, entries: readonly IndexEntry[]): void => {
    index.remove(entries)
    for (const entry of entries) texts.delete(entry.id)
    stored -= entries.length
    if (index.count === 0) projects.delete(id)
  }

  const dropOldest = (): void => {
    let oldest: { id: string, project: Project, entry: IndexEntry } | undefined
    for (const [id, project] of projects) {
      const entry = project.index.oldest()!
      if (oldest === undefined || entry.id < oldest.entry.id) oldest = { id, project, entry }
    }
    if (oldest !== undefined) remove(oldest.id, oldest.project, [oldest.entry])
  }

  const refuseWhenClosed = (): void => {
    if (closed) throw apiError('STR_001', 'Results cannot be written: the store is closed.')
  }

  return {
    supports: { durable: false },
    async close () {
      closed = true
    },
    async put (projectId, record) {
      checkIdentifier(projectId, 'project_id')
      const key = keyOf(record)
      const entry = {
        id: checkIdentifier(record.id, 'id'),
        issue: checkIdentifier(record.issue_id, 'issue_id'),
        agentType: checkIdentifier(record.agent_type, 'agent_type'),
        status: checkStatus(record.status),
        time: timeOfId(record.id)
      }
      refuseWhenClosed()
      const project = projectOf(projectId)
      const earlier = project.index.get(entry.id) ?? (key === undefined ? undefined : project.index.withKey(key))
      if (earlier !== undefined) return JSON.parse(project.texts.get(earlier.id)!) as ResultRecord
      const text = JSON.stringify(record)
      projects.set(projectId, project)
      project.texts.set(entry.id, text)
      project.index.add({ ...entry, bytes: Buffer.byteLength(text), ...(key === undefined ? {} : { key }) })
      if (++stored > maxResults) dropOldest()
      return record
    },
    async get (projectId, id) {
      const text = projectOf(checkIdentifier(projectId, 'project_id')).texts.get(id)
      return text === undefined ? undefined : JSON.parse(text) as ResultRecord
    },
    async list (projectId, query) {
      const { index, texts } = projectOf(checkIdentifier(projectId, 'project_id'))
      return await readPage(index, projectId, query, async ({ id }) => JSON.parse(texts.get(id)!) as ResultRecord)
    },
    async putIssue (projectId, issue) {
      const key = `${checkIdentifier(projectId, 'project_id')}/${checkIdentifier(issue.issue_id, 'issue_id')}`
      refuseWhenClosed()
      // Set anew, so that the first of the map is the one that was not written for the longest time.
      issues.delete(key)
      issues.set(key, { text: JSON.stringify(issue), version: ++issuesPut })
      const [first] = issues.keys()
      if (issues.size > maxResults) issues.delete(first!)
    },
    async getIssue (projectId, issueId) {
      const issue = issues.get(`${checkIdentifier(projectId, 'project_id')}/${checkIdentifier(issueId, 'issue_id')}`)
      return issue === undefined ? undefined : JSON.parse(issue.text) as IssueRecord
    },
    async version (projectId, issueId) {
      return `${issues.get(`${projectId}/${issueId}`)?.version ?? 0},${projects.get(projectId)?.index.version(issueId) ?? 0}`
    },
    async usage (projectId) {
      const counted = projectId === undefined ? [...projects.values()] : [projectOf(checkIdentifier(projectId, 'project_id'))]
      return {
        count: counted.reduce((sum, { index }) => sum + index.count, 0),
        bytes: counted.reduce((sum, { index }) => sum + index.bytes, 0)
      }
    },
    async prune (projectId, { before, dryRun = false }) {
      const project = projectOf(checkIdentifier(projectId, 'project_id'))
      const entries = project.index.storedBefore(before)
      if (!dryRun) remove(projectId, project, entries)
      return { removed: entries.length, bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0) }
    }
  }
}

export default definePlugin({
  kind: 'result-store',
  name: 'memory',
  description: 'Keeps results in memory; nothing survives the process.',
  options: Type.Object({
    maxResults: Type.Integer({ default: 10_000, minimum: 1, description: 'Most results, and most issues, that are kept; the oldest give way.' })
  }, { additionalProperties: false }),
  create: (options) => createMemoryStore(options)
})
