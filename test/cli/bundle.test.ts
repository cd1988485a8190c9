import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { PACKAGE_ROOT } from '../../core/package-root.js'

const BUNDLE = join(PACKAGE_ROOT, 'dist', 'bundle')

/** What a file of the bundle loads at once, with itself; not what it may load later. */
function reachFrom (entry: string): string[] {
  const reached = new Set([join(BUNDLE, entry)])
  for (const path of reached) {
    for (const [, next] of readFileSync(path, 'utf8').matchAll(/^(?:import|export)\b[^;'"]*['"](\.[\w./-]+)['"]/gm)) reached.add(join(dirname(path), next!))
  }
  return [...reached].map((path) => path.slice(BUNDLE.length + 1))
}

t.test('the program loads neither the server nor the schema of the settings before it knows the command', async (t) => {
  const loaded = reachFrom('cli/cco.js')
  t.ok(loaded.includes('chunks/common.js'))
  t.notOk(loaded.includes('chunks/server.js'))
  t.notOk(loaded.includes('chunks/settings.js'))
})

t.test('reading the configuration does not load the server', async (t) => {
  const loaded = reachFrom('chunks/settings.js')
  t.match(readFileSync(join(BUNDLE, 'chunks', 'settings.js'), 'utf8'), /async function loadConfig\b/)
  t.notOk(loaded.includes('chunks/server.js'))
})

t.test('what is published loads the server', async (t) => {
  t.ok(reachFrom('index.js').includes('chunks/server.js'))
})
