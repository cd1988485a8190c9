import { pascalCase, suiteTest, type Template } from './template.js'

export const resultStore: Template = {
  about: 'keeps issues and what agents found out about them',
  plugin: (name) => `import { apiError, definePlugin, Type } from 'cco-sidecar/plugin-api'

/** Results in memory. Replace the maps by a database to let them outlive the process, and say so in 'supports'. */
export function create${pascalCase(name)} () {
  // Project → id → record as text, so that nobody holds on to what is stored.
  const results = new Map()
  const issues = new Map()
  const of = (kind, project) => kind.get(project) ?? new Map()
  const put = (kind, project, id, value) => { kind.set(project, of(kind, project).set(id, JSON.stringify(value))) }
  const read = (text) => (text === undefined ? undefined : JSON.parse(text))
  const sizeOf = (texts) => texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)

  return {
    supports: { durable: false },
    async put (project, record) {
      // Who sends a result again brings the same id or the same key, and is given what is stored.
      const earlier = read(of(results, project).get(record.id)) ?? withKey(of(results, project), record.idempotency_key)
      if (earlier === undefined) put(results, project, record.id, record)
      return earlier ?? record
    },
    async get (project, id) {
      return read(of(results, project).get(id))
    },
    async list (project, query) {
      // Ids sort by time, so the id of the last record of a page says where the next one begins.
      if (query.cursor !== undefined && !/^res_[0-9A-Z]{26}$/.test(query.cursor)) {
        throw apiError('VAL_001', 'The cursor is not one of this store; begin again without it.')
      }
      const found = [...of(results, project).entries()]
        .sort(([a], [b]) => (a < b ? 1 : -1))
        .filter(([id]) => query.cursor === undefined || id < query.cursor)
        .map(([, text]) => JSON.parse(text))
        .filter((record) => matches(record, query))
      const page = found.slice(0, query.limit)
      return found.length > page.length ? { results: page, next_cursor: page.at(-1).id } : { results: page }
    },
    async putIssue (project, issue) {
      put(issues, project, issue.issue_id, issue)
    },
    async getIssue (project, issueId) {
      return read(of(issues, project).get(issueId))
    },
    async usage (project) {
      const texts = (project === undefined ? [...results.values()] : [of(results, project)]).flatMap((records) => [...records.values()])
      return { count: texts.length, bytes: sizeOf(texts) }
    },
    async prune (project, { before, dryRun = false }) {
      const old = [...of(results, project).entries()].filter(([, text]) => Date.parse(JSON.parse(text).timestamp) < before)
      if (!dryRun) for (const [id] of old) of(results, project).delete(id)
      return { removed: old.length, bytes: sizeOf(old.map(([, text]) => text)) }
    }
  }
}

function withKey (texts, key) {
  if (key === undefined) return undefined
  return [...texts.values()].map((text) => JSON.parse(text)).find((record) => record.idempotency_key === key)
}

function matches (record, { issue_id: issue, agent_type: type, status, since = -Infinity, until = Infinity }) {
  const time = Date.parse(record.timestamp)
  return (issue === undefined || record.issue_id === issue) && (type === undefined || record.agent_type === type) &&
    (status === undefined || record.status === status) && time >= since && time < until
}

export default definePlugin({
  kind: 'result-store',
  name: '${name}',
  description: 'Keeps results in memory',
  options: Type.Object({}, { additionalProperties: false }),
  create: () => create${pascalCase(name)}()
})
`,
  test: (name) => suiteTest({ name, suite: 'resultStoreContract' })
}
