import { definePlugin, PRIORITY, Type, type Commit, type ContextItem, type GatherInput } from '../../core/plugin-api.js'
import { isNoise } from './shared/noise.js'
import { readCount } from './shared/parameters.js'
import { indexOf } from './shared/project-index.js'

/** A commit of more files is a reformatting, a rename or an import: it says nothing about which files matter. */
const WIDEST_COMMIT = 50

export default definePlugin({
  kind: 'context-strategy',
  name: 'git-history',
  description: 'Recent commits and the files that they touched most',
  options: Type.Object({
    maxItems: Type.Integer({ default: 200, minimum: 1, maximum: 1000, description: 'Most commits of one gathering.' }),
    commits: Type.Integer({ default: 30, minimum: 1, maximum: 1000, description: 'Commits where the requirement names no number.' }),
    maxFiles: Type.Integer({ default: 40, minimum: 0, maximum: 1000, description: 'Most files named for being touched often.' })
  }, { additionalProperties: false }),
  create: ({ maxItems, commits: usual, maxFiles }) => ({
    satisfies: ['git-history'],
    async gather (input) {
      const asked = input.requirement['commits'] === undefined ? Math.min(usual, maxItems) : readCount(input, 'commits', maxItems)
      const commits = await input.project.commits(asked)
      return [...commits.map((commit): ContextItem => ({ kind: 'commit', commit })), ...(await mostTouched(commits, input)).slice(0, maxFiles)]
    }
  })
})

async function mostTouched (commits: readonly Commit[], { project }: GatherInput): Promise<ContextItem[]> {
  const index = await indexOf(project)
  const touches = new Map<string, { count: number, weight: number }>()
  commits.forEach(({ files_changed: files }, age) => {
    if (files.length > WIDEST_COMMIT) return
    for (const path of new Set(files)) {
      const place = index.find(path)
      if (place === undefined || isNoise(place)) continue
      const { count, weight } = touches.get(path) ?? { count: 0, weight: 0 }
      // The last commit counts about twice as much as the tenth.
      touches.set(path, { count: count + 1, weight: weight + 1 / (1 + age / 10) })
    }
  })
  const most = Math.max(...[...touches.values()].map(({ weight }) => weight))
  return [...touches]
    .sort(([path, one], [other, two]) => two.weight - one.weight || (path < other ? -1 : 1))
    .map(([path, { count, weight }]) => ({
      kind: 'file',
      path,
      score: Math.round(weight / most * 1000) / 1000,
      priority: PRIORITY.history,
      reason: `touched by ${count} of the last ${commits.length} commits`
    }))
}
