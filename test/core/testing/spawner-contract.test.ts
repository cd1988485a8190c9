import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import t from 'tap'
import type { AgentHandle, AgentSign, Json, Spawner } from '../../../core/contracts/index.js'
import { spawnerContract, type TestFunction } from '../../../core/testing/index.js'
import type { Faults } from './fakes/log-signs.js'
import { createFakeSpawner, groupRuns, handleOf, signalGroup } from './fakes/spawner.js'
import { failureIn, failuresOf } from './suite-run.js'

const SIGNS: AgentSign[] = [
  { kind: 'progress', message: 'reads Größe.md' },
  { kind: 'rate_limited', until: 1_900_000_000_000 },
  { kind: 'usage', usage: { input_tokens: 10, output_tokens: 2, cached_tokens: null, cost_usd: 0.01, turns: 1 } },
  { kind: 'result', status: 'success', text: 'done' }
]
/** Its characters beyond ASCII are written as escapes, which is all that the fake can read. */
const TRANSCRIPT = { lines: SIGNS.map((sign) => JSON.stringify({ sign }).replace(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)), signs: SIGNS }

interface Fault {
  name: string
  fails: string
  /** Makes the spawner at fault; `correct` is what it does otherwise. */
  breaks (correct: Spawner, command: string[]): Partial<Spawner>
}

function suiteOver (directory: string, fault?: Fault): (test: TestFunction) => void {
  return (test) => spawnerContract({
    test,
    directory,
    transcript: TRANSCRIPT,
    async create ({ command }) {
      const correct = createFakeSpawner({ command })
      return { instance: { ...correct, ...fault?.breaks(correct, command) }, dispose: async () => {} }
    }
  })
}

/** A spawner whose handles differ from the correct ones. */
function withHandle (change: (handle: AgentHandle, pid: number) => Partial<AgentHandle>) {
  return (correct: Spawner): Partial<Spawner> => ({
    async start (request) {
      const handle = await correct.start(request)
      return { ...handle, ...change(handle, handle.process_id!) }
    }
  })
}

/** A spawner that reads what its agents write with a fault. */
function reading (faults: Faults) {
  return (_: Spawner, command: string[]): Partial<Spawner> => createFakeSpawner({ command, faults })
}

