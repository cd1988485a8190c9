import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import t from 'tap'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import { createPluginContext } from '../../core/testing/index.js'
import { createMetrics } from '../../plugins/http/metrics.js'

const FOLDER = join(PACKAGE_ROOT, 'examples', 'prometheus')
const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8')

/** Comes with @fastify/swagger; no dependency of this package. */
function findYaml (): { parse (text: string): unknown } | undefined {
  try {
    return createRequire(createRequire(import.meta.url).resolve('@fastify/swagger'))('yaml') as { parse (text: string): unknown }
  } catch {
    return undefined
  }
}

const yaml = findYaml()
const noPromtool = spawnSync('promtool', ['--version']).error === undefined ? false : 'promtool is not installed'

t.test('the files are YAML of the right form', { skip: yaml === undefined ? 'no YAML parser is at hand' : false }, async (t) => {
  t.match(yaml!.parse(read('prometheus.yml')), {
    rule_files: ['alerts.yml'],
    scrape_configs: [{ metrics_path: '/metrics', static_configs: [{ targets: ['127.0.0.1:3001'] }], authorization: { type: 'Bearer', credentials_file: /operator\.token$/ } }]
  })
  const { groups } = yaml!.parse(read('alerts.yml')) as { groups: { rules: { alert: string, expr: string, annotations: { summary: string } }[] }[] }
  for (const { alert, expr, annotations } of groups.flatMap(({ rules }) => rules)) t.ok(expr.length > 0 && annotations.summary.length > 0, alert)
})

t.test('alerts watch metrics that there are', async (t) => {
  const { registry } = createMetrics(createPluginContext({ storage: '/nonexistent', clock: Date.now }).sidecar)
  const watched = read('alerts.yml').match(/\bsidecar_[a-z0-9_]+/g) ?? []
  t.ok(watched.length > 0)
  for (const name of watched) t.ok(registry.getSingleMetric(name), name)
})

t.test('promtool accepts the configuration and its rules', { skip: noPromtool }, async (t) => {
  // The file of the token lies in the home of whoever uses the example.
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'config', '--syntax-only', join(FOLDER, 'prometheus.yml')], { encoding: 'utf8' })
  t.equal(status, 0, stdout + stderr)
})
