import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { apiError, definePlugin, makeDirectory, messageOf, syncDirectory, writeFileDurably } from 'cco-sidecar/plugin-api'

const CURSOR = /^res_[0-9A-Z]{26}$/
const sum = (entries) => entries.reduce((bytes, { text }) => bytes + Buffer.byteLength(text), 0)

/**
 * Results and issues of a project in one file of JSON lines, and in memory. The core has checked all names: they are safe in paths.
 * @returns {import('cco-sidecar/plugin-api').ResultStore}
 */
export function createJsonlResults ({ directory }) {
  const projects = new Map()

  function projectOf (id) {
    if (!projects.has(id)) projects.set(id, { file: join(directory, `${id}.jsonl`), size: 0, results: new Map(), keys: new Map(), issues: new Map(), last: Promise.resolve() })
    return projects.get(id)
  }

  /** Takes up a line. Kept as text: each reader gets a copy of its own. */
  function take (project, text) {
    const { record, issue } = JSON.parse(text)
    if (record !== undefined) {
      project.results.set(record.id, { record, text })
      if (record.idempotency_key !== undefined) project.keys.set(record.idempotency_key, record.id)
    } else {
      project.issues.set(issue.issue_id, { issue, text })
    }
    project.size += Buffer.byteLength(text) + 1
  }

  /** One write after the other, each acknowledged when it is on the disk. */
  async function write (id, work) {
    const project = projectOf(id)
    const turn = project.last.then(() => work(project))
    project.last = turn.catch(() => {})
    return await turn.catch((error) => { throw apiError('STR_001', `Results cannot be written: ${messageOf(error)}.`, { cause: error }) })
  }

  async function append (project, line) {
    const text = JSON.stringify(line)
    const handle = await open(project.file, 'a', 0o600)
    try {
      await handle.truncate(project.size) // cuts off what an earlier write left half-way
      await handle.appendFile(`${text}\n`)
      await handle.datasync()
    } finally {
      await handle.close()
    }
    if (project.size === 0) await syncDirectory(directory)
    take(project, text)
  }

  return {
    supports: { durable: true },
    async open () {
      await makeDirectory(directory)
      for (const name of await readdir(directory)) {
        if (!name.endsWith('.jsonl')) continue
        // What stands behind the last newline was cut off by a crash and never acknowledged.
        const lines = (await readFile(join(directory, name), 'utf8')).split('\n').slice(0, -1)
        for (const line of lines) take(projectOf(name.slice(0, -'.jsonl'.length)), line)
      }
    },
    async close () {
      await Promise.all([...projects.values()].map(({ last }) => last))
    },
    put: async (id, record) => await write(id, async (project) => {
      const earlier = project.results.get(record.id) ?? project.results.get(project.keys.get(record.idempotency_key))
      if (earlier === undefined) await append(project, { record })
      return structuredClone(earlier?.record ?? record)
    }),
    get: async (id, resultId) => structuredClone(projectOf(id).results.get(resultId)?.record),
    async list (id, { issue_id: issue, agent_type: type, status, since = -Infinity, until = Infinity, limit, cursor }) {
      if (cursor !== undefined && !CURSOR.test(cursor)) throw apiError('VAL_001', 'The cursor is not one of this store.')
      const found = [...projectOf(id).results.values()].map(({ record }) => record).filter((record) => {
        const time = Date.parse(record.timestamp)
        return (cursor === undefined || record.id < cursor) && time >= since && time < until &&
          [[issue, record.issue_id], [type, record.agent_type], [status, record.status]].every(([wanted, value]) => wanted === undefined || wanted === value)
      }).sort((a, b) => (a.id < b.id ? 1 : -1)) // ids sort by time
      const results = structuredClone(found.slice(0, limit))
      return { results, ...(found.length > limit ? { next_cursor: results.at(-1).id } : {}) }
    },
    putIssue: async (id, issue) => await write(id, async (project) => await append(project, { issue })),
    getIssue: async (id, issueId) => structuredClone(projectOf(id).issues.get(issueId)?.issue),
    async usage (id) {
      const entries = (id === undefined ? [...projects.values()] : [projectOf(id)]).flatMap(({ results }) => [...results.values()])
      return { count: entries.length, bytes: sum(entries) }
    },
    prune: async (id, { before, dryRun = false }) => await write(id, async (project) => {
      const old = [...project.results.values()].filter(({ record }) => Date.parse(record.timestamp) < before)
      if (!dryRun && old.length > 0) {
        const kept = [...project.results.values(), ...project.issues.values()].filter((entry) => !old.includes(entry))
        const content = kept.map(({ text }) => `${text}\n`).join('')
        await writeFileDurably(project.file, content)
        project.size = Buffer.byteLength(content)
        for (const { record } of old) {
          project.results.delete(record.id)
          project.keys.delete(record.idempotency_key)
        }
      }
      return { removed: old.length, bytes: sum(old) }
    })
  }
}

export default definePlugin({
  kind: 'result-store',
  name: 'jsonl-results',
  description: 'Keeps results as JSON lines, one file per project',
  create: (_options, { storage }) => createJsonlResults({ directory: join(storage, 'jsonl-results') })
})
