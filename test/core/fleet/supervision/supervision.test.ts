import { readdirSync, readFileSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../../../../core/testing/expectations.js'
import { ENDS_MS, finish, openFleet, told, type Agent } from '../../../support/fleet-caller.js'
import { groupMembers, isAlive } from '../../../support/process-table.js'

const LINUX = process.platform === 'linux' ? {} : { skip: 'reads the process table of Linux' }

async function pidIn (agent: Pick<Agent, 'signs'>, name: string): Promise<number> {
  let pid = 0
  await eventually(async () => {
    pid = Number(await readFile(join(agent.signs, name), 'utf8').catch(() => '0'))
    return pid > 0
  }, `there is a process '${name}'`, ENDS_MS)
  t.teardown(() => {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // Gone, as it should be.
    }
  })
  return pid
}

t.test('FAULT 36: what left the group of an agent goes with it', { ...LINUX, jobs: 1 }, async (t) => {
  const fleet = await openFleet(t)
  const escaped = async (agent: Agent): Promise<number[]> => {
    await told(agent, 'ready')
    const pids = [await pidIn(agent, 'escaped'), await pidIn(agent, 'escaped-child')]
    t.ok(pids.every(isAlive))
    t.ok(pids.every((pid) => !groupMembers(agent.pid).includes(pid)), 'they are in no group of the agent')
    return pids
  }

  t.test('when it is stopped, and nobody else\'s do', async (t) => {
    const [agent, other] = [await fleet.spawn('escape'), await fleet.spawn('escape')]
    const [gone, kept] = [await escaped(agent), await escaped(other)]
    t.match(await fleet.stop(agent.id, 'force=true'), { state: 'stopped' })
    t.strictSame(gone.filter(isAlive), [])
    t.strictSame(kept.filter(isAlive), kept)
    await fleet.leftNothing(agent)
    await fleet.stop(other.id, 'force=true')
    t.strictSame(kept.filter(isAlive), [])
  })

  t.test('when it ends by itself', async (t) => {
    const agent = await fleet.spawn('escape')
    const pids = await escaped(agent)
    await finish(agent)
    t.match(await fleet.ended(agent.id), { state: 'completed', exit_code: 0 })
    t.strictSame(pids.filter(isAlive), [])
  })
})

t.test('signs of life', { ...LINUX, jobs: 1 }, async (t) => {
  const fleet = await openFleet(t, { settings: { 'spawn-first-sign-seconds': '2', 'spawn-silence-seconds': '2' } })

  t.test('one that shows none in time fails', async (t) => {
    const agent = await fleet.spawn('silent')
    t.match(await fleet.status(agent.id), { state: 'starting' })
    t.match(await fleet.ended(agent.id), { state: 'failed', failure: 'first_sign', reason: /no sign of life within 2 seconds/ })
    await fleet.leftNothing(agent)
  })

  t.test('a call of the API is one; and then it may not be silent for too long', async (t) => {
    const agent = await fleet.spawn('call')
    await fleet.isIn(agent.id, 'running')
    t.match(await fleet.status(agent.id), { last_sign_at: String })
    t.match(await fleet.ended(agent.id), { state: 'failed', failure: 'silence', reason: /showed nothing for 2 seconds/ })
    await fleet.leftNothing(agent)
  })

  t.test('one that goes on showing something is left alone', async (t) => {
    const agent = await fleet.spawn('chatter')
    await told(agent, 'ready')
    const { started_at: started } = await fleet.status(agent.id)
    await eventually(async () => Date.parse((await fleet.status(agent.id)).last_sign_at as string) - Date.parse(started as string) > 4000, 'it goes on beyond the time of silence', ENDS_MS)
    t.match(await fleet.stop(agent.id), { state: 'stopped' })
  })
})

t.test('output moves to older files, as many and as large as the settings say', LINUX, async (t) => {
  const fleet = await openFleet(t, { settings: { 'spawn-log-mb': '0.5', 'spawn-log-files': '2', 'spawn-max-output-mb': '24' } })
  const agent = await fleet.spawn('chatter')
  const files = (): string[] => readdirSync(fleet.folder(agent.id)).filter((name) => name.startsWith('output.log')).sort()
  await eventually(() => files().length === 3, 'two older files are there', ENDS_MS)
  const ended = await fleet.ended(agent.id)
  t.match(ended, { state: 'failed', failure: 'output', reason: /more than 25165824 bytes/ }, 'what was moved counts')
  t.strictSame(files(), ['output.log', 'output.log.1', 'output.log.2'])
  const sizes = files().map((name) => statSync(join(fleet.folder(agent.id), name)).size)
  t.ok(sizes.reduce((sum, size) => sum + size) < 24 * 1024 * 1024, 'and is not all kept')
  for (const name of files().slice(1)) t.ok(readFileSync(join(fleet.folder(agent.id), name), 'latin1').split('\n').slice(1, -1).every((line) => line.length === 999), 'no line is torn')
})

t.test('memory and processor time are limited by the system', LINUX, async (t) => {
  const fleet = await openFleet(t, { settings: { 'spawn-max-memory-mb': '400', 'spawn-max-cpu-seconds': '60' } })
  const agent = await fleet.spawn('wait')
  await told(agent, 'ready')
  const limits = readFileSync(`/proc/${agent.pid}/limits`, 'utf8')
  t.match(limits, new RegExp(`Max data size +${400 * 1024 * 1024} `))
  t.match(limits, /Max cpu time +60 /)
  await finish(agent)
  const greedy = await fleet.spawn('devour')
  t.match(await fleet.ended(greedy.id), { state: 'failed', failure: 'crash' })
  await fleet.leftNothing(greedy)
})

t.test('where they cannot be limited agents run all the same', LINUX, async (t) => {
  const fleet = await openFleet(t, { environment: { PATH: '/nonexistent' }, settings: { 'spawn-max-memory-mb': '400' } })
  const agents = [await fleet.spawn('print'), await fleet.spawn('print')]
  for (const { id } of agents) t.match(await fleet.ended(id), { state: 'completed' })
})
