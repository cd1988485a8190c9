import { join } from 'node:path'
import { definePlugin, Type } from '../../../core/plugin-api.js'
import { retentionOf, retentionOptions } from '../retention.js'
import { createJournal } from './journal.js'

export default definePlugin({
  kind: 'event-bus',
  name: 'journal',
  description: 'Events in memory and in a durable log of JSON lines',
  options: Type.Object({
    ...retentionOptions,
    segmentBytes: Type.Integer({ minimum: 4096, maximum: 1024 * 1024 * 1024, default: 4 * 1024 * 1024, description: 'Size at which a segment of the log is closed.' })
  }, { additionalProperties: false }),
  create: (options, { storage, clock, log }) => createJournal({
    directory: join(storage, 'events'), retention: retentionOf(options), segmentBytes: options.segmentBytes, clock, log
  })
})
