import type { Logger } from '../../../core/plugin-api.js'

export { temporaryFolder } from '../../support/temporary.js'
export { PROJECT, record, timeOf } from '../../../core/testing/result-store/records.js'

export const ISSUE = 'issue-1'
export const AGENT_TYPE = 'test-engineer'

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
