import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { InjectOptions } from 'fastify'
import { createSidecar, loadConfig, type Settings, type Sidecar, type SidecarConfig } from '../../index.js'
import type { PluginRequest } from '../../core/plugin-host/resolve.js'
import { provideKeys } from './keys.js'
import { createRepository } from './repository.js'
import { temporaryFolder } from './temporary.js'

type Teardown = Parameters<typeof temporaryFolder>[0]

export interface Answer<Body = any> { // eslint-disable-line @typescript-eslint/no-explicit-any
  status: number
  headers: Record<string, string | string[] | number | undefined>
  body: Body
  text: string
}

export interface TestSidecar {
  sidecar: Sidecar
  storage: string
  root: string
  operator: string
  /** Asks over `inject`; the body is parsed where it is JSON. */
  ask (method: InjectOptions['method'], url: string, options?: { token?: string | undefined, body?: unknown, headers?: Record<string, string> }): Promise<Answer>
  /** A token for an agent type, with its id. */
  agent (agentType: string, more?: { agent_id?: string, project_id?: string }): Promise<{ token: string, agent_id: string }>
  close (): Promise<void>
}

export interface TestSidecarOptions {
  files?: Record<string, string | Buffer>
  root?: string
  storage?: string
  settings?: Record<string, string>
  plugins?: (string | (Partial<PluginRequest> & { use: string }))[]
  projects?: SidecarConfig['projects']
  trusted?: boolean
  environment?: Record<string, string | undefined>
  clock?: () => number
  /** Its tokens come from elsewhere: `operator` is empty. */
  withoutOperator?: boolean
}

/** A sidecar over a small repository; closed when the test ends. `settings` are given by flag name. */
export async function startSidecar (t: Teardown, options: TestSidecarOptions = {}): Promise<TestSidecar> {
  const storage = options.storage ?? join(await temporaryFolder(t, 'cco-storage'), 'storage')
  const root = options.root ?? await temporaryFolder(t, 'cco-project')
  if (options.root === undefined) await createRepository(root, options.files ?? { 'README.md': '# Sample\n', 'src/main.py': 'def main():\n    return 1\n' })
  await provideKeys(storage)
  const { settings } = await loadConfig({
    // Whatever else the machine does while the tests run is no load of the sidecar's.
    flags: { 'log-level': 'silent', 'overload-enabled': 'false', ...options.settings, storage }, env: {}, project: root, home: join(storage, '..', 'home')
  }) as { settings: Settings }
  const sidecar = await createSidecar({
    settings,
    project: { id: 'sample', root },
    projects: options.projects ?? [],
    plugins: (options.plugins ?? []).map((plugin) => ({ base: root, origin: 'the test', ...(typeof plugin === 'string' ? { use: plugin } : plugin) })),
    trusted: options.trusted ?? true,
    environment: options.environment ?? { PATH: process.env.PATH },
    ...(options.clock === undefined ? {} : { clock: options.clock })
  })
  t.teardown(async () => await sidecar.close())
  const operator = options.withoutOperator === true ? '' : (await readFile(join(storage, 'operator.token'), 'utf8')).trim()
  const ask: TestSidecar['ask'] = async (method, url, { token = operator, body, headers = {} } = {}) => {
    const answer = await sidecar.app.inject({
      method: method!,
      url,
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined || typeof body === 'string' ? {} : { 'content-type': 'application/json' }),
        ...headers
      },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) })
    })
    return { status: answer.statusCode, headers: answer.headers, body: parse(answer.payload), text: answer.payload }
  }
  return {
    sidecar,
    storage,
    root,
    operator,
    ask,
    async agent (agentType, more = {}) {
      const { body } = await ask('POST', '/api/tokens', { body: { agent_type: agentType, ...more } })
      return body as { token: string, agent_id: string }
    },
    close: async () => await sidecar.close()
  }
}

function parse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
