import assert from 'node:assert/strict'
import type { AgentHandle, OnSign, Spawner } from '../../contracts/spawner.js'
import type { Json } from '../../contracts/common.js'
import { eventually, within } from '../expectations.js'
import { isAlive, type Agent, type SpawnerTest } from './spawner-test.js'

const ENDS_MS = 10_000

/** As it comes back from where the sidecar kept it. */
export function kept (handle: AgentHandle): Json {
  return JSON.parse(JSON.stringify(handle.reference)) as Json
}

export async function adopt (spawner: Spawner, reference: Json, { request }: Agent, onSign: OnSign = () => {}): Promise<AgentHandle | undefined> {
  assert.ok(spawner.adopt, 'what supports adopt has adopt()')
  return within(ENDS_MS, spawner.adopt(reference, { log_file: request.log_file, on_sign: onSign }), 'adopt() answers')
}

export function adoptTests (check: SpawnerTest): void {
  check('adopt: a new instance takes an agent over and sees its exit', async ({ agent }) => {
    const waiting = await agent('wait', '7')
    if (!waiting.spawner.supports.adopt) return
    const handle = await waiting.start()
    await waiting.told<number>('ready')
    const adopted = await adopt(await waiting.restarted(), kept(handle), waiting)
    assert.ok(adopted, 'an agent that runs can be adopted')
    assert.equal(adopted.process_id, handle.process_id)
    assert.deepEqual(adopted.reference, handle.reference)
    // Only a spawner at fault ends the race early; a correct one cannot fail here.
    const early = await Promise.race([adopted.exited.then(() => true), new Promise<boolean>((resolve) => setTimeout(resolve, 100, false))])
    assert.equal(early, false, 'exited does not resolve while the agent runs')
    await waiting.finish()
    const { code } = await within(ENDS_MS, adopted.exited, 'the new instance sees the exit')
    assert.ok(code === 7 || code === null, `the code is 7, or null where it is unknown, and not ${String(code)}`)
  })

  check('adopt: a new instance stops an adopted agent, and what it started', async ({ agent }) => {
    const stubborn = await agent('parent')
    if (!stubborn.spawner.supports.adopt) return
    const handle = await stubborn.start()
    const [parent, grandchild] = [await stubborn.told<number>('ready'), await stubborn.told<number>('grandchild')]
    const adopted = await adopt(await stubborn.restarted(), kept(handle), stubborn)
    await within(ENDS_MS, adopted!.stop({ graceMs: 200 }), 'an adopted agent can be stopped')
    assert.equal(await isAlive(parent), false, 'the agent is gone')
    assert.equal(await isAlive(grandchild), false, 'what the agent started is gone')
    await within(1_000, adopted!.exited, 'exited resolves with the stop')
    await adopted!.stop({ graceMs: 0 })
  })

  check('adopt: an agent goes on when the instance that started it is closed', async ({ agent }) => {
    const waiting = await agent('wait')
    if (!waiting.spawner.supports.adopt) return
    const handle = await waiting.start()
    const pid = await waiting.told<number>('ready')
    await waiting.spawner.close?.()
    assert.ok(await isAlive(pid), 'agents outlive the sidecar')
    const adopted = await adopt(await waiting.restarted(), kept(handle), waiting)
    assert.ok(adopted)
    await adopted.stop({ graceMs: 5_000 })
    assert.equal(await isAlive(pid), false)
  })

  check('adopt: a reference to what is gone gives undefined', async ({ agent }) => {
    const reporting = await agent('report')
    if (!reporting.spawner.supports.adopt) return
    const handle = await reporting.start()
    await within(ENDS_MS, handle.exited, 'the agent ends')
    assert.equal(await adopt(reporting.spawner, kept(handle), reporting), undefined)
    assert.equal(await adopt(await reporting.restarted(), kept(handle), reporting), undefined)
  })

  check('clean ends what is left of an agent, and may find nothing', async ({ agent }) => {
    const [left, neighbour] = [await agent('parent'), await agent('wait')]
    if (left.spawner.clean === undefined) return
    const handle = await left.start()
    const other = await neighbour.start()
    const pids = [await left.told<number>('ready'), await left.told<number>('grandchild')]
    const survivor = await neighbour.told<number>('ready')
    const restarted = await left.restarted()
    // An agent that can be adopted is not there to be cleaned away while it runs: only what outlives it is.
    if (left.spawner.supports.adopt) process.kill(pids[0]!, 'SIGKILL')
    await within(ENDS_MS, restarted.clean!(kept(handle)), 'clean() resolves')
    await eventually(async () => !(await Promise.all(pids.map(isAlive))).includes(true), 'nothing of the agent is left')
    await within(ENDS_MS, restarted.clean!(kept(handle)), 'clean() of what is gone resolves')
    assert.ok(await isAlive(survivor), 'another agent goes on')
    await neighbour.finish()
    await other.exited
  })
}