const faults: Fault[] = [
  { name: 'says that an agent is there when it is not', fails: 'start of a command that does not exist is refused with AGT_001, and the next start is not', breaks: (correct) => ({ start: (request) => correct.start(request).catch(() => handleOf(0x7fffffff, Promise.resolve({ code: null, signal: null }))) }) },
  { name: 'hands its own environment on', fails: 'the agent gets the environment that it was given, and nothing else', breaks: (_, command) => ({ start: (request) => createFakeSpawner({ command, environment: process.env }).start(request) }) },
  { name: 'filters secrets by their names', fails: 'the agent gets the environment that it was given, and nothing else', breaks: (_, command) => ({ start: (request) => createFakeSpawner({ command, environment: Object.fromEntries(Object.entries(process.env).filter(([name]) => !/TOKEN|SECRET|KEY/.test(name))) }).start(request) }) },
  { name: 'loses a variable', fails: 'the agent gets the environment that it was given, and nothing else', breaks: (correct) => ({ start: ({ environment: { EMPTY, ...environment }, ...request }) => correct.start({ ...request, environment }) }) },
  { name: 'works in another folder', fails: 'the agent works in the folder of the project', breaks: (correct) => ({ start: (request) => correct.start({ ...request, project_root: request.directory }) }) },
  { name: 'throws the output away', fails: 'what the agent says on both outputs reaches its log file', breaks: (correct) => ({ start: (request) => correct.start({ ...request, log_file: '/dev/null' }) }) },
  { name: 'writes all output into one file', fails: 'what the agent says on both outputs reaches its log file', breaks: (correct) => ({ async start (request) { const handle = await correct.start(request); return { ...handle, exited: handle.exited.then((exit) => { appendFileSync(request.log_file, 'said on stdout: of another\n'); return exit }) } } }) },
  { name: 'puts the token into the reference', fails: 'no secret of the environment stands in an argument or in the reference', breaks: (correct) => ({ async start (request) { return { ...await correct.start(request), reference: { environment: request.environment } } } }) },
  { name: 'puts the token into an argument', fails: 'no secret of the environment stands in an argument or in the reference', breaks: (_, command) => ({ start: (request) => createFakeSpawner({ command: [...command, request.environment.JWT_TOKEN!] }).start(request) }) },
  { name: 'calls every exit a success', fails: 'the exit code is reported', breaks: withHandle(({ exited }) => ({ exited: exited.then(() => ({ code: 0, signal: null })) })) },
  { name: 'takes a kill for a success', fails: 'an agent that was killed is reported, and not as a success', breaks: withHandle(({ exited }) => ({ exited: exited.then(({ code, signal }) => ({ code: code ?? 0, signal })) })) },
  {
    name: 'looks at its child only',
    fails: 'exited waits until nothing of the agent is left',
    breaks: (_, command) => ({
      start: (request) => new Promise((resolve) => {
        const child = spawn(command[0]!, command.slice(1), { cwd: request.project_root, env: request.environment, stdio: 'ignore', detached: true })
        child.once('spawn', () => resolve({ ...handleOf(child.pid!, Promise.resolve({ code: 0, signal: null })), exited: new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal }))) }))
      })
    })
  },
  {
    name: 'does not read the output',
    fails: 'an agent that says a lot is not held up',
    breaks: (_, command) => ({
      start: (request) => new Promise((resolve) => {
        const child = spawn(command[0]!, command.slice(1), { cwd: request.project_root, env: request.environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
        child.once('spawn', () => resolve(handleOf(child.pid!, new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal }))))))
      })
    })
  },
  { name: 'kills without asking', fails: 'stop asks first, and resolves as soon as the agent is gone', breaks: withHandle(({ exited }, pid) => ({ async stop () { signalGroup(pid, 'SIGKILL'); await exited } })) },
  { name: 'always waits for the grace', fails: 'stop asks first, and resolves as soon as the agent is gone', breaks: withHandle(({ stop }) => ({ async stop (options) { await stop(options); await new Promise((resolve) => setTimeout(resolve, options.graceMs).unref()) } })) },
  { name: 'only asks', fails: 'stop ends an agent that does not listen, and what it started', breaks: withHandle((_, pid) => ({ async stop ({ graceMs }) { signalGroup(pid, graceMs === 0 ? 'SIGKILL' : 'SIGTERM') } })) },
  { name: 'ends the agent but not what it started', fails: 'stop ends an agent that does not listen, and what it started', breaks: withHandle(({ stop }, pid) => ({ async stop (options) { if (options.graceMs === 0) return stop(options); process.kill(pid, 'SIGKILL'); await new Promise((resolve) => setTimeout(resolve, 100)) } })) },
  { name: 'throws on a second stop', fails: 'stop may be called again, at once and later', breaks: withHandle(({ stop }) => { let stopped = false; return { async stop (options) { const again = stopped; stopped = true; await stop(options); if (again) throw new Error('stopped already') } } }) },
  { name: 'stops all agents with one', fails: 'stop of one agent leaves another running', breaks: (() => { const all: AgentHandle[] = []; return (correct: Spawner): Partial<Spawner> => ({ async start (request) { const handle = await correct.start(request); all.push(handle); return { ...handle, async stop (options) { await Promise.all(all.map((each) => each.stop(options))) } } } }) })() },
  { name: 'says that it adopts and cannot', fails: 'adopt: a new instance takes an agent over and sees its exit', breaks: () => ({ adopt: async () => undefined }) },
  { name: 'takes an adopted agent for gone', fails: 'adopt: a new instance takes an agent over and sees its exit', breaks: () => ({ adopt: async (reference: Json) => ({ ...handleOf((reference as { pid: number }).pid, Promise.resolve({ code: null, signal: null })), exited: Promise.resolve({ code: null, signal: null }) }) }) },
  { name: 'adopts what is gone', fails: 'adopt: a reference to what is gone gives undefined', breaks: () => ({ adopt: async (reference: Json) => handleOf((reference as { pid: number }).pid, Promise.resolve({ code: null, signal: null })) }) },
  { name: 'ends its agents when it is closed', fails: 'adopt: an agent goes on when the instance that started it is closed', breaks: (correct) => { const handles: AgentHandle[] = []; return { async start (request) { const handle = await correct.start(request); handles.push(handle); return handle }, async close () { await Promise.all(handles.map((handle) => handle.stop({ graceMs: 0 }))) } } } },
  { name: 'cleans nothing', fails: 'clean ends what is left of an agent, and may find nothing', breaks: (correct) => ({ async start (request) { const handle = await correct.start(request); return { ...handle, stop: handle.stop } }, clean: async () => { throw new Error('cannot') } }) },
  { name: 'takes the process for a sign', fails: 'signs: an agent that says nothing shows none, and the first thing that it says is its first', breaks: reading({ startIsSign: true }) },
  { name: 'tells what was said only when the agent has ended', fails: 'signs: what the agent says is told, in order, while it runs', breaks: reading({ onlyAtTheEnd: true }) },
  { name: 'tells the last sign first', fails: 'signs: what the agent says is told, in order, while it runs', breaks: (correct) => ({ start: (request) => correct.start({ ...request, on_sign: (sign) => { if (sign.kind !== 'rate_limited') request.on_sign(sign); if (sign.kind === 'usage') request.on_sign({ kind: 'rate_limited', until: 1_900_000_000_000 }) } }) }) },
  { name: 'takes what it reads at once for whole lines', fails: 'signs: what is said in pieces is told as what is said at once', breaks: reading({ piecesAreLines: true }) },
  { name: 'leaves the last line unread', fails: 'signs: all are told when exited resolves, and none comes later', breaks: reading({ leavesTheLast: true }) },
  { name: 'tells a sign after the end', fails: 'signs: all are told when exited resolves, and none comes later', breaks: reading({ tellsLater: true }) },
  { name: 'gives up at a giant line', fails: 'signs: a line of 10 MB is passed over, and what follows is told', breaks: reading({ givesUpAtGiants: true }) },
  { name: 'gives up at garbage', fails: 'signs: garbage is passed over, and what follows is told', breaks: reading({ givesUpAtGarbage: true }) },
  { name: 'keeps its place in a file that was cut', fails: 'signs: they go on when the log file was cut to nothing', breaks: reading({ keepsItsPlace: true }) },
  { name: 'reads of an adopted agent only what is new', fails: 'signs: who adopts an agent is told what it said before and what it says later', breaks: (correct, command) => ({ adopt: createFakeSpawner({ command, faults: { beginsAtTheEnd: true } }).adopt! }) },
  { name: 'takes an end without a word for a success', fails: 'signs: an agent that ends without a final word has failed, where its events are understood', breaks: reading({ silenceIsSuccess: true }) },
  { name: 'adds a variable of its own', fails: 'the agent gets the environment that it was given, and nothing else', breaks: (_, command) => ({ start: (request) => createFakeSpawner({ command, environment: { CI: 'true' } }).start(request) }) }
]

