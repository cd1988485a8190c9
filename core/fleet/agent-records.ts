import { mkdir, readdir, readFile, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DIRECTORY_MODE, removeLeftovers, writeFileDurably } from '../durable-file.js'
import { codeOf, messageOf } from '../errors.js'
import type { Logger } from '../contracts/common.js'
import { RECORD } from './agent-files.js'
import type { AgentRecord } from './agent-record.js'

/** The records of agents on disk, each in the folder of its agent. */
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
        await removeLeftovers(this.directoryOf(name))
        return JSON.parse(await readFile(join(this.#directory, name, RECORD), 'utf8')) as AgentRecord
      } catch (error) {
        if (codeOf(error) === 'ENOENT') await this.#removeUnrecorded(name)
        else if (codeOf(error) !== 'ENOTDIR') log.warn({ agent: name, reason: messageOf(error) }, 'the record of an agent cannot be read')
        return undefined
      }
    }))
    return records.filter((record) => record !== undefined).sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
  }

  /** A sidecar that was killed between making a folder and writing the record has told nobody of the agent; what holds anything stays. */
  async #removeUnrecorded (name: string): Promise<void> {
    try {
      await rmdir(this.directoryOf(name))
    } catch (error) {
      if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'ENOENT') throw error
    }
  }
}

/** Identifiers made in the same millisecond still tell which was first. */
function orderOf ({ created_at: created, agent_id: id }: AgentRecord): string {
  return created + id.slice(id.lastIndexOf('-'))
}
