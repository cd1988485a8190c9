import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger, ResultRecord } from '../../../core/plugin-api.js'
import { sampleId } from '../../../core/testing/samples.js'

export const START = Date.UTC(2026, 0, 1)
export const PROJECT = 'shop'
export const ISSUE = 'issue-1'
export const AGENT_TYPE = 'test-engineer'

export function timeOf (number: number): number {
  return START + number * 1_000
}

/** Record `number`, stored `number` seconds after the start. */
export function record (number: number, changes: Partial<ResultRecord> = {}): ResultRecord {
  return {
    id: sampleId('res_', timeOf(number), number),
    project_id: PROJECT,
    issue_id: ISSUE,
    agent_id: `${AGENT_TYPE}-1`,
    agent_type: AGENT_TYPE,
    status: 'success',
    result: { status: 'success', number },
    timestamp: new Date(timeOf(number)).toISOString(),
    ...changes
  }
}

export interface LogLine {
  level: keyof Logger
  details: Record<string, unknown>
  message: string | undefined
}

export function createLog (): Logger & { lines: LogLine[] } {
  const lines: LogLine[] = []
  const at = (level: keyof Logger) => (details: object, message?: string): void => {
    lines.push({ level, details: { ...details }, message })
  }
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

export async function temporaryFolder (t: { teardown (work: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cco-results-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}
