import { definePlugin, Type, type ContextItem } from '../../core/plugin-api.js'
import { earlierResults } from './shared/earlier-results.js'
import { readCount } from './shared/parameters.js'
import { wordsOf } from './shared/words.js'

const REVIEWING = new Set(['review', 'reviewer', 'audit', 'auditor', 'checker', 'pentester'])

export default definePlugin({
  kind: 'context-strategy',
  name: 'code-reviews',
  description: 'Earlier results by reviewers and auditors',
  options: Type.Object({
    maxItems: Type.Integer({ default: 30, minimum: 1, maximum: 1000, description: 'Most results of one gathering.' }),
    agentTypes: Type.Array(Type.String(), { default: [], description: 'Further agent types whose results are reviews.' })
  }, { additionalProperties: false }),
  create ({ maxItems, agentTypes }, { sidecar }) {
    const listed = new Set(agentTypes)
    /** By name; of the others, who checks security for a living gives a review and no change. */
    function reviews (project: string, agentType: string): boolean {
      if (listed.has(agentType) || wordsOf(agentType).some(word => REVIEWING.has(word))) return true
      const profile = sidecar.profile(project, agentType)
      return profile?.group === 'qa-security' && profile.category === 'security'
    }
    return {
      satisfies: ['code-reviews'],
      async gather (input) {
        const records = await earlierResults(
          input, readCount(input, 'limit', maxItems), {}, ({ agent_type: type }) => reviews(input.project.id, type)
        )
        return records.map(({ id }): ContextItem => ({ kind: 'output', result_id: id }))
      }
    }
  }
})
