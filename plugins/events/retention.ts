import { Type } from '../../core/plugin-api.js'

/** How much of a project's events is kept. */
export interface Retention {
  /** Milliseconds. */
  age: number
  count: number
  /** No bound when absent. The newest event is kept whatever its size. */
  bytes?: number
}

/** The options of every bus that keeps events itself. */
export const retentionOptions = {
  retentionHours: Type.Number({ exclusiveMinimum: 0, default: 24, description: 'How long events are kept.' }),
  retentionCount: Type.Integer({ minimum: 1, default: 10_000, description: 'How many events of a project are kept.' }),
  retentionMb: Type.Number({ exclusiveMinimum: 0, default: 256, description: 'How much of a project\'s events is kept, MiB.' })
}

export function retentionOf (options: { retentionHours: number, retentionCount: number, retentionMb: number }): Retention {
  return { age: options.retentionHours * 3_600_000, count: options.retentionCount, bytes: options.retentionMb * 1024 * 1024 }
}
