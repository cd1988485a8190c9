import { pascalCase, suiteTest, type Template } from './template.js'

export const contextStrategy: Template = {
  about: 'chooses what an agent type needs of the repository',
  plugin: (name) => `import { definePlugin, PRIORITY, Type } from 'cco-sidecar/plugin-api'

/** Offers the files below some folders, those first that the task mentions. */
export function create${pascalCase(name)} ({ folders, limit }) {
  return {
    // An agent profile asks for it with { "need": "${name}" }; what stands beside 'need' arrives in 'requirement'.
    satisfies: ['${name}'],
    description: 'files below ' + folders.join(', '),
    async gather ({ project, task, requirement, signal }) {
      const wanted = Array.isArray(requirement.folders) ? requirement.folders : folders
      const words = wordsOf([task.title, task.description, ...task.files].join(' '))
      const items = []
      for (const file of project.files) {
        signal.throwIfAborted()
        if (!wanted.some((folder) => file.path.startsWith(folder + '/'))) continue
        const hits = words.filter((word) => file.path.toLowerCase().includes(word))
        items.push({
          kind: 'file',
          path: file.path,
          // 0…1 within this strategy; the ranking compares it with what others offer.
          score: hits.length === 0 ? 0.3 : 0.3 + 0.7 * hits.length / words.length,
          // What is kept first when not everything fits.
          priority: PRIORITY.task,
          reason: hits.length === 0 ? 'lies in a chosen folder' : 'its path has ' + hits.join(', ')
        })
      }
      return items.sort((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1)).slice(0, limit)
    }
  }
}

function wordsOf (text) {
  return [...new Set(text.toLowerCase().match(/[a-z0-9]{3,}/g) ?? [])]
}

export default definePlugin({
  kind: 'context-strategy',
  name: '${name}',
  description: 'Offers the files below some folders',
  options: Type.Object({
    folders: Type.Array(Type.String({ minLength: 1 }), { default: ['src'], description: 'Folders of the project, without a slash at the end.' }),
    limit: Type.Integer({ minimum: 1, default: 20, description: 'Most files that are offered.' })
  }, { additionalProperties: false }),
  create: (options) => create${pascalCase(name)}(options)
})
`,
  test: (name) => suiteTest({ name, suite: 'contextStrategyContract' })
}
