import { definePlugin, Type, type ContextItem, type ResultRecord } from '../../core/plugin-api.js'
import { earlierResults, newestFirst } from './shared/earlier-results.js'
import { readCount } from './shared/parameters.js'

export default definePlugin({
  kind: 'context-strategy',
  name: 'failures',
  description: 'Earlier results that failed, wholly or in part',
  options: Type.Object({
    maxItems: Type.Integer({ default: 30, minimum: 1, maximum: 1000, description: 'Most results of one gathering.' })
  }, { additionalProperties: false }),
  create: ({ maxItems }) => ({
    satisfies: ['failures'],
    async gather (input) {
      const limit = readCount(input, 'limit', maxItems)
      const [failed, partial] = await Promise.all([
        earlierResults(input, limit, { status: 'failed' }),
        earlierResults(input, limit, { status: 'partial' }, namesErrors)
      ])
      return [...failed, ...partial].sort(newestFirst).slice(0, limit).map(({ id }): ContextItem => ({ kind: 'output', result_id: id }))
    }
  })
})

/** Partial work is no failure unless something went wrong. */
function namesErrors ({ result }: ResultRecord): boolean {
  return Array.isArray(result['errors']) && result['errors'].length > 0
}
