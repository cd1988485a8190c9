import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createSidecar, loadConfig } from '../../index.js'
import { run } from '../../cli/program.js'
import type { Terminal } from '../../cli/terminal.js'
import { stubTerminal } from './stub-terminal.js'

export interface Outcome { code: number, stdout: string, stderr: string, json<Answer> (): Answer }

export type Cco = ((...args: string[]) => Promise<Outcome>) & { address: string, home: string, storage: string }

const AGENT = 'console.log(process.env.TASK + "\\u001b[2J"); if (process.env.MODE === "wait") setTimeout(() => {}, 60_000); else process.exit(process.env.MODE === "fail" ? 3 : 0)\n'

/** Nobody listens there: it is below the ports that systems hand out to whoever asks for any, and of no service. */
export const DEAD_PORT = '2'

/** A sidecar on a free port, and the program bound to it. */
export async function sidecarFor (t: Test, changes: Partial<Terminal> = {}, more: Record<string, string> = {}): Promise<Cco> {
  const home = t.testdir({ other: {}, project: { 'a.py': 'def add(a, b):\n    return a + b\n', 'README.md': '# Adds\n' }, 'agent.mjs': AGENT })
  const storage = join(home, 'storage')
  const flags = { port: '0', storage, 'log-level': 'silent', 'spawn-command': `"${process.execPath}" "${join(home, 'agent.mjs')}"`, 'spawn-max-retries': '0', ...more }
  const project = { id: 'project', root: join(home, 'project') }
  const { settings, plugins, projects, trusted } = await loadConfig({ flags, env: {}, project: project.root, home })
  const sidecar = await createSidecar({ settings, plugins, projects: [...projects, { project_id: 'other', root: join(home, 'other') }], trusted, project, environment: { PATH: process.env.PATH } })
  await sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => sidecar.close())
  const { port } = sidecar.app.server.address() as AddressInfo
  const cco = async (...args: string[]): Promise<Outcome> => {
    const terminal = stubTerminal({ cwd: project.root, env: { HOME: home, CCO_SIDECAR_PORT: String(port), CCO_SIDECAR_STORAGE: storage }, ...changes })
    const code = await run(args, terminal)
    const stdout = terminal.stdout()
    return { code, stdout, stderr: terminal.stderr(), json: <Answer>() => JSON.parse(stdout) as Answer }
  }
  return Object.assign(cco, { address: `http://127.0.0.1:${port}`, home, storage })
}
