import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { createRandom } from '../../events/soak/random.js'
import { ServerProcess } from '../../events/soak/server-process.js'
import { progressInLines } from '../../shared/progress.js'
import { BEHAVIOURS, NAMES, TIMEOUT_SECONDS, writeAgent } from './behaviours.js'
import { Caller, type Shown } from './caller.js'
import type { SoakOptions } from './options.js'
import { filesLeft, groupsOf, processesLeft } from './remains.js'
import { countStates, render } from './table.js'

/** Types that may store results. */
const TYPES = ['python-specialist', 'test-engineer', 'golang-pro', 'rust-pro', 'typescript-pro', 'javascript-pro', 'debugger', 'code-reviewer', 'security-auditor', 'frontend-developer']
const FINAL = new Set(['completed', 'failed', 'stopped', 'lost'])
const SHORTEST_LIFE_MS = 1500
const LONGEST_LIFE_MS = 7000
const SPAWNS_AT_ONCE = 8
const PAUSE_MS = 250
const END_MS = 300_000

interface Planned { task: string, behaviour: string, index: number, type: string }

/** Runs agents of every behaviour while the sidecar is killed; answers whether nothing was violated. Works in `folder`, which is the caller's to remove. */
export async function run ({ agents, kills, seed }: SoakOptions, folder: string): Promise<boolean> {
  if (process.platform !== 'linux') throw new Error('The soak reads the process table of Linux.')
  const random = createRandom(seed)
  const temporary = join(folder, 'tmp')
  const storage = join(folder, 'storage')
  for (const path of [temporary, join(folder, 'home'), join(folder, 'project')]) await mkdir(path)
  await writeFile(join(folder, 'project', 'cart.py'), 'def total(prices):\n    return sum(prices)\n')
  await writeAgent(folder)
  const server = new ServerProcess(folder, new URL('./server.js', import.meta.url), { TMPDIR: temporary, SOAK_RETRIES: String(Math.max(1, kills)) })
  const caller = new Caller(server, folder)
  const plan = shuffle(Array.from({ length: agents }, (_, number) => {
    const index = number % NAMES.length
    return { task: `agent ${number}: ${NAMES[index]!}`, behaviour: NAMES[index]!, index, type: TYPES[number % TYPES.length]! }
  }), random)
  const faults: string[] = []
  await server.start()
  try {
    const killing = killAgainAndAgain(server, kills, random)
    const spawning = spawnAll(plan, caller, faults)
    await Promise.all([killing, spawning])
    progressInLines('waiting until all have ended')
    const shown = await untilAllEnded(caller)
    faults.push(...await check(plan, shown, caller, kills > 0))
    const left = await processesLeft(new Set(shown.map(({ agent_id: id }) => id)), await groupsOf(storage), folder)
    faults.push(...left.map(({ pid, agent, by }) => `process ${pid} of ${agent} is left (found by its ${by})`))
    const files = await filesLeft(temporary, storage)
    faults.push(...files.map((path) => `a file is left: ${path.slice(folder.length + 1)}`))
    progressInLines('')
    console.log(render(countStates(plan, shown), [
      `${agents} agents, ${kills} kills of the sidecar, seed ${seed}`,
      `requests cut by a kill  ${caller.cut}`,
      `attempts                ${shown.reduce((sum, { attempt }) => sum + attempt, 0)}`,
      `processes left          ${left.length}`,
      `files left              ${files.length}`
    ], faults))
  } finally {
    await server.kill()
  }
  return faults.length === 0
}

async function killAgainAndAgain (server: ServerProcess, kills: number, random: () => number): Promise<void> {
  for (let kill = 1; kill <= kills; kill++) {
    await wait(SHORTEST_LIFE_MS + random() * (LONGEST_LIFE_MS - SHORTEST_LIFE_MS))
    await server.killAndStart()
    progressInLines(`kill ${kill} of ${kills}`)
  }
}

async function spawnAll (plan: readonly Planned[], caller: Caller, faults: string[]): Promise<void> {
  const waiting = [...plan]
  const lane = async (): Promise<void> => {
    for (let agent = waiting.shift(); agent !== undefined; agent = waiting.shift()) await spawn(agent, caller, faults)
  }
  await Promise.all(Array.from({ length: SPAWNS_AT_ONCE }, lane))
}

/** A spawn that a kill cut is looked for before it is asked for again. */
async function spawn ({ task, behaviour, index, type }: Planned, caller: Caller, faults: string[]): Promise<void> {
  for (;;) {
    const answer = await caller.tryOnce('POST', '/api/agents/spawn', {
      agent_type: type, issue_id: `issue-${index}`, task, environment: { BEHAVIOUR: String(index) }, timeout_seconds: TIMEOUT_SECONDS
    })
    if (answer !== undefined && answer.status !== 503) {
      if (answer.status >= 300) faults.push(`${task}: the spawn was answered with ${answer.status}: ${JSON.stringify(answer.body)}`)
      else if (behaviour === 'is stopped') await caller.call('DELETE', `/api/agents/${(answer.body as Shown).agent_id}?timeout_seconds=1`)
      return
    }
    await wait(PAUSE_MS)
    const known = (await caller.list()).find((agent) => agent.task === task)
    if (known === undefined) continue
    if (behaviour === 'is stopped') await caller.call('DELETE', `/api/agents/${known.agent_id}?timeout_seconds=1`)
    return
  }
}

async function untilAllEnded (caller: Caller): Promise<Shown[]> {
  const deadline = performance.now() + END_MS
  for (;;) {
    const shown = await caller.list()
    const open = shown.filter(({ state }) => !FINAL.has(state)).length
    if (open === 0 || performance.now() > deadline) return shown
    if (process.stderr.isTTY) progressInLines(`${open} of ${shown.length} agents have not ended`)
    await wait(PAUSE_MS)
  }
}

/** Every agent that was asked for is there once, in its right final state, with a result that can be read. */
async function check (plan: readonly Planned[], shown: readonly Shown[], caller: Caller, wasKilled: boolean): Promise<string[]> {
  const faults: string[] = []
  for (const { task, behaviour } of plan) {
    const found = shown.filter((agent) => agent.task === task)
    if (found.length !== 1) faults.push(`${task}: there are ${found.length} of it`)
    for (const { agent_id: id, state, failure, result_id: result } of found) {
      const { ends } = BEHAVIOURS[behaviour]!
      // Nobody saw how an attempt failed while the sidecar was dead.
      const isRight = state === ends || (ends === 'failed' && state === 'lost' && wasKilled)
      if (!isRight) faults.push(`${task} (${id}): ${state}${failure === null ? '' : `, ${failure}`} instead of ${ends}`)
      if (result === null) {
        faults.push(`${task} (${id}): it has no result`)
        continue
      }
      const { status, agent_id: of } = await caller.call<{ status: string, agent_id: string }>('GET', `/api/results/${result}`)
      if (of !== id || status !== (state === 'completed' ? 'success' : 'failed')) faults.push(`${task} (${id}): ${state}, and its result is ${status} of ${of}`)
    }
  }
  return faults
}

function shuffle<Item> (items: Item[], random: () => number): Item[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[items[last], items[other]] = [items[other]!, items[last]!]
  }
  return items
}
