import { join } from 'node:path'
import type { Test } from 'tap'
import type { AgentExit, AgentHandle, AgentProfile, Auth, Identity, LaunchRequest, ResultRecord, Spawner } from '../../core/contracts/index.js'
import type { Events } from '../../core/events/events.js'
import { Fleet, type Spawned } from '../../core/fleet/fleet.js'
import type { FleetLimits, FleetProject } from '../../core/fleet/fleet-options.js'
import type { SpawnBody } from '../../core/fleet/spawn-request.js'
import { Workspaces } from '../../core/fleet/workspaces/workspaces.js'
import type { ResultSubmission } from '../../core/results/results.js'
import { createTestClock, type TestClock } from '../../core/testing/clock.js'
import { eventually } from '../../core/testing/expectations.js'
import { NO_LIMITS } from './fleet-limits.js'
import { createAuditSpy } from './audit-spy.js'
import { createLogSpy } from './log-spy.js'
import { quickFolder } from './temporary.js'

/** A promise that the test settles. */
export interface Gate<Value = void> { open (value: Value): void, fail (error: Error): void, passed: Promise<Value> }

function createGate<Value = void> (): Gate<Value> {
  let open!: Gate<Value>['open']
  let fail!: Gate<Value>['fail']
  const passed = new Promise<Value>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  return { open, fail, passed }
}

/** An agent that is no process: it ends when it is told to. */
export class Puppet implements AgentHandle {
  readonly process_id = null
  readonly reference = { puppet: true }
  readonly #end = createGate<AgentExit>()
  readonly exited = this.#end.passed
  stops = 0

  end (code: number | null = 0): void {
    this.#end.open({ code, signal: code === null ? 'SIGKILL' : null })
  }

  async stop (): Promise<void> {
    this.stops++
    this.#end.open({ code: null, signal: 'SIGTERM' })
    await this.exited
  }
}

export interface Stage {
  fleet: Fleet
  storage: string
  /** One for each start that the spawner was asked for, in order. */
  starts: { request: LaunchRequest, gate: Gate<AgentHandle> }[]
  contexts: Gate<Buffer>[]
  revoked: string[]
  /** Whom tokens were issued for. */
  issued: Identity[]
  results: Record<string, unknown>[]
  submissions: ResultSubmission[]
  announced: { event_type: string, data: Record<string, unknown> }[]
  clock: TestClock
  profiles: Pick<FleetProject, 'profile' | 'findProfile'>
  log: ReturnType<typeof createLogSpy>
  /** What agents have stored themselves, by their id. */
  stored: Map<string, ResultRecord>
  spawn (type?: string, more?: Partial<SpawnBody>): Promise<Spawned>
  /** Waits for the next start that was not answered yet, and gives it a process. */
  begin (): Promise<{ request: LaunchRequest, puppet: Puppet }>
  /** What the next sidecar makes of what this one has left, which is not closed; `at` is another storage. */
  reopen (changes?: Partial<Spawner>, at?: string): Promise<Fleet>
}

const PROFILE = { permissions: ['read_context', 'publish_events'], subscribes: [], spawn: { prompt: 'Work.' }, model: { tier: 'sonnet' } } as unknown as AgentProfile

/** A fleet of which the test decides when a context is gathered, a process made and an agent ended. */
export async function createStage (t: Test, { places = 1, gateContexts = false, isSilent = false, revoke = async () => ({ revoked: 1 }), limits = {} }: {
  places?: number
  gateContexts?: boolean
  /** Agents show nothing by themselves. */
  isSilent?: boolean
  revoke?: Auth['revoke']
  limits?: Partial<FleetLimits>
} = {}): Promise<Stage> {
  const storage = await quickFolder(t)
  const starts: Stage['starts'] = []
  const contexts: Stage['contexts'] = []
  const revoked: string[] = []
  const issued: Identity[] = []
  const results: Stage['results'] = []
  const submissions: Stage['submissions'] = []
  const announced: Stage['announced'] = []
  const stored: Stage['stored'] = new Map()
  const clock = createTestClock()
  const log = createLogSpy()
  let begun = 0
  const project = { id: 'sample', root: storage, profile: () => PROFILE, findProfile: () => PROFILE }
  const make = (changes: Partial<Spawner> = {}, at = storage): Fleet => new Fleet({
    storage: at,
    spawners: new Map([['process', {
      supports: { adopt: true, signs: 'output' },
      async start (request) {
        const gate = createGate<AgentHandle>()
        starts.push({ request, gate })
        const handle = await gate.passed
        if (!isSilent) request.on_sign({ kind: 'alive' })
        return handle
      },
      ...changes
    }]]),
    auth: {
      async issue (identity: Identity) {
        issued.push(identity)
        return { token: 'token' }
      },
      async revoke (target: { agent_id: string }) {
        revoked.push(target.agent_id)
        return await revoke(target as never)
      }
    } as unknown as Auth,
    audit: createAuditSpy(),
    events: { announce: async (_project: string, _by: unknown, event: Stage['announced'][number]) => { announced.push(event) } } as unknown as Events,
    clock,
    log,
    limits: { ...NO_LIMITS, max_concurrent: places, max_queue: 9, ...limits },
    workspaces: new Workspaces({ directory: join(storage, 'worktrees'), isLive: () => false, rootOf: () => storage, redact: async (text) => text, radarMs: 1000, onCollision: async () => {}, git: async () => { throw new Error('not a git repository') }, clock, log }),
    tokenSeconds: 60,
    inherited: {},
    project: () => project,
    address: () => 'http://127.0.0.1:1',
    authority: () => undefined,
    async context () {
      const gate = createGate<Buffer>()
      contexts.push(gate)
      if (!gateContexts) gate.open(Buffer.from('{}'))
      return await gate.passed
    },
    async storeResult (_project, submission) {
      results.push(submission.result)
      submissions.push(submission)
      return { id: `res_${results.length}` } as ResultRecord
    },
    findResult: async ({ agent_id: id }) => stored.get(id)
  })
  const fleet = make()
  await fleet.open()
  t.teardown(async () => await fleet.close(0))
  return {
    fleet,
    storage,
    starts,
    contexts,
    revoked,
    issued,
    results,
    submissions,
    announced,
    clock,
    log,
    stored,
    profiles: { profile: project.profile, findProfile: project.findProfile },
    spawn: async (type = 'test-engineer', more = {}) => await fleet.spawn(project, { agent_type: type, issue_id: 'issue-1', task: 'work', ...more }),
    async begin () {
      const number = begun++
      await eventually(() => starts.length > number, `the spawner is asked ${number + 1} times`)
      const { request, gate } = starts[number]!
      const puppet = new Puppet()
      gate.open(puppet)
      return { request, puppet }
    },
    async reopen (changes, at) {
      const reopened = make(changes, at)
      await reopened.open()
      t.teardown(async () => await reopened.close(0))
      return reopened
    }
  }
}

export async function asked (stage: Stage, count: number): Promise<void> {
  await eventually(() => stage.starts.length >= count, `the spawner is asked ${count} times`)
}
