import { attemptOutputFile } from '../agent-files.js'
import type { AgentRecord } from '../agent-record.js'
import { lastWords } from '../last-words.js'

const LAST_OUTPUT_LINES = 20
/** A task travels in the environment, where Linux takes 128 KiB for a variable; that of a caller may have 100,000 characters. */
const MAX_OUTPUT_CHARACTERS = 4000

/** What an agent is told to do: after a failure with what went wrong before. */
export async function taskOf (record: AgentRecord, directory: string): Promise<string> {
  const last = record.earlier?.at(-1)
  if (last === undefined) return record.task
  const output = await lastWords(attemptOutputFile(directory, last.attempt), LAST_OUTPUT_LINES, MAX_OUTPUT_CHARACTERS)
  return [
    record.task,
    `This is attempt ${record.attempt}. Attempt ${last.attempt} failed: ${last.reason ?? 'it is not known why'}.`,
    ...(output === '' ? [] : [`Its last output:\n${output}`])
  ].join('\n\n')
}
