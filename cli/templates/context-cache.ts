import { pascalCase, suiteTest, type Template } from './template.js'

export const contextCache: Template = {
  about: 'keeps rendered contexts, bounded by bytes',
  plugin: (name) => `import { definePlugin, Type } from 'cco-sidecar/plugin-api'

/** A cache in memory that forgets what was not used for the longest time. */
export function create${pascalCase(name)} ({ maxBytes }) {
  // A Map keeps the order of insertion: the first entry is the one to forget.
  const entries = new Map()
  let bytes = 0

  function remove (id) {
    const found = entries.get(id)
    if (found === undefined) return 0
    entries.delete(id)
    bytes -= found.bytes
    return found.bytes
  }

  return {
    async get (key) {
      const id = idOf(key)
      const found = entries.get(id)
      if (found === undefined) return undefined
      entries.delete(id)
      entries.set(id, found)
      return copyOf(found.entry)
    },
    async set (key, entry) {
      const id = idOf(key)
      remove(id)
      const size = sizeOf(id, entry)
      if (size > maxBytes) return
      entries.set(id, { key, entry: copyOf(entry), bytes: size })
      bytes += size
      for (const oldest of entries.keys()) {
        if (bytes <= maxBytes) break
        remove(oldest)
      }
    },
    async delete ({ project, issue, agentType }) {
      const freed = []
      for (const [id, { key }] of entries) {
        const matches = key.project === project && (issue === undefined || key.issue === issue) && (agentType === undefined || key.agentType === agentType)
        if (matches) freed.push(remove(id))
      }
      return { removed: freed.length, bytes: freed.reduce((sum, size) => sum + size, 0) }
    },
    async stats () {
      return { entries: entries.size, bytes, max_bytes: maxBytes }
    }
  }
}

/** JSON keeps the parts apart, whatever characters they hold. */
function idOf ({ project, issue, agentType, variant }) {
  return JSON.stringify([project, issue, agentType, variant])
}

function sizeOf (id, { body, validator, meta }) {
  return body.length + Buffer.byteLength(id) + Buffer.byteLength(validator) + Buffer.byteLength(JSON.stringify(meta))
}

/** The body is handed over, never written to; the rest is copied. */
function copyOf ({ body, validator, meta }) {
  return { body, validator, meta: { ...meta } }
}

export default definePlugin({
  kind: 'context-cache',
  name: '${name}',
  description: 'Keeps contexts in memory',
  options: Type.Object({
    maxBytes: Type.Integer({ minimum: 1, default: 256 * 1024 * 1024, description: 'Most bytes that are kept.' })
  }, { additionalProperties: false }),
  create: (options) => create${pascalCase(name)}(options)
})
`,
  test: (name) => suiteTest({
    name,
    suite: 'contextCacheContract',
    more: `  // A cache that soon forgets, for the tests of its bound.
  createSmall: (suite) => create(suite, { maxBytes: 64 * 1024 })`
  })
}
