import type { Logger } from '../../core/contracts/common.js'

export interface LogSpy extends Logger {
  /** What was said at each level, message only. */
  readonly said: { debug: string[], info: string[], warn: string[], error: string[] }
}

export function createLogSpy (): LogSpy {
  const said: LogSpy['said'] = { debug: [], info: [], warn: [], error: [] }
  const at = (level: keyof LogSpy['said']) => (_details: object, message = ''): void => { said[level].push(message) }
  return { said, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
