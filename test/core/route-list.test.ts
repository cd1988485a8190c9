import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { listRoutes, loadConfig, type RouteFacts, type SidecarConfig } from '../../index.js'
import { run } from '../../cli/program.js'
import { stubTerminal } from '../cli/stub-terminal.js'
import { startSidecar } from '../support/sidecar.js'
import { temporaryFolder } from '../support/temporary.js'
import type { OpenApiDocument } from './http/documented.js'
import { writePlugin } from './http/plugin-file.js'

async function configOf (t: Test, plugins: string[] = []): Promise<SidecarConfig> {
  const folder = await temporaryFolder(t)
  const { settings } = await loadConfig({ flags: { storage: join(folder, 'storage') }, env: {}, project: folder, home: folder })
  return { settings, project: { id: 'sample', root: folder }, projects: [], plugins: plugins.map((use) => ({ use, base: folder, origin: 'the test' })), trusted: true, environment: {} }
}

const keyOf = ({ method, path }: RouteFacts): string => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`

t.test('every route of a running sidecar is listed with what it asks for, and nothing is written', async (t) => {
  const config = await configOf(t)
  const routes = await listRoutes(config)
  t.notOk(existsSync(config.settings.storage))
  const { ask } = await startSidecar(t)
  const { paths } = (await ask('GET', '/openapi.json', { token: '' })).body as OpenApiDocument
  const documented = new Map(Object.entries(paths).flatMap(([path, operations]) => Object.entries(operations)
    .map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation as { description?: string, security?: [] }])))
  t.strictSame(routes.map(keyOf).filter((key) => !key.includes('/docs')).sort(), [...documented.keys()].sort())
  for (const route of routes) {
    const operation = documented.get(keyOf(route))
    if (operation !== undefined) t.equal(route.permission, operation.security === undefined ? operation.description!.replace('Needs: ', '') : 'open', keyOf(route))
  }
})

t.test('only what hands out nothing about a project is open, and reaches no further than it must', async (t) => {
  const routes = await listRoutes(await configOf(t))
  const where = (test: (route: RouteFacts) => boolean): string[] => routes.filter(test).map(({ method, path }) => `${method} ${path}`)
  t.strictSame(where(({ permission }) => permission === 'open'), [
    'GET /.well-known/jwks.json', 'GET /docs', 'GET /docs/*', 'GET /health', 'GET /health/live', 'GET /health/ready', 'GET /openapi.json'
  ])
  t.strictSame(where(({ scope }) => scope === 'none'), where(({ permission }) => permission === 'open'))
  t.strictSame(where(({ scope, permission }) => scope === 'sidecar' && permission !== 'admin'), ['GET /api/plugins', 'GET /metrics', 'GET /status'])
  t.strictSame(where(({ limit }) => limit === 'none'), ['GET /health', 'GET /health/live', 'GET /health/ready'])
  t.strictSame(where(({ limit }) => limit === 'agent, held'), ['GET /api/events/stream', 'GET /api/events/wait', 'GET /api/events/wait/:event_type'])
})

t.test('a route that does not say who may call it stops the start and the list, and is named', async (t) => {
  const folder = await temporaryFolder(t)
  const plugin = async (name: string, config: string): Promise<string> => await writePlugin(folder, `${name}.mjs`, `
    export default definePlugin({ kind: 'http', name: '${name}', create: () => ({ async register (app) { app.get('/${name}', ${config} async () => ({})) } }) })`)
  const silent = await plugin('silent', '')
  const message = /Route GET \/silent does not say who may call it/
  await t.rejects(listRoutes(await configOf(t, [silent])), { message })
  await t.rejects(startSidecar(t, { plugins: [silent] }), { message })
  const said = await listRoutes(await configOf(t, [await plugin('said', "{ config: { access: 'any' } },")]))
  t.match(said.find(({ path }) => path === '/said'), { permission: 'any', scope: 'project', limit: 'agent', summary: null })
})

t.test('cco routes prints it as a table, or as JSON', async (t) => {
  const home = await temporaryFolder(t)
  const outcomeOf = async (...args: string[]): Promise<{ code: number, text: string }> => {
    const terminal = stubTerminal({ cwd: home, env: { HOME: home } })
    return { code: await run(['routes', ...args], terminal), text: terminal.stdout() }
  }
  const { code, text } = await outcomeOf()
  t.equal(code, 0)
  t.match(text, /^METHOD +PATH +PERMISSION +SCOPE +LIMIT\n/)
  t.match(text, /^GET +\/api\/events\/wait +any +project +agent, held$/m)
  t.match(text, /^PUT +\/api\/issues\/:issue_id +write_results or admin +project +agent$/m)
  const { routes } = JSON.parse((await outcomeOf('--json')).text) as { routes: RouteFacts[] }
  t.match(routes.find(({ path }) => path === '/health'), { method: 'GET', permission: 'open', scope: 'none', limit: 'none', priority: 'always', summary: /\w/ })
  t.equal(routes.length, text.split('\n').length - 1)
})
