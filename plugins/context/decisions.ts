import { definePlugin, PRIORITY, Type, type ContextItem, type GatherInput, type ResultRecord } from '../../core/plugin-api.js'
import { earlierResults, newestFirst } from './shared/earlier-results.js'
import { readCount, readList } from './shared/parameters.js'
import { indexOf } from './shared/project-index.js'
import { touchedFiles } from './shared/touched-files.js'

const MOST_TYPES = 16

export default definePlugin({
  kind: 'context-strategy',
  name: 'decisions',
  description: 'Earlier results of the issue, and the files that they touched',
  options: Type.Object({
    maxItems: Type.Integer({ default: 50, minimum: 1, maximum: 1000, description: 'Most results of one gathering.' }),
    maxFiles: Type.Integer({ default: 200, minimum: 0, maximum: 5000, description: 'Most files touched by those results.' })
  }, { additionalProperties: false }),
  create: ({ maxItems, maxFiles }) => ({
    // The second is what clients of the first version of the API call it.
    satisfies: ['decisions', 'previous-decisions'],
    async gather (input) {
      const records = await newest(input, readCount(input, 'limit', maxItems))
      return [
        ...records.map(({ id }): ContextItem => ({ kind: 'output', result_id: id })),
        ...(await filesOf(records, input)).slice(0, maxFiles)
      ]
    }
  })
})

async function newest (input: GatherInput, limit: number): Promise<ResultRecord[]> {
  const types = readList(input, 'agent_types')
  if (types === undefined) return earlierResults(input, limit)
  // A page is of one type or of all; asking by type finds the old decision behind a hundred new results of others.
  const pages = await Promise.all([...new Set(types)].slice(0, MOST_TYPES).map(type => earlierResults(input, limit, { agent_type: type })))
  return pages.flat().sort(newestFirst).slice(0, limit)
}

/** A file touched by several results counts by the newest. Files touched without a decision are changes like others. */
async function filesOf (records: readonly ResultRecord[], { project }: GatherInput): Promise<ContextItem[]> {
  const index = await indexOf(project)
  const items = new Map<string, ContextItem>()
  records.forEach((record, age) => {
    const decided = Array.isArray(record.result['decisions']) && record.result['decisions'].length > 0
    for (const path of touchedFiles(record)) {
      if (items.has(path) || index.find(path) === undefined) continue
      items.set(path, {
        kind: 'file',
        path,
        score: Math.round(1000 / (1 + age / 5)) / 1000,
        priority: decided ? PRIORITY.decision : PRIORITY.changed,
        reason: `touched by ${record.agent_type}`
      })
    }
  })
  return [...items.values()]
}
