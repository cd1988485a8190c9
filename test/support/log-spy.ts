import type { Logger } from '../../core/contracts/common.js'

export interface LogSpy extends Logger {
  /** What was said at each level, message only. */
  readonly said: { debug: string[], info: string[], warn: string[], error: string[] }
  /** The same with its details, in order. */
  readonly lines: { level: string, message: string, details: object }[]
}

export function createLogSpy (): LogSpy {
  const said: LogSpy['said'] = { debug: [], info: [], warn: [], error: [] }
  const lines: LogSpy['lines'] = []
  const at = (level: keyof LogSpy['said']) => (details: object, message = ''): void => {
    said[level].push(message)
    lines.push({ level, message, details })
  }
  return { said, lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
