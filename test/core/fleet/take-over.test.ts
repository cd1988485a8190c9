import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { eventually } from '../../../core/testing/expectations.js'
import { writeAgentProgram } from '../../support/agent-program.js'
import { Caller, finish, told } from '../../support/fleet-caller.js'
import { isAlive } from '../../support/process-table.js'
import { createRepository } from '../../support/repository.js'
import { writePlugin } from '../http/plugin-file.js'
import { startSidecar } from '../../support/sidecar.js'
import { startSidecarProcess, type SidecarProcess } from '../../support/sidecar-process.js'
import { quickFolder, temporaryFolder } from '../../support/temporary.js'

const LINUX = process.platform === 'linux' ? {} : { skip: 'reads the process table of Linux' }

interface Place { storage: string, root: string, start (more?: Record<string, string>): Promise<SidecarProcess> }

async function createPlace (t: Test): Promise<Place> {
  const root = await temporaryFolder(t, 'cco-project')
  await createRepository(root, { 'README.md': '# Sample\n' })
  const storage = join(await quickFolder(t, 'cco-storage'), 'storage')
  const command = await writeAgentProgram(await temporaryFolder(t, 'cco-agent'))
  return { storage, root, start: async (more = {}) => await startSidecarProcess(t, { storage, root, settings: { 'spawn-command': command, 'spawn-max-retries': '0', ...more } }) }
}

t.test('a sidecar that was killed between making a process and writing it down', LINUX, async (t) => {
  const place = await createPlace(t)
  const first = await place.start()
  const fleet = new Caller(t, first.ask, place.storage)
  const done = await fleet.spawn('print')
  await fleet.ended(done.id)
  await first.kill()
  // As the record is when the process has just been made.
  const { started_at: started, ended_at: ended, exit, result_id: result, process_id: pid, reference, ...record } = fleet.record(done.id)
  t.ok(started && ended && exit && result && pid && reference)
  const id = `${done.id}x`
  mkdirSync(join(place.storage, 'agents', id), { mode: 0o700 })
  writeFileSync(join(place.storage, 'agents', id, 'agent.json'), JSON.stringify({ ...record, agent_id: id, issue_id: 'issue-x', state: 'starting', process_id: null, reference: null }))
  const child = spawn('/bin/sh', ['-c', 'sleep 1000 & sleep 1000'], { detached: true, stdio: 'ignore', env: { PATH: process.env.PATH, AGENT_ID: id } })
  const bystander = spawn('sleep', ['1000'], { stdio: 'ignore', env: { PATH: process.env.PATH, AGENT_ID: `${id}y`, OTHER: `AGENT_ID=${id}` } })
  t.teardown(() => { for (const one of [child, bystander]) one.kill('SIGKILL') })
  const exited = once(child, 'exit')

  t.test('ends the process, says that it is lost, and tries again', async (t) => {
    const second = await place.start({ 'spawn-max-retries': '1', 'spawn-retry-seconds': '0' })
    const again = new Caller(t, second.ask, place.storage)
    await exited
    t.ok(isAlive(bystander.pid!), 'a process that only speaks of it is left alone')
    t.match(await again.ended(id), { state: 'completed', attempt: 2, earlier_attempts: [{ attempt: 1, failure: 'lost', reason: /restarted/ }] })
    t.equal(await second.stop(), 0)
  })
})

t.test('a start that fails after agents were taken over lets them be', LINUX, async (t) => {
  const place = await createPlace(t)
  const first = await place.start()
  const agent = await new Caller(t, first.ask, place.storage).spawn('later success')
  await told(agent, 'ready')
  await first.kill()
  const extension = await writePlugin(await temporaryFolder(t), 'broken.mjs', `
    export default definePlugin({ kind: 'http', name: 'broken', create: () => ({ async register () { throw new Error('this extension is broken') } }) })`)
  await t.rejects(startSidecar(t, { storage: place.storage, root: place.root, plugins: [{ use: extension }] }), { message: /this extension is broken/ })
  t.ok(isAlive(agent.pid))
  const third = await place.start({ port: new URL(first.address).port })
  const adopted = new Caller(t, third.ask, place.storage)
  t.match(await adopted.status(agent.id), { state: 'running', process_id: agent.pid })
  await finish(agent)
  t.match(await adopted.ended(agent.id), { state: 'completed' })
})

t.test('a shutdown says what it did', LINUX, async (t) => {
  const place = await createPlace(t)
  const sidecar = await place.start()
  const fleet = new Caller(t, sidecar.ask, place.storage)
  const agents = [await fleet.spawn('wait'), await fleet.spawn('wait'), await fleet.spawn('stubborn')]
  await Promise.all(agents.map(async (agent) => await told(agent, 'ready')))
  await sidecar.stop()
  const summary = sidecar.log().split('\n').filter((line) => line.includes('the agents are stopped'))
  t.equal(summary.length, 1)
  t.match(JSON.parse(summary[0]!), { asked: 3, ended: 2, killed: 1, open: 0, took_ms: Number })
  t.strictSame(agents.filter(({ pid }) => isAlive(pid)), [])
  await eventually(() => agents.every(({ id }) => JSON.parse(readFileSync(join(place.storage, 'agents', id, 'agent.json'), 'utf8')).state === 'stopped'), 'all are recorded')
})
