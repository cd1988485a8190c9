import assert from 'node:assert/strict'
import { eventually, within } from '../expectations.js'
import { isAlive, logOf, type SpawnerTest } from './spawner-test.js'

const ENDS_MS = 10_000

export function exitTests (check: SpawnerTest): void {
  check('the exit code is reported', async ({ agent }) => {
    for (const code of [0, 7]) {
      const { exited } = await (await agent('report', String(code))).start()
      assert.deepEqual(await within(ENDS_MS, exited, 'the agent ends'), { code, signal: null })
      assert.deepEqual(await exited, { code, signal: null }, 'and again to who asks later')
    }
  })

  check('an agent that was killed is reported, and not as a success', async ({ agent }) => {
    const { exited } = await (await agent('crash')).start()
    const { code } = await within(ENDS_MS, exited, 'the agent ends')
    assert.notEqual(code, 0)
  })

  check('exited waits until nothing of the agent is left', async ({ agent }) => {
    const leaving = await agent('leave')
    const { exited } = await leaving.start()
    const grandchild = await leaving.told<number>('grandchild')
    const { code } = await within(ENDS_MS, exited, 'the agent ends, and what it left behind too')
    assert.equal(await isAlive(grandchild), false, 'what the agent started has ended')
    assert.equal(code, 3, 'the code is that of the agent')
  })

  check('an agent that says a lot is not held up', async ({ agent }) => {
    const flooding = await agent('flood')
    const { exited } = await flooding.start()
    assert.equal((await within(ENDS_MS, exited, 'an agent that writes 2 MB ends')).code, 0)
    assert.equal(await flooding.told('report'), true)
    await eventually(async () => (await logOf(flooding)).includes('last words'), 'the log file holds the last words')
  })
}
