import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AgentExit, Json, Priority, ResultStatus } from '../contracts/index.js'
import { DIRECTORY_MODE, writeFileDurably } from '../durable-file.js'
import { codeOf, messageOf } from '../errors.js'
import type { Logger } from '../contracts/common.js'
import { RECORD } from './agent-files.js'
import type { AgentWork } from './workspaces/workspaces.js'

export type AgentState = 'queued' | 'starting' | 'running' | 'completed' | 'failed' | 'stopped' | 'lost'

export const FINAL_STATES: ReadonlySet<AgentState> = new Set(['completed', 'failed', 'stopped', 'lost'])

/** All that is known of an agent; survives restarts. Times are RFC 3339, UTC. */
export interface AgentRecord {
  agent_id: string
  agent_type: string
  project_id: string
  issue_id: string
  task: string
  state: AgentState
  priority: Priority
  spawner: string
  timeout_seconds: number
  environment: Record<string, string>
  context_requirements: string[]
  correlation_id?: string
  round?: number
  created_at: string
  started_at?: string
  ended_at?: string
  last_sign_at?: string
  process_id: number | null
  /** What the spawner needs to adopt it. */
  reference: Json
  exit?: AgentExit
  /** What the agent says of itself. */
  progress?: number
  message?: string
  /** Why it was stopped or failed, in words. */
  reason?: string
  result_id?: string
  /** What the last stored result says of itself. */
  result_status?: ResultStatus
  /** Absent until its process is about to be made. */
  work?: AgentWork
}

export class AgentRecords {
  readonly #directory: string
  /** One write at a time for each agent, so that the newest state is the one that stays. */
  readonly #writing = new Map<string, Promise<void>>()

  constructor (directory: string) {
    this.#directory = directory
  }

  directoryOf (agentId: string): string {
    return join(this.#directory, agentId)
  }

  async save (record: AgentRecord): Promise<void> {
    const directory = this.directoryOf(record.agent_id)
    const content = `${JSON.stringify(record, null, 2)}\n`
    const writing = (this.#writing.get(record.agent_id) ?? Promise.resolve()).catch(() => {}).then(async () => {
      await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE })
      await writeFileDurably(join(directory, RECORD), content)
    })
    this.#writing.set(record.agent_id, writing)
    try {
      await writing
    } finally {
      if (this.#writing.get(record.agent_id) === writing) this.#writing.delete(record.agent_id)
    }
  }

  /** All records, oldest first; one that cannot be read is told and left where it is. */
  async load (log: Logger): Promise<AgentRecord[]> {
    const names = await readdir(this.#directory)
    const records = await Promise.all(names.map(async (name) => {
      try {
        return JSON.parse(await readFile(join(this.#directory, name, RECORD), 'utf8')) as AgentRecord
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') log.warn({ agent: name, reason: messageOf(error) }, 'the record of an agent cannot be read')
        return undefined
      }
    }))
    return records.filter((record) => record !== undefined).sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
  }
}

/** Identifiers made in the same millisecond still tell which was first. */
function orderOf ({ created_at: created, agent_id: id }: AgentRecord): string {
  return created + id.slice(id.lastIndexOf('-'))
}
