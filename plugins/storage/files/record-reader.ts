import { readFile } from 'node:fs/promises'
import { codeOf, messageOf, type Logger, type ResultRecord } from '../../../core/plugin-api.js'
import type { IndexEntry, ResultIndex } from '../shared/result-index.js'
import { historyFile, type Slot } from './layout.js'
import type { Limit } from './limit.js'
import type { SlotWriter } from './slot-writer.js'

/** `undefined` for what was removed or is damaged. */
export type RecordReader = (project: string, index: ResultIndex, slot: Slot, entry: IndexEntry) => Promise<ResultRecord | undefined>

/** Reads results; one that is no JSON, or not the record that its name says, is set aside, logged and counted. */
export function createRecordReader ({ limit, writer, log }: { limit: Limit, writer: SlotWriter, log: Logger }): RecordReader {
  let damaged = 0

  const setAside = async (project: string, index: ResultIndex, slot: Slot, entry: IndexEntry): Promise<void> => {
    const what = { project, id: entry.id, issue_id: entry.issue, agent_type: entry.agentType }
    try {
      if (await writer.setAside(index, slot, entry)) log.error({ ...what, damaged: ++damaged }, 'a stored result could not be read and was set aside')
    } catch (error) {
      log.error({ ...what, damaged: ++damaged, reason: messageOf(error) }, 'a stored result could not be read, nor renamed')
    }
  }

  return async (project, index, slot, entry) => {
    let text: string
    try {
      text = await limit(() => readFile(historyFile(slot, entry), 'utf8'))
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      index.remove([entry])
      return undefined
    }
    const record = parseRecord(text)
    if (record?.id === entry.id) return record
    await setAside(project, index, slot, entry)
    return undefined
  }
}

function parseRecord (text: string): ResultRecord | undefined {
  try {
    return JSON.parse(text) as ResultRecord
  } catch {
    return undefined
  }
}
