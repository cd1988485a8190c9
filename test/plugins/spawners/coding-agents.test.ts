import { appendFileSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { AgentExit, AgentHandle, AgentSign, LaunchRequest } from '../../../core/contracts/index.js'
import { eventually, within } from '../../../core/testing/expectations.js'
import { createFromPlugin, createPluginContext, createTestClock, TEST_TIME } from '../../../core/testing/index.js'
import { groupMembers } from '../../support/process-table.js'
import { temporaryFolder } from '../../support/temporary.js'
import { FAKE_CLI, linesOf, RECORDED, SECRET_OF_A_COMMAND, type Recorded } from './recorded.js'

const TOKEN = 'token-of-the-agent-5d1f'
const ENDS_MS = 20_000

interface Called { args: string[], input: string, environment: Record<string, string>, directory: string }

interface Played {
  request: LaunchRequest
  handle: AgentHandle
  signs: AgentSign[]
  /** Without `alive`. */
  told (): AgentSign[]
  called (): Called
}

/** Starts the fake CLI with a task that names the session to play. */
async function play (t: Test, { name, plugin }: Recorded, session: string, { options = {}, changes = {} }: { options?: Record<string, unknown>, changes?: Partial<LaunchRequest> } = {}): Promise<Played> {
  const directory = await temporaryFolder(t)
  const root = join(directory, 'shop')
  const own = join(directory, 'agent')
  await mkdir(root)
  await mkdir(own, { mode: 0o700 })
  const report = join(directory, 'report.json')
  const signs: AgentSign[] = []
  const request: LaunchRequest = {
    agent_id: 'python-specialist-1',
    agent_type: 'python-specialist',
    project_id: 'shop',
    issue_id: 'issue-1',
    project_root: root,
    directory: own,
    environment: {
      PATH: process.env.PATH!,
      AGENT_ID: 'python-specialist-1',
      SIDECAR_URL: 'http://127.0.0.1:3001/api',
      JWT_TOKEN: TOKEN,
      CONTEXT_FILE: join(own, 'context.json'),
      FAKE_CLI_REPORT: report,
      OPENAI_API_KEY: 'key-of-a-model'
    },
    prompt: 'You are the one who knows "größe".',
    task: `Make größe larger; \`x\` $HOME 'y' [play: ${session}]`,
    tools: ['Read', 'Edit', 'Bash'],
    model: 'sonnet',
    log_file: join(own, 'output.log'),
    on_sign: (sign) => { signs.push(sign) },
    ...changes
  }
  const context = createPluginContext({ storage: directory, clock: createTestClock() })
  const spawner = await createFromPlugin<'spawner'>(plugin, { command: [process.execPath, FAKE_CLI, name], ...options }, context)
  const handle = await spawner.start(request)
  t.teardown(async () => {
    await handle.stop({ graceMs: 0 })
    await spawner.close?.()
  })
  return {
    request,
    handle,
    signs,
    told: () => signs.filter(({ kind }) => kind !== 'alive'),
    called: () => JSON.parse(readFileSync(report, 'utf8')) as Called
  }
}

async function exitOf ({ handle }: Played): Promise<AgentExit> {
  return await within(ENDS_MS, handle.exited, 'the agent ends')
}

function lastOf (signs: AgentSign[]): AgentSign {
  return signs.at(-1)!
}

for (const recorded of RECORDED) {
  t.test(recorded.name, { jobs: 4 }, async (t) => {
    t.test('all goes well', { buffered: true }, async (t) => {
      const played = await play(t, recorded, 'work')
      t.strictSame(await exitOf(played), { code: 0, signal: null })
      t.strictSame(played.told(), recorded.signs)
      t.notMatch(JSON.stringify(played.signs), SECRET_OF_A_COMMAND, 'what a command held is not told')
      const { args, input, environment, directory } = played.called()
      t.notMatch(args.join('\n'), TOKEN, 'no token in an argument')
      t.notMatch(args.join('\n'), 'größe', 'neither task nor prompt in an argument')
      t.ok(input.includes(played.request.task) && input.includes(played.request.environment.CONTEXT_FILE!), 'the task and where its context is')
      t.equal(directory, played.request.project_root)
      for (const [name, value] of Object.entries(played.request.environment)) t.equal(environment[name], value, name)
      const folder = played.request.directory
      for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        const facts = statSync(join(folder, file))
        t.equal(facts.mode & 0o777, facts.isDirectory() || file === 'launch.sh' ? 0o700 : 0o600, `mode of ${file}`)
        if (facts.isFile()) t.notMatch(readFileSync(join(folder, file), 'utf8'), /token-of-the-agent|key-of-a-model/, `no secret in ${file}`)
      }
    })

    t.test('what fails has failed', { buffered: true }, async (t) => {
      const failing = await play(t, recorded, 'failure')
      t.strictSame(await exitOf(failing), { code: 1, signal: null })
      t.strictSame(lastOf(failing.signs), { kind: 'result', status: 'failed', text: recorded.failure })
      const crashing = await play(t, recorded, 'crash')
      t.strictSame(await exitOf(crashing), { code: null, signal: 'SIGKILL' })
      t.match(lastOf(crashing.signs), { kind: 'result', status: 'failed', text: 'The agent ended without a result: ended by SIGKILL' })
      const interrupted = await play(t, recorded, 'interrupted, with exit code 0')
      t.strictSame(await exitOf(interrupted), { code: 0, signal: null })
      t.match(lastOf(interrupted.signs), { kind: 'result', status: 'failed', text: 'The agent ended without a result: exit code 0' })
      const stranger = await play(t, recorded, 'no login')
      await exitOf(stranger)
      t.strictSame(stranger.signs, [{ kind: 'result', status: 'failed', text: 'The agent ended without a result: exit code 41: Error: you are not logged in' }], 'that it printed something is no sign')
    })

    t.test('limits of the model are told', { buffered: true }, async (t) => {
      const played = await play(t, recorded, 'rate limit')
      await exitOf(played)
      t.strictSame(played.signs.filter(({ kind }) => kind === 'rate_limited'), recorded.limits.map((limit) =>
        ({ kind: 'rate_limited', until: 'after' in limit ? TEST_TIME + limit.after : limit.until })))
      t.match(lastOf(played.signs), { kind: 'result', status: 'success' }, 'it gets over them')
    })

    t.test('a limit that an adopted agent met before says nothing of now, unless it says until when', { buffered: true }, async (t) => {
      if (recorded.limits.length === 0) return
      const played = await play(t, recorded, 'rate limit and hang')
      const limitsIn = (signs: AgentSign[]): AgentSign[] => signs.filter(({ kind }) => kind === 'rate_limited')
      await eventually(() => limitsIn(played.signs).length === recorded.limits.length, 'it met its limits')
      const signs: AgentSign[] = []
      const { request, handle } = played
      const next = await createFromPlugin<'spawner'>(recorded.plugin, {}, createPluginContext({ storage: request.directory, clock: createTestClock() }))
      t.teardown(async () => await next.close?.())
      await next.adopt!(handle.reference, { log_file: request.log_file, on_sign: (sign) => { signs.push(sign) } })
      await eventually(() => limitsIn(signs).length === recorded.limits.length, 'what it said is read again')
      t.strictSame(limitsIn(signs), recorded.limits.map((limit) => ({ kind: 'rate_limited', until: 'after' in limit ? limit.after : limit.until ?? 0 })))
      appendFileSync(request.log_file, `${linesOf(recorded.name, 'limit').join('\n')}\n`)
      await eventually(() => limitsIn(signs).length === 2 * recorded.limits.length, 'what it says now is told')
      t.strictSame(limitsIn(signs).slice(recorded.limits.length), limitsIn(played.signs).slice(0, recorded.limits.length), 'as it is')
    })

    t.test('garbage and giant lines are passed over', { buffered: true }, async (t) => {
      for (const session of ['garbage', 'giant lines']) {
        const played = await play(t, recorded, session)
        t.strictSame(await exitOf(played), { code: 0, signal: null })
        t.strictSame(played.told(), recorded.signs, session)
      }
    })

    t.test('one that hangs before its first sign shows none, and can be stopped', { buffered: true }, async (t) => {
      const played = await play(t, recorded, 'hang before the first sign')
      await eventually(() => readFileSync(played.request.log_file, 'utf8') !== '', 'it prints something')
      t.strictSame(played.signs, [])
      await within(ENDS_MS, played.handle.stop({ graceMs: 5000 }), 'it is stopped')
      t.match(lastOf(played.signs), { kind: 'result', status: 'failed', text: /loading…$/ })
    })

    t.test('one that hangs after its result is ended, and its result counts', { buffered: true }, async (t) => {
      const played = await play(t, recorded, 'hang after the result', { options: { resultSeconds: 0.1 } })
      t.strictSame(await exitOf(played), { code: null, signal: 'SIGTERM', hung: true })
      t.strictSame(played.told(), recorded.signs)
      t.strictSame(groupMembers(played.handle.process_id!), [])
    })
  })
}

t.test('one that hangs after its result and hears nothing is killed', async (t) => {
  const played = await play(t, RECORDED[0]!, 'hang after the result and hear nothing', { options: { resultSeconds: 0 } })
  t.strictSame(await exitOf(played), { code: null, signal: 'SIGKILL', hung: true })
})
