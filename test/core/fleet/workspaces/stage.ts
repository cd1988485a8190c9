import { writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import { run } from '../../../../cli/program.js'
import { eventually } from '../../../../core/testing/expectations.js'
import { stubTerminal } from '../../../cli/stub-terminal.js'
import { startSidecar, type TestSidecar, type TestSidecarOptions } from '../../../support/sidecar.js'
import { temporaryFolder } from '../../../support/temporary.js'

const FINAL = ['completed', 'failed', 'stopped', 'lost']
const ENDS_MS = 60_000

/** Runs its task as a script of the shell, with `store` for a result and `until_there` for a sign of its test. */
const PROGRAM = `#!/bin/sh
store () {
  curl --silent --show-error --fail --output /dev/null --request POST "$SIDECAR_URL/results" --header "authorization: Bearer $JWT_TOKEN" --header 'content-type: application/json' \\
    --data "{\\"agent_id\\":\\"$AGENT_ID\\",\\"agent_type\\":\\"$AGENT_TYPE\\",\\"issue_id\\":\\"$ISSUE_ID\\",\\"result\\":$1}"
}
until_there () { while [ ! -e "$1" ]; do sleep 0.05; done; }
commit () { git add --all && git -c user.name=Ada -c user.email=ada@example.com commit --quiet --message "$1"; }
export HOME=/nonexistent GIT_CONFIG_NOSYSTEM=1
set -e
# Further lines are what a further attempt is told.
eval "$(printf '%s\\n' "$TASK" | head -n 1)"
`

export interface Stage extends TestSidecar {
  /** A folder for signs to agents. */
  signs: string
  spawn (task: string, more?: object): Promise<string>
  /** The program bound to this sidecar. */
  cco (...args: string[]): Promise<{ code: number, stdout: string, stderr: string }>
  ended (id: string): Promise<Record<string, unknown>>
  /** Starts an agent and waits for its end. */
  work (task: string, more?: object): Promise<Record<string, unknown> & { agent_id: string }>
}

/** A sidecar over a repository whose agents are scripts of the shell. */
export async function createStage (t: Test, options: TestSidecarOptions = {}): Promise<Stage> {
  const signs = await temporaryFolder(t, 'cco-signs')
  const program = join(signs, 'agent.sh')
  await writeFile(program, PROGRAM, { mode: 0o700 })
  const started = await startSidecar(t, { ...options, settings: { 'spawn-command': `/bin/sh "${program}"`, 'rate-limit-enabled': 'false', ...options.settings } })
  await started.sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const { ask } = started
  let issues = 0
  const stage: Stage = {
    ...started,
    signs,
    async spawn (task, more = {}) {
      const { status, text, body } = await ask('POST', '/api/agents/spawn', { body: { agent_type: 'test-engineer', issue_id: `issue-${++issues}`, task, environment: { SIGNS: signs }, ...more } })
      if (status !== 201) throw new Error(`The spawn was answered with ${status}: ${text}`)
      return body.agent_id as string
    },
    async cco (...args) {
      const { port } = started.sidecar.app.server.address() as AddressInfo
      const terminal = stubTerminal({ cwd: started.root, env: { HOME: signs, CCO_SIDECAR_PORT: String(port), CCO_SIDECAR_STORAGE: started.storage } })
      const code = await run(args, terminal)
      return { code, stdout: terminal.stdout(), stderr: terminal.stderr() }
    },
    async ended (id) {
      const status = async (): Promise<Record<string, unknown>> => (await ask('GET', `/api/agents/${id}/status`)).body as Record<string, unknown>
      await eventually(async () => FINAL.includes((await status()).state as string), `agent ${id} ends`, ENDS_MS)
      return await status()
    },
    async work (task, more) {
      return await stage.ended(await stage.spawn(task, more)) as Record<string, unknown> & { agent_id: string }
    }
  }
  return stage
}
