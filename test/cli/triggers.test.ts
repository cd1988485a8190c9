import type { AddressInfo } from 'node:net'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { run } from '../../cli/program.js'
import { eventually } from '../../core/testing/expectations.js'
import { startSidecar } from '../support/sidecar.js'
import { quickFolder, temporaryFolder } from '../support/temporary.js'
import { stubTerminal } from './stub-terminal.js'

const ENDS_MS = 60_000
const RULES = {
  triggers: [{
    name: 'fix',
    on: { type: 'build_broken', topic: 'coordination' },
    spawn: [{ agent_type: 'debugger', task: 'Find out why {{data.build}} broke.' }],
    max_rounds: 1
  }]
}

interface Driven {
  cco (...args: string[]): Promise<{ code: number, stdout: string, stderr: string }>
  ask: Awaited<ReturnType<typeof startSidecar>>['ask']
}

async function drive (t: Test, rules: object | undefined, settings: Record<string, string> = {}): Promise<Driven> {
  const agent = join(await temporaryFolder(t, 'cco-agent'), 'agent.sh')
  await writeFile(agent, 'echo done\n')
  const { sidecar, storage, root, ask } = await startSidecar(t, {
    files: { 'README.md': '# Sample\n', ...(rules === undefined ? {} : { '.cco/triggers.json': JSON.stringify(rules) }) },
    storage: await quickFolder(t),
    settings: { 'spawn-command': `/bin/sh "${agent}"`, ...settings }
  })
  await sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = sidecar.app.server.address() as AddressInfo
  const cco: Driven['cco'] = async (...args) => {
    const terminal = stubTerminal({ cwd: root, env: { HOME: storage, CCO_SIDECAR_PORT: String(port), CCO_SIDECAR_STORAGE: storage } })
    const code = await run(args, terminal)
    return { code, stdout: terminal.stdout(), stderr: terminal.stderr() }
  }
  return { cco, ask }
}

t.test('rules are listed with what they did, and told what they would do', async (t) => {
  const { cco, ask } = await drive(t, RULES)
  const publish = async (build: string): Promise<void> => {
    t.equal((await cco('events', 'publish', 'build_broken', '--topic', 'coordination', '--correlation-id', 'release-7', '--data', JSON.stringify({ issue_id: 'issue-1', build }))).code, 0)
  }
  const wouldStart = ['triggers', 'test', 'build_broken', '--topic', 'coordination', '--correlation-id', 'release-7', '--data', '{"issue_id": "issue-1", "build": "b-1"}']
  t.match(await cco('triggers', 'list'), { code: 0, stdout: /RULE +ON +STARTS[^]*\nfix +build_broken, coordination +debugger +0 +0 +0 +-/ })
  t.match(await cco(...wouldStart), { code: 0, stdout: 'fix  starts\n  debugger  issue-1  Find out why b-1 broke.' })
  t.match(await cco('triggers', 'test', 'build_broken', '--topic', 'testing'), { code: 0, stdout: /^fix {2}passes: it does not match/ })
  t.match(await cco('triggers', 'test', 'build_broken', '--topic', 'coordination'), { code: 0, stdout: /^fix {2}refused: the event has no 'data\./ })
  t.same((await ask('GET', '/api/agents')).body.agents, [], 'a test starts nobody')

  await publish('b-1')
  await eventually(async () => (await ask('GET', '/api/triggers')).body.triggers[0].started === 1, 'the rule starts its agent', ENDS_MS)
  await publish('b-2')
  await eventually(async () => (await ask('GET', '/api/triggers')).body.triggers[0].refused === 1, 'and is held by its bound', ENDS_MS)
  t.match(await cco('triggers', 'list'), { code: 0, stdout: /\nfix +build_broken, coordination +debugger +2 +1 +1 +\S+ \S+ refused: / })
  t.match(JSON.parse((await cco('triggers', 'list', '--format', 'json')).stdout), { triggers: [{ name: 'fix', matched: 2, started: 1, refused: 1, last: { outcome: 'refused' } }] })
  t.match(await cco(...wouldStart), { stdout: /^fix {2}refused: / })
  const { text } = await ask('GET', '/metrics')
  t.match(text, /sidecar_trigger_events_total\{outcome="started"\} 1\n/)
  t.match(text, /sidecar_trigger_events_total\{outcome="refused"\} 1\n/)
  t.match(text, /sidecar_trigger_refusals_total\{bound="max_rounds"\} 1\n/)
  t.match(text, /sidecar_triggered_agents_total 1\n/)
})

t.test('it is said when there are none, and when nothing is started', async (t) => {
  const none = await drive(t, undefined)
  t.match(await none.cco('triggers', 'list'), { code: 0, stdout: /^No triggers\. .*cco trust/ })
  t.match(await none.cco('triggers', 'test', 'build_broken', '--topic', 'coordination'), { code: 0, stdout: /^No triggers\./ })
  const dry = await drive(t, RULES, { 'triggers-dry-run': 'true' })
  t.match(await dry.cco('triggers', 'list'), { code: 0, stdout: /^Nothing is started: triggers\.dry_run is set\.\nRULE/ })
})
