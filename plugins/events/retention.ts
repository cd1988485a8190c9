import { Type } from '../../core/plugin-api.js'

/** How much of a project's events is kept. */
export interface Retention {
  /** Milliseconds. */
  age: number
  count: number
}

/** The options of every bus that keeps events itself. */
export const retentionOptions = {
  retentionHours: Type.Number({ exclusiveMinimum: 0, default: 24, description: 'How long events are kept.' }),
  retentionCount: Type.Integer({ minimum: 1, default: 10_000, description: 'How many events of a project are kept.' })
}

export function retentionOf (options: { retentionHours: number, retentionCount: number }): Retention {
  return { age: options.retentionHours * 3_600_000, count: options.retentionCount }
}
