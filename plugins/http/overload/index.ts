import { definePlugin, Type } from '../../../core/plugin-api.js'
import { createOverload } from './overload.js'

export default definePlugin({
  kind: 'http',
  name: 'overload',
  description: 'Refuses what can wait while there is more to do than can be done',
  options: Type.Object({
    enabled: Type.Boolean({ default: true }),
    loopDelayMs: Type.Number({ exclusiveMinimum: 0, default: 100, description: 'Mean delay of the event loop, milliseconds.' }),
    heapPercent: Type.Number({ exclusiveMinimum: 0, maximum: 100, default: 85, description: 'Of the heap that Node may have.' }),
    perTurn: Type.Integer({ minimum: 1, default: 64, description: 'Requests that begin in one turn of the event loop.' }),
    maxQueue: Type.Integer({ minimum: 1, default: 2000, description: 'Requests that wait for it.' }),
    queueSeconds: Type.Number({ exclusiveMinimum: 0, maximum: 600, default: 2 }),
    retryAfterSeconds: Type.Integer({ minimum: 1, maximum: 3600, default: 2 })
  }, { additionalProperties: false }),
  create: ({ enabled, ...options }, { app }) => (enabled ? createOverload(app, options) : { async register () {} })
})
