import { definePlugin, PRIORITY, Type } from 'cco-sidecar/plugin-api'

// Saved with `terraform show -json plan.out > plan.json`; the binary form is not for reading.
const NAME = /(^|\/)([^/]*[._-])?(tf)?plan([._-][^/]*)?\.json$/i
const MOST_READ = 100

/**
 * What saved Terraform plans would change, newest plan first: actions and addresses, never values.
 * @returns {import('cco-sidecar/plugin-api').ContextStrategy}
 */
export function createTerraformPlans ({ maxPlans }) {
  return {
    // A profile asks for it with { "need": "terraform-plans" }; "actions": ["delete"] beside it narrows what is shown.
    satisfies: ['terraform-plans'],
    async gather ({ project, requirement, signal }) {
      const candidates = project.files.filter(({ path }) => NAME.test(path)).sort((a, b) => b.modified - a.modified || (a.path < b.path ? -1 : 1))
      /** @type {import('cco-sidecar/plugin-api').ContextItem[]} */
      const items = []
      for (const { path } of candidates.slice(0, MOST_READ)) {
        signal.throwIfAborted()
        const changes = changesOf(await project.read(path), requirement.actions)
        // The path of a text must not be that of a file.
        if (changes === undefined || project.files.some((file) => file.path === `${path}.changes`)) continue
        items.push({
          kind: 'text',
          path: `${path}.changes`,
          content: changes.join('\n'),
          score: 1 / (items.length + 1),
          priority: PRIORITY.configuration,
          reason: `${changes.length} planned changes`
        })
        if (items.length === maxPlans) break
      }
      return items
    }
  }
}

/** Lines such as `delete/create aws_instance.web`, or `undefined` where the text is no Terraform plan. */
function changesOf (text, wanted) {
  try {
    const { terraform_version: version, resource_changes: changes = [] } = JSON.parse(text)
    if (version === undefined) return undefined
    const isWanted = (action) => (Array.isArray(wanted) ? wanted.includes(action) : action !== 'no-op')
    return changes.filter(({ change }) => change.actions.some(isWanted)).map(({ address, change }) => `${change.actions.join('/')} ${address}`)
  } catch {
    return undefined
  }
}

export default definePlugin({
  kind: 'context-strategy',
  name: 'terraform-plans',
  description: 'What saved Terraform plans would change',
  options: Type.Object({
    maxPlans: Type.Integer({ minimum: 1, maximum: 50, default: 5, description: 'Most plans that are shown.' })
  }, { additionalProperties: false }),
  create: (options) => createTerraformPlans(options)
})
