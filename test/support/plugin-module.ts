const API = new URL('../../core/plugin-api.js', import.meta.url).href

/** Text of a module that exports a plugin; `create` and the rest are source code. */
export function moduleOf (manifest: string): string {
  return `import { definePlugin, Type } from '${API}'\nexport default definePlugin(${manifest})\n`
}

/** A context strategy for the requirement `plans`. */
export const STRATEGY = "{ kind: 'context-strategy', name: 'plans', create: () => ({ satisfies: ['plans'], gather: async () => [] }) }"
