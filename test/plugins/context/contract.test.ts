import { readdirSync } from 'node:fs'
import t from 'tap'
import { Value } from 'typebox/value'
import type { ContextStrategy, SidecarPlugin } from '../../../core/plugin-api.js'
import { MANIFEST } from '../../../core/plugin-host/define-plugin.js'
import { contextStrategyContract } from '../../../core/testing/context-strategy-contract.js'

const folder = new URL('../../../plugins/context/', import.meta.url)

for (const file of readdirSync(folder).filter(name => /(?<!\.d)\.[jt]s$/.test(name))) {
  const { default: plugin } = await import(new URL(file, folder).href) as { default: SidecarPlugin }
  const manifest = plugin[MANIFEST]
  await t.test(`${manifest.name} keeps the contract of a context strategy`, async t => {
    contextStrategyContract({
      test: (name, body) => t.test(name, body),
      create: async ({ clock }) => ({
        instance: await manifest.create(Value.Default(manifest.options!, {}) as never, { clock, sidecar: { profile () {} } } as never) as ContextStrategy,
        async dispose () {}
      })
    })
  })
}
