import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../../../core/testing/expectations.js'
import { writeAgentProgram } from '../../support/agent-program.js'
import { createRepository } from '../../support/repository.js'
import { quickFolder, temporaryFolder } from '../../support/temporary.js'
import { startDocumented } from './documented.js'

const ENDS_MS = 60_000
const FLOW = ['chief-architect', 'fullstack-developer', 'test-engineer', 'security-auditor', 'deployment-engineer']

const file = (value: unknown): Record<string, string> => ({ 'README.md': '# Sample\n', '.cco/triggers.json': typeof value === 'string' ? value : JSON.stringify(value) })

t.test('the standard flow runs from the architect to the deployment, each once', async (t) => {
  // Every agent stores a success; its task is none of the program's modes but that.
  const program = join(await temporaryFolder(t, 'cco-agent'), 'agent.mjs')
  await writeFile(program, `
    const body = { agent_id: process.env.AGENT_ID, agent_type: process.env.AGENT_TYPE, issue_id: process.env.ISSUE_ID, result: { status: 'success', files_created: ['a.ts'], files_modified: [], decisions: [process.env.TASK] }, correlation_id: process.env.CORRELATION_ID }
    const answer = await fetch(process.env.SIDECAR_URL + '/results', { method: 'POST', headers: { authorization: 'Bearer ' + process.env.JWT_TOKEN, 'content-type': 'application/json' }, body: JSON.stringify(body) })
    if (answer.status !== 201) throw new Error(await answer.text())
  `)
  const { sidecar, ask } = await startDocumented(t, { files: file({ use: ['standard-flow'] }), storage: await quickFolder(t), settings: { 'spawn-command': `"${process.execPath}" "${program}"` } })
  await sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const { status } = await ask('POST', '/api/agents/spawn', { body: { agent_type: 'chief-architect', issue_id: 'issue-1', task: 'Design.', correlation_id: 'flow-1' } })
  t.equal(status, 201)
  const agents = async (): Promise<{ agent_type: string, state: string, task: string, correlation_id: string }[]> => (await ask('GET', '/api/agents')).body.agents
  await eventually(async () => {
    const all = await agents()
    return all.length >= FLOW.length && all.every(({ state }) => state === 'completed')
  }, 'the flow comes to its end', ENDS_MS)
  const all = await agents()
  t.strictSame(all.map((agent) => agent.agent_type).sort(), FLOW.toSorted())
  t.strictSame(new Set(all.map((agent) => agent.correlation_id)), new Set(['flow-1']))
  t.match(all.find((agent) => agent.agent_type === 'test-engineer')?.task, /^Test what fullstack-developer implemented for issue-1 \(result res_\w+\)\. Files: a\.ts$/)
  const { body } = await ask('GET', '/api/triggers')
  t.match(body, { dry_run: false, triggers: [{ name: 'standard-flow.implementation', started: 1 }, { name: 'standard-flow.verification', started: 2 }, { name: 'standard-flow.deployment', started: 1 }] })
})

t.test('what an event would start is told, and nothing is started', async (t) => {
  const { ask, agent } = await startDocumented(t, { files: file({ use: ['standard-flow'] }) })
  const event = { event_type: 'agent_completed', topic: 'architecture', data: { issue_id: 'issue-1', agent_type: 'chief-architect', status: 'success', result_id: 'res_1' } }
  const { status, body } = await ask('POST', '/api/triggers/evaluate', { body: { event } })
  t.equal(status, 200)
  t.match(body.evaluations, [
    { name: 'standard-flow.implementation', outcome: 'starts', reason: null, agents: [{ agent_type: 'fullstack-developer', issue_id: 'issue-1', task: 'Implement what chief-architect decided for issue-1; its result is res_1.' }] },
    { name: 'standard-flow.verification', outcome: 'passes', reason: 'it does not match `on`', agents: [] },
    { name: 'standard-flow.deployment', outcome: 'passes' }
  ])
  const missing = await ask('POST', '/api/triggers/evaluate', { body: { event: { ...event, data: { ...event.data, result_id: undefined } } } })
  t.match(missing.body.evaluations[0], { outcome: 'refused', bound: 'template', reason: "the event has no 'data.result_id'" })
  t.strictSame((await ask('GET', '/api/agents')).body.agents, [])
  const { token } = await agent('test-engineer')
  t.match(await ask('GET', '/api/triggers', { token }), { status: 403, body: { code: 'AUTH_003' } })
})

