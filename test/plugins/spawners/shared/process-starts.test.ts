import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { eventually } from '../../../../core/testing/expectations.js'
import { createProcessStarts, type ProcessStarts } from '../../../../plugins/spawners/shared/process-starts.js'
import { temporaryFolder } from '../../../support/temporary.js'

const LINUX = process.platform === 'linux' ? {} : { skip: 'reads /proc' }

function open (t: Test): ProcessStarts {
  const starts = createProcessStarts()
  t.teardown(async () => await starts.close())
  return starts
}

function shell (folder: string, script: string) {
  return { command: '/bin/sh', args: ['-c', script], cwd: folder, environment: { PATH: process.env.PATH ?? '', WHO: 'ada' }, log_file: join(folder, 'output.log') }
}

/** The helper is the child of this process that runs its file. */
function helpers (): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return state !== 'Z' && Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('start-helper')
    } catch {
      return false
    }
  })
}

// The helper keeps nothing alive; a server would.
const alive = setInterval(() => {}, 1000)
t.teardown(() => clearInterval(alive))

t.test('exits are told as they were, output is appended, and the environment is what was given', async (t) => {
  const starts = open(t)
  const folder = await temporaryFolder(t)
  const three = await starts.start(shell(folder, 'echo "$WHO"; exit 3'))
  t.same(await three.exited, { code: 3, signal: null })
  const killed = await starts.start(shell(folder, 'echo again; kill -KILL $$'))
  t.same(await killed.exited, { code: null, signal: 'SIGKILL' })
  t.equal(readFileSync(join(folder, 'output.log'), 'utf8'), 'ada\nagain\n')
})

t.test('what the system refuses is told with its code', async (t) => {
  const starts = open(t)
  const folder = await temporaryFolder(t)
  await t.rejects(starts.start({ ...shell(folder, ''), command: join(folder, 'missing') }), { code: 'ENOENT' })
  await t.rejects(starts.start({ ...shell(folder, ''), log_file: join(folder, 'no', 'output.log') }), { code: 'ENOENT' })
  await t.rejects(starts.start({ ...shell(folder, ''), environment: { LONG: 'x'.repeat(4_000_000) } }), { code: 'E2BIG' })
})

t.test('a helper that is gone takes no process with it, and the next start has another', LINUX, async (t) => {
  const starts = open(t)
  const folder = await temporaryFolder(t)
  const agent = await starts.start(shell(folder, 'exec sleep 600'))
  t.teardown(() => process.kill(agent.pid, 'SIGKILL'))
  const [helper] = helpers()
  process.kill(helper!, 'SIGKILL')
  t.equal(await agent.exited, undefined, 'nobody can say how it ends')
  t.ok(process.kill(agent.pid, 0), 'it is there')
  t.same(await (await starts.start(shell(folder, 'exit 0'))).exited, { code: 0, signal: null })
  t.not(helpers()[0], helper)
})

t.test('a helper that dies before it answers fails the start, and nothing of it runs later', LINUX, async (t) => {
  const starts = open(t)
  const folder = await temporaryFolder(t)
  await (await starts.start(shell(folder, 'exit 0'))).exited
  const [helper] = helpers()
  process.kill(helper!, 'SIGSTOP')
  const starting = Promise.all([1, 2].map(async () => await t.rejects(starts.start(shell(folder, 'echo run')), { message: /the process that starts agents is gone/ })))
  process.kill(helper!, 'SIGKILL')
  await starting
  await (await starts.start(shell(folder, 'echo next'))).exited
  t.equal(readFileSync(join(folder, 'output.log'), 'utf8'), 'next\n')
})

t.test('a start that is open when its spawner is closed fails, and nothing of it runs later', LINUX, async (t) => {
  const starts = createProcessStarts()
  const folder = await temporaryFolder(t)
  await (await starts.start(shell(folder, 'exit 0'))).exited
  const [helper] = helpers()
  process.kill(helper!, 'SIGSTOP')
  const starting = t.rejects(starts.start(shell(folder, 'echo run')), { message: /the process that starts agents is gone/ })
  const closing = starts.close()
  process.kill(helper!, 'SIGKILL')
  await Promise.all([starting, closing])
  t.same(helpers(), [])
  t.notOk(readFileSync(join(folder, 'output.log'), 'utf8').includes('run'))
  await t.rejects(starts.start(shell(folder, 'exit 0')), { message: 'the spawner is closed' })
})

t.test('FAULT 37: with a large heap a start does not stop the event loop as a bare one does', LINUX, async (t) => {
  const starts = open(t)
  const folder = await temporaryFolder(t)
  await (await starts.start(shell(folder, 'exit 0'))).exited
  // Every page is written to: what takes its time is to copy the tables of all of them.
  const heap = Array.from({ length: 16 }, () => Buffer.alloc(16 * 1024 * 1024, 1))
  const blocked = { helped: [] as number[], bare: [] as number[] }
  for (let round = 0; round < 9; round++) {
    let begin = performance.now()
    const starting = starts.start(shell(folder, 'exit 0'))
    blocked.helped.push(performance.now() - begin)
    await (await starting).exited
    begin = performance.now()
    const child = spawn('/bin/sh', ['-c', 'exit 0'], { stdio: 'ignore' })
    blocked.bare.push(performance.now() - begin)
    await once(child, 'exit')
  }
  const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!
  t.ok(median(blocked.helped) < median(blocked.bare) / 2, `${median(blocked.helped)} and ${median(blocked.bare)} ms with ${heap.length} pieces`)
})

t.test('the helper can be made before it is needed, and is not made for who was closed by then', LINUX, async (t) => {
  const [early, closed] = [createProcessStarts({ prepareMs: 1 }), createProcessStarts({ prepareMs: 1 })]
  t.teardown(async () => await early.close())
  closed.prepare()
  await closed.close()
  t.same(helpers(), [])
  early.prepare()
  await eventually(() => helpers().length === 1, 'it is there')
})

t.test('the helper stays until the last of those that used it is closed', LINUX, async (t) => {
  const [one, other] = [createProcessStarts(), createProcessStarts()]
  const folder = await temporaryFolder(t)
  for (const starts of [one, other]) await (await starts.start(shell(folder, 'exit 0'))).exited
  await one.close()
  await one.close()
  t.equal(helpers().length, 1)
  await other.close()
  t.equal(helpers().length, 0)
})
