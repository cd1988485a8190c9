import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readOptions as readBenchOptions } from '../../bench/fleet/options.js'
import { readOptions } from '../../bench/fleet/soak/options.js'
import { filesLeft, processesLeft } from '../../bench/fleet/soak/remains.js'
import { countStates, render } from '../../bench/fleet/soak/table.js'
import { temporaryFolder } from '../support/temporary.js'

t.test('the soak finds a process by its agent and by its group, and no other', { skip: process.platform !== 'linux' }, async (t) => {
  const folder = await temporaryFolder(t)
  const start = async (environment: Record<string, string>, cwd: string): Promise<number> => {
    const child = spawn('sleep', ['600'], { cwd, env: { PATH: process.env.PATH, ...environment }, stdio: 'ignore', detached: true })
    t.teardown(() => child.kill('SIGKILL'))
    await once(child, 'spawn')
    return child.pid!
  }
  const [marked, grouped, elsewhere] = [await start({ AGENT_ID: 'a-1' }, '/'), await start({}, folder), await start({ AGENT_ID: 'stranger' }, '/')]
  const left = await processesLeft(new Set(['a-1', 'a-2']), new Map([[grouped, 'a-2'], [elsewhere, 'a-2']]), folder)
  t.same(left.sort((a, b) => (a.agent < b.agent ? -1 : 1)), [{ pid: marked, agent: 'a-1', by: 'AGENT_ID' }, { pid: grouped, agent: 'a-2', by: 'group' }])
})

t.test('the soak finds files of a moment and folders of nobody', async (t) => {
  const folder = await temporaryFolder(t)
  for (const path of ['tmp', 'storage/agents/a-1', 'storage/agents/a-2']) mkdirSync(join(folder, path), { recursive: true })
  for (const path of ['storage/agents/a-1/agent.json', 'storage/agents/a-1/context.json', 'tmp/x']) writeFileSync(join(folder, path), '{}')
  t.same((await filesLeft(join(folder, 'tmp'), join(folder, 'storage'))).sort(), ['storage/agents/a-1/context.json', 'storage/agents/a-2', 'tmp/x'].map((path) => join(folder, path)))
})

t.test('the table shows who has not ended and who is not there', async (t) => {
  const plan = [{ task: '1', behaviour: 'quick' }, { task: '2', behaviour: 'quick' }, { task: '3', behaviour: 'mute' }]
  const counts = countStates(plan, [{ task: '1', state: 'completed' }, { task: '2', state: 'running' }])
  t.match(render(counts, [], ['it is so']), /\nquick +1 +- +- +- +1 +-\n[^]*\nmute +- +- +- +- +- +1\n[^]*\nWRONG: it is so$/)
})

t.test('command lines are checked', async (t) => {
  t.match(readOptions(['--agents', '3', '--kills', '0']), { agents: 3, kills: 0, seed: Number })
  t.strictSame(readBenchOptions(['--only', 'crowd,heap', '--quick']), { only: ['crowd', 'heap'], quick: true, format: 'text' })
})
