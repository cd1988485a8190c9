import { definePlugin, Type } from '../../../core/plugin-api.js'
import { createFileStore } from './store.js'

export default definePlugin({
  kind: 'result-store',
  name: 'files',
  description: 'Keeps results and issues as JSON files in the storage folder.',
  options: Type.Object({
    writes: Type.Integer({ default: 32, minimum: 1, maximum: 256, description: 'How many files are written at once.' })
  }, { additionalProperties: false }),
  create: ({ writes }, { storage, log }) => createFileStore({ storage, log, writes })
})