t.test('a correct spawner passes the whole suite', async (t) => {
  t.strictSame(await failuresOf(suiteOver(t.testdir())), [])
})

t.test('a correct spawner that cannot adopt passes the whole suite', async (t) => {
  const failures = await failuresOf((test) => spawnerContract({
    test,
    directory: t.testdir(),
    transcript: TRANSCRIPT,
    async create ({ command }) {
      const { adopt, ...spawner } = createFakeSpawner({ command })
      return { instance: { ...spawner, supports: { adopt: false, signs: 'events' } }, dispose: async () => {} }
    }
  }))
  t.strictSame(failures, [])
})

t.test('broken spawners fail', { jobs: 8 }, async (t) => {
  for (const fault of faults) {
    t.test(`a spawner that ${fault.name} fails '${fault.fails}'`, { buffered: true }, async (t) => {
      t.type(await failureIn(fault.fails, suiteOver(t.testdir(), fault)), 'string')
    })
  }
})

t.test('a suite that fails leaves no agent behind', async (t) => {
  const pids: number[] = []
  const fault: Fault = {
    name: 'fails late',
    fails: 'start resolves when the agent is there',
    breaks: (correct) => ({ async start (request) { const handle = await correct.start(request); pids.push(handle.process_id!); return { ...handle, process_id: 0x7ffffffe } } })
  }
  t.match(await failureIn(fault.fails, suiteOver(t.testdir(), fault)), /its process runs/)
  t.equal(pids.length, 1)
  t.notOk(groupRuns(pids[0]!))
})
