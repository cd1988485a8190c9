import { join } from 'node:path'
import { apiError, makeDirectory, removeLeftovers, timeOfId, type Logger, type ResultRecord, type ResultStore } from '../../../core/plugin-api.js'
import { keyOf } from '../shared/idempotency.js'
import { checkIdentifier, checkStatus } from '../shared/identifiers.js'
import { readPage } from '../shared/page.js'
import { reading, writing } from './failure.js'
import { createFolders } from './folders.js'
import { createInFlight } from './in-flight.js'
import { createIssueFiles } from './issue-files.js'
import { projectFolder, slotOf } from './layout.js'
import { createLimit } from './limit.js'
import { probeFolder } from './probe.js'
import { createProjects } from './projects.js'
import { pruneResults } from './prune.js'
import { createRecordReader } from './record-reader.js'
import { createSlotWriter } from './slot-writer.js'
import { createWriteGuard } from './write-guard.js'

export interface FileStoreOptions {
  /** The storage folder of the sidecar. */
  storage: string
  log: Logger
  /** How many files are written at once. */
  writes: number
}

const MOST_READS = 32

/** Results and issues as JSON files, each whole and durable before it is acknowledged. */
export function createFileStore ({ storage, log, writes }: FileStoreOptions): ResultStore {
  const root = join(storage, 'results')
  const issueRoot = join(storage, 'issues')
  const guard = createWriteGuard()
  const toWrite = createLimit(writes)
  const toRead = createLimit(MOST_READS)
  const folders = createFolders(root, guard)
  const writer = createSlotWriter({ folders, guard, limit: toWrite })
  const projects = createProjects({ root, limit: toRead, writer, log })
  const read = createRecordReader({ limit: toRead, writer, log })
  const issues = createIssueFiles({ root: issueRoot, folders: createFolders(issueRoot, guard), guard, limit: toWrite, log })
  const inFlight = createInFlight<ResultRecord>()
  let closed = false

  const refuseWhenClosed = (): void => {
    if (closed) throw apiError('STR_001', 'Results cannot be written: the store is closed.')
    guard.check()
  }

  return {
    supports: { durable: true },
    async open () {
      await writing('Results', async () => {
        await makeDirectory(root)
        await makeDirectory(issueRoot)
        await removeLeftovers(root)
        await probeFolder(root)
      })
    },
    async close () {
      closed = true
      await inFlight.ended()
    },
    async check () {
      guard.check()
      await writing('Results', () => probeFolder(root))
    },
    async put (project, record) {
      const id = checkIdentifier(record.id, 'id')
      const status = checkStatus(record.status)
      const folder = projectFolder(root, project)
      const slot = slotOf(folder, record.issue_id, record.agent_type)
      const key = keyOf(record)
      refuseWhenClosed()
      const put = (): Promise<ResultRecord> => inFlight.share(`${project}/${id}`, () => writing('Results', async () => {
        // Before the first wait: what the caller changes afterwards is not stored.
        const text = `${JSON.stringify(record, null, 2)}\n`
        const index = await projects.of(project)
        const known = index.get(id) ?? (key === undefined ? undefined : index.withKey(key))
        const stored = known && await read(project, index, slotOf(folder, known.issue, known.agentType), known)
        if (known !== undefined && stored !== undefined) {
          // It may be of a process that crashed before it was durable.
          const { history, folder: issue } = slotOf(folder, known.issue, known.agentType)
          await folders.within(history, async () => { await Promise.all([folders.sync(history), folders.sync(issue)]) })
          return stored
        }
        const entry = { id, status, issue: slot.issue, agentType: slot.agentType, time: timeOfId(id), bytes: Buffer.byteLength(text), ...(key === undefined ? {} : { key }) }
        await writer.write(index, slot, entry, text)
        return record
      }))
      // No identifier holds a `:`, so that no key is taken for an id.
      return await (key === undefined ? put() : inFlight.share(`${project}/key:${key}`, put))
    },
    async get (project, id) {
      const folder = projectFolder(root, project)
      return await reading('Results', async () => {
        const index = await projects.of(project)
        const entry = index.get(id)
        return entry === undefined ? undefined : await read(project, index, slotOf(folder, entry.issue, entry.agentType), entry)
      })
    },
    async list (project, query) {
      const folder = projectFolder(root, project)
      return await reading('Results', async () => {
        const index = await projects.of(project)
        return await readPage(index, project, query, (entry) => read(project, index, slotOf(folder, entry.issue, entry.agentType), entry))
      })
    },
    async putIssue (project, issue) {
      refuseWhenClosed()
      await inFlight.track(writing('Issues', () => issues.put(project, issue)))
    },
    getIssue: (project, issueId) => reading('Issues', () => issues.get(project, issueId)),
    async version (project, issueId) {
      const index = await reading('Results', () => projects.of(project))
      return `${issues.version(project)},${index.version(issueId)}`
    },
    async usage (project) {
      if (project !== undefined) checkIdentifier(project, 'project_id')
      const indexes = await reading('Results', async () => project === undefined ? await projects.all() : [await projects.of(project)])
      return {
        count: indexes.reduce((sum, { count }) => sum + count, 0),
        bytes: indexes.reduce((sum, { bytes }) => sum + bytes, 0)
      }
    },
    async prune (project, { before, dryRun = false }) {
      const folder = projectFolder(root, project)
      if (!dryRun) refuseWhenClosed()
      const index = await reading('Results', () => projects.of(project))
      const entries = index.storedBefore(before)
      if (!dryRun) await inFlight.track(writing('Results', () => pruneResults({ folder, index, entries, writer, folders })))
      return { removed: entries.length, bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0) }
    }
  }
}