t.test('the file of a project that is not trusted starts nothing, and is not even read', async (t) => {
  for (const value of [{ use: ['standard-flow'] }, 'no JSON']) {
    const { ask } = await startDocumented(t, { files: file(value), trusted: false })
    t.strictSame((await ask('GET', '/api/triggers')).body.triggers, [])
  }
})

t.test('a file that is not valid stops the start, and says where', async (t) => {
  for (const [value, code, message] of [
    [{ use: ['standard-flo'] }, 'SIDECAR_ERR_CONFIG_INVALID', /\.cco\/triggers\.json: use\.0: there is no ready set/],
    [{ triggers: [{ on: { type: 'note' }, spawn: [{ agent_type: 'test-enginer', task: 'x' }] }] }, 'SIDECAR_ERR_CONFIG_INVALID', /did you mean 'test-engineer'\?/],
    ['{', 'SIDECAR_ERR_CONFIG_INVALID', /triggers\.json are no valid JSON/]
  ] as const) {
    await t.rejects(startDocumented(t, { files: file(value) }), { code, message })
  }
})

t.test('a project that is added brings its own rules, or those of the configuration, or is refused', async (t) => {
  const root = await temporaryFolder(t, 'cco-project')
  await createRepository(root, { 'README.md': '# Other\n' })
  const { ask, agent } = await startDocumented(t, { projects: [{ project_id: 'named', root, triggers: { origin: 'the test', value: { use: ['standard-flow'] } } }] })
  const { token } = await agent('chief-architect', { project_id: 'named' })
  t.equal((await ask('GET', '/api/triggers', { token })).body.triggers.length, 3)
  t.strictSame((await ask('GET', '/api/triggers')).body.triggers, [], 'and they are of that project alone')
  const other = await temporaryFolder(t, 'cco-project')
  await createRepository(other, { 'README.md': '# Other\n' })
  await mkdir(join(other, '.cco'))
  await writeFile(join(other, '.cco', 'triggers.json'), JSON.stringify({ use: ['standard-flow'] }))
  t.equal((await ask('POST', '/api/projects', { body: { project_id: 'added', root: other } })).status, 201)
  const added = await agent('chief-architect', { project_id: 'added' })
  t.strictSame((await ask('GET', '/api/triggers', { token: added.token })).body.triggers, [], 'nobody has trusted it')
})

t.test('agents of a trigger that meet a full queue are tried again, end as dead letters, and are driven again', async (t) => {
  const signs = await temporaryFolder(t, 'cco-signs')
  const command = await writeAgentProgram(await temporaryFolder(t, 'cco-agent'))
  const { sidecar, ask } = await startDocumented(t, {
    files: file({ triggers: [{ name: 'note', on: { type: 'note' }, spawn: [{ agent_type: 'test-engineer', task: 'print' }] }] }),
    storage: await quickFolder(t),
    settings: { 'spawn-command': command, 'spawn-max-concurrent': '1', 'spawn-max-queue': '0', 'triggers-retry-seconds': '0.01,0.01' }
  })
  await sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const { body: busy } = await ask('POST', '/api/agents/spawn', { body: { agent_type: 'chief-architect', issue_id: 'issue-0', task: 'work', environment: { SIGNS: signs } } })
  const { body: event } = await ask('POST', '/api/events/note', { body: { topic: 'coordination', data: { issue_id: 'issue-1' } } })
  await eventually(async () => (await ask('GET', '/api/events/dead-letters')).body.dead_letters.length === 1, 'it is a dead letter', ENDS_MS)
  t.match((await ask('GET', '/api/events/dead-letters')).body.dead_letters, [{ target: 'trigger:note', attempts: 3, event: { event_id: event.event_id } }])
  await ask('DELETE', `/api/agents/${String(busy.agent_id)}?timeout_seconds=1`)
  t.equal((await ask('POST', `/api/events/dead-letters/${String(event.event_id)}/redrive`)).status, 202)
  await eventually(async () => (await ask('GET', '/api/agents?agent_type=test-engineer')).body.agents[0]?.state === 'completed', 'the agent runs after all', ENDS_MS)
  t.strictSame((await ask('GET', '/api/events/dead-letters')).body.dead_letters, [])
})
