import assert from 'node:assert/strict'
import { within } from '../expectations.js'
import { isAlive, type SpawnerTest } from './spawner-test.js'

const ENDS_MS = 10_000
const LONG_GRACE_MS = 60_000

export function stopTests (check: SpawnerTest): void {
  check('stop asks first, and resolves as soon as the agent is gone', async ({ agent }) => {
    const waiting = await agent('wait')
    const handle = await waiting.start()
    const pid = await waiting.told<number>('ready')
    await within(ENDS_MS, handle.stop({ graceMs: LONG_GRACE_MS }), 'an agent that ends when asked is stopped long before the grace is over')
    assert.equal(await isAlive(pid), false)
    assert.ok(await waiting.hasTold('asked'), 'the agent had the chance to end itself')
    await within(1_000, handle.exited, 'exited resolves with the stop')
  })

  check('stop ends an agent that does not listen, and what it started', async ({ agent }) => {
    const stubborn = await agent('parent')
    const handle = await stubborn.start()
    const [parent, grandchild] = [await stubborn.told<number>('ready'), await stubborn.told<number>('grandchild')]
    await within(ENDS_MS, handle.stop({ graceMs: 200 }), 'an agent that does not listen is ended after the grace')
    assert.equal(await isAlive(parent), false, 'the agent is gone')
    assert.equal(await isAlive(grandchild), false, 'what the agent started is gone')
    assert.notEqual((await within(1_000, handle.exited, 'exited resolves with the stop')).code, 0)
  })

  check('stop may be called again, at once and later', async ({ agent }) => {
    const waiting = await agent('wait')
    const handle = await waiting.start()
    const pid = await waiting.told<number>('ready')
    await within(ENDS_MS, Promise.all([handle.stop({ graceMs: 5_000 }), handle.stop({ graceMs: 0 }), handle.stop({ graceMs: 5_000 })]), 'all of them resolve')
    assert.equal(await isAlive(pid), false)
    await within(1_000, handle.stop({ graceMs: LONG_GRACE_MS }), 'stop of what is gone resolves at once')
  })

  check('stop after the agent ended by itself keeps its exit', async ({ agent }) => {
    const handle = await (await agent('report', '7')).start()
    await within(ENDS_MS, handle.exited, 'the agent ends')
    await within(1_000, handle.stop({ graceMs: LONG_GRACE_MS }), 'stop of what is gone resolves at once')
    assert.deepEqual(await handle.exited, { code: 7, signal: null })
  })

  check('stop of one agent leaves another running', async ({ agent }) => {
    const [one, other] = [await agent('wait'), await agent('wait')]
    const [stopped, kept] = [await one.start(), await other.start()]
    await one.told<number>('ready')
    const pid = await other.told<number>('ready')
    await within(ENDS_MS, stopped.stop({ graceMs: 1_000 }), 'the agent is stopped')
    assert.ok(await isAlive(pid))
    assert.equal(await other.hasTold('asked'), false, 'the other was not even asked')
    await other.finish()
    assert.deepEqual(await within(ENDS_MS, kept.exited, 'the other ends by itself'), { code: 0, signal: null })
  })
}
