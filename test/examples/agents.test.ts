import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import { makeCertificate } from '../support/certificate.js'
import { startSidecar, type TestSidecar } from '../support/sidecar.js'
import { quickFolder } from '../support/temporary.js'

const FILES = { 'README.md': '# Shop\n', 'src/cart.py': 'def total(lines):\n    return sum(lines)\n', 'src/main.go': 'package main\n', 'tests/test_cart.py': 'import src\n' }
const ENVIRONMENT = { PATH: process.env.PATH, HOME: process.env.HOME }
const LONGEST_MS = 40_000

const AGENTS = [
  { program: 'python3', file: 'python-agent/agent.py', publishes: 'largest_files_found' },
  { program: 'sh', needs: 'curl', file: 'shell-agent/agent.sh', publishes: 'files_counted' }
]

function missing (program: string): string | false {
  return spawnSync(program, ['--version'], { env: ENVIRONMENT }).error === undefined ? false : `${program} is not installed`
}

/** Asks until the answer is the one that is waited for. */
async function until<Value> (ask: () => Promise<Value | undefined>): Promise<Value> {
  for (const end = Date.now() + LONGEST_MS; Date.now() < end; await delay(50)) {
    const value = await ask()
    if (value !== undefined) return value
  }
  throw new Error('it did not happen in time')
}

async function endOf ({ ask }: TestSidecar, id: string): Promise<{ state: string, exit_code: number | null, result_id: string }> {
  return await until(async () => {
    const { body } = await ask('GET', `/api/agents/${id}/status`)
    return ['completed', 'failed', 'stopped', 'lost'].includes(body.state) ? body : undefined
  })
}

t.test('agents in each language reach a sidecar whose certificate has signed itself', async (t) => {
  const folder = await quickFolder(t)
  const [cert, key, choose] = ['cert.pem', 'key.pem', 'choose.sh'].map((name) => join(folder, name)) as [string, string, string]
  const made = makeCertificate()
  writeFileSync(cert, made.cert)
  writeFileSync(key, made.key)
  // The last one with nothing of ours, as any program on Node.
  writeFileSync(choose, `case "$TASK" in
${AGENTS.map(({ program, file }) => `${file}) exec ${program} "${join(PACKAGE_ROOT, 'examples', file)}" ;;`).join('\n')}
*) exec "${process.execPath}" -e 'fetch(process.env.SIDECAR_URL + "/events/called", { method: "POST", headers: { authorization: "Bearer " + process.env.JWT_TOKEN, "content-type": "application/json" }, body: JSON.stringify({ topic: "coordination", data: {} }) }).then((answer) => { process.exitCode = answer.status === 202 ? 0 : 1 })' ;;
esac
`)
  const test = await startSidecar(t, { files: FILES, environment: ENVIRONMENT, settings: { 'spawn-command': `sh "${choose}"`, 'tls-cert': cert, 'tls-key': key } })
  await test.sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const present = AGENTS.filter(({ program, needs = program }) => missing(needs) === false)
  await Promise.all([...present.map(({ file, publishes }) => ({ task: file, publishes })), { task: 'node', publishes: 'called' }].map(async ({ task, publishes }) => {
    const { body: { agent_id: id } } = await test.ask('POST', '/api/agents/spawn', { body: { agent_type: 'python-specialist', issue_id: `issue-${publishes}`, task, environment: { CCO_DEMO_WAIT_SECONDS: '0' } } })
    const end = await endOf(test, id)
    const { body: { log } } = await test.ask('GET', `/api/agents/${String(id)}/logs`)
    t.match((await test.ask('GET', `/api/events?type=${publishes}`)).body.events, [{ publisher: id }], `${end.state}: ${log}`)
  }))
})

for (const { program, needs = program, file, publishes } of AGENTS) {
  t.test(`${file} does its work when a sidecar starts it`, { skip: missing(needs) }, async (t) => {
    const test = await startSidecar(t, { files: FILES, environment: ENVIRONMENT, settings: { 'spawn-command': `${program} "${join(PACKAGE_ROOT, 'examples', file)}"` } })
    await test.sidecar.app.listen({ port: 0, host: '127.0.0.1' })
    const { status, body: spawned } = await test.ask('POST', '/api/agents/spawn', {
      body: { agent_type: 'python-specialist', issue_id: 'issue-1', task: 'cart "total" & discounts', environment: { CCO_DEMO_WAIT_SECONDS: '30' }, correlation_id: 'run-1' }
    })
    t.equal(status, 201)
    const event = await until(async () => (await test.ask('GET', `/api/events?type=${publishes}`)).body.events[0])
    t.match(event, { publisher: spawned.agent_id, topic: 'coordination', correlation_id: 'run-1', data: { issue_id: 'issue-1' } })
    await test.ask('POST', '/api/events/review_asked', { body: { topic: 'coordination', data: { issue_id: 'issue-1' } } })

    const end = await endOf(test, spawned.agent_id)
    const { body: { log } } = await test.ask('GET', `/api/agents/${String(spawned.agent_id)}/logs`)
    t.match(end, { state: 'completed', exit_code: 0, result_id: event.data.result_id }, log)
    t.match(log, 'then came review_asked of operator')
    const { body: record } = await test.ask('GET', `/api/results/${end.result_id}`)
    t.match(record, { agent_id: spawned.agent_id, status: 'success', correlation_id: 'run-1', result: { metrics: {} } })
    t.notOk('made_by' in record.result, 'the agent stored its result itself')
  })

  t.test(`${file} fails with one sentence when it lacks its environment`, { skip: missing(needs) }, async (t) => {
    const { status, stderr, stdout } = spawnSync(program, [join(PACKAGE_ROOT, 'examples', file)], { env: ENVIRONMENT, encoding: 'utf8' })
    t.equal(status, 1)
    t.match(stderr, /^agent: The environment lacks AGENT_ID.*\n$/)
    t.equal(stdout, '')
  })
}
