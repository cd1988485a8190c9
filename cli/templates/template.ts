/** Makes the two files of a new plugin. Both are plain JavaScript, so that they run as they are. */
export interface Template {
  /** What a plugin of the kind is for, in a few words. */
  about: string
  plugin (name: string): string
  test (name: string): string
}

/** `my-store` → `MyStore`. */
export function pascalCase (name: string): string {
  return name.split('-').map((word) => word[0]!.toUpperCase() + word.slice(1)).join('')
}

interface SuiteTest {
  name: string
  /** Name of the contract suite. */
  suite: string
  /** Whether an instance can be made again over the same storage. */
  durable?: boolean
  /** Further members of what is given to the suite, indented by two spaces. */
  more?: string
}

/** A test file that runs the suite of the kind with node:test. */
export function suiteTest ({ name, suite, durable = false, more = '' }: SuiteTest): string {
  return `// Run it with: node --test ${name}.test.js
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createFromPlugin, createPluginContext, ${suite} } from 'cco-sidecar/testing'
import plugin from './${name}.js'

/** One instance over a folder of its own, by the clock of the suite. */
async function create ({ clock }, options = {}) {
  const storage = await mkdtemp(join(tmpdir(), '${name}-'))
  const open = () => createFromPlugin(plugin, options, createPluginContext({ storage, clock }))
  return {
    instance: await open(),
${durable ? '    // As after a restart: what was acknowledged has to be there again.\n    reopen: open,\n' : ''}    dispose: () => rm(storage, { recursive: true, force: true })
  }
}

${suite}({
  test,
  create${more === '' ? '' : `,\n${more}`}
})
`
}
