import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { SidecarEvent } from '../../core/contracts/index.js'
import { createRepository } from '../support/repository.js'
import { startSidecarProcess, type SidecarProcess } from '../support/sidecar-process.js'
import { temporaryFolder } from '../support/temporary.js'

/** How long each round has its load before the process is killed, ms. */
const ROUNDS = [900, 400, 650, 250, 800]
const WRITERS = 20
const SETTINGS = { 'rate-limit-enabled': 'false', 'events-retention-count': '1000000', 'log-level': 'warn' }

interface Writer { token: string, agent_id: string, agent_type: string }

/** What was acknowledged, by identifier: the number that the writer gave it. */
const acknowledged = { events: new Map<string, number>(), results: new Map<string, number>() }
/** All that was sent, acknowledged or not. */
const sent = new Set<number>()
let lastNumber = 0

/** Publishes and stores until the sidecar is gone. */
async function write (sidecar: SidecarProcess, { token, agent_id, agent_type }: Writer): Promise<void> {
  for (let turn = 0; ; turn++) {
    const number = ++lastNumber
    sent.add(number)
    try {
      if (turn % 4 === 3) {
        const body = { agent_id, agent_type, issue_id: `issue-${number % 5}`, result: { status: 'success', files_created: [], files_modified: [`src/${number}.ts`], artifacts: { number, text: 'x'.repeat(number % 3000) } } }
        const answer = await sidecar.ask('POST', '/api/results', { token, body })
        if (answer.status !== 201) throw new Error(`A result was answered with ${answer.status}: ${answer.text}`)
        acknowledged.results.set(answer.body.id as string, number)
      } else {
        const body = { topic: 'implementation', data: { number, text: 'x'.repeat(number % 3000) } }
        const answer = await sidecar.ask('POST', '/api/events/work_done', { token, body })
        if (answer.status !== 202) throw new Error(`An event was answered with ${answer.status}: ${answer.text}`)
        acknowledged.events.set(answer.body.event_id as string, number)
      }
    } catch (error) {
      if (error instanceof TypeError || error instanceof SyntaxError) return // The connection broke: what it carried is not acknowledged.
      throw error
    }
  }
}

/** A plain wait loop, as any agent has one: no cursor, again and again. `seen` has one list for each life of the sidecar. */
async function readOn (sidecar: SidecarProcess, token: string, seen: string[], until: () => boolean = () => false): Promise<void> {
  while (!until()) {
    try {
      const { status, body, text } = await sidecar.ask('GET', '/api/events/wait/work_done?timeout=200&limit=50', { token })
      if (status !== 200) throw new Error(`A wait was answered with ${status}: ${text}`)
      if (body.gap !== undefined) throw new Error(`A reader was told of a gap: ${JSON.stringify(body.gap)}`)
      seen.push(...(body.events as SidecarEvent[]).map(({ event_id: id }) => id))
    } catch (error) {
      if (error instanceof TypeError || error instanceof SyntaxError) return
      throw error
    }
  }
}

async function allEvents (sidecar: SidecarProcess, token: string): Promise<SidecarEvent[]> {
  const events: SidecarEvent[] = []
  for (let since = 'earliest'; ;) {
    const { body } = await sidecar.ask('GET', `/api/events?limit=1000&since=${since}`, { token })
    events.push(...body.events as SidecarEvent[])
    if (body.more_available !== true) return events
    since = body.next_cursor as string
  }
}

async function allResults (sidecar: SidecarProcess): Promise<string[]> {
  const ids: string[] = []
  for (let cursor = ''; ;) {
    const { body } = await sidecar.ask('GET', `/api/results?limit=100${cursor}`)
    ids.push(...(body.results as { id: string }[]).map(({ id }) => id))
    if (typeof body.next_cursor !== 'string') return ids
    cursor = `&cursor=${encodeURIComponent(body.next_cursor)}`
  }
}

/** Files under a folder that are no JSON, and what else a crash may leave. */
async function unsound (folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  const bad: string[] = []
  for (const entry of names) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    if (entry.name.endsWith('.tmp')) continue
    try {
      JSON.parse(await readFile(path, 'utf8'))
    } catch {
      bad.push(path)
    }
  }
  return bad
}

t.test('kill -9 in the middle of publishing and storing loses nothing that was acknowledged', async (t) => {
  const storage = join(await temporaryFolder(t, 'cco-storage'), 'storage')
  const root = await temporaryFolder(t, 'cco-project')
  await createRepository(root, { 'README.md': '# Sample\n' })
  const start = async (): Promise<SidecarProcess> => await startSidecarProcess(t, { storage, root, settings: SETTINGS })

  let sidecar = await start()
  const issue = async (agentType: string): Promise<Writer> => (await sidecar.ask('POST', '/api/tokens', { body: { agent_type: agentType } })).body as Writer
  const types = ['test-engineer', 'backend-architect', 'code-reviewer', 'debugger', 'devops-engineer']
  const writers = await Promise.all(Array.from({ length: WRITERS }, async (_, index) => await issue(types[index % types.length]!)))
  const reader = await issue('test-engineer')
  const revoked = await issue('test-engineer')
  t.match(await sidecar.ask('POST', '/api/tokens/revoke', { body: { agent_id: revoked.agent_id } }), { status: 200 })
  const lives: string[][] = []

  for (const [round, load] of ROUNDS.entries()) {
    const seen: string[] = []
    lives.push(seen)
    const before = acknowledged.events.size
    const working = [...writers.map(async (writer) => await write(sidecar, writer)), readOn(sidecar, reader.token, seen)]
    // Not before there is something to lose.
    while (acknowledged.events.size < before + WRITERS) await delay(10)
    await delay(load)
    await sidecar.kill()
    await Promise.all(working)
    t.ok(existsSync(join(storage, 'sidecar.lock')), 'the killed process left its lock')

    sidecar = await start()
    const events = await allEvents(sidecar, writers[0]!.token)
    const ids = events.map(({ event_id: id }) => id)
    const byId = new Map(events.map((event) => [event.event_id, event]))
    t.ok(ids.every((id, index) => index === 0 || id > ids[index - 1]!), `round ${round + 1}: identifiers of ${ids.length} events rise strictly`)
    t.strictSame([...acknowledged.events].filter(([id, number]) => byId.get(id)?.data.number !== number), [], `all ${acknowledged.events.size} acknowledged events are there`)
    t.ok(events.every(({ event_type: type, data }) => type !== 'work_done' || sent.has(data.number as number)), 'and none that nobody sent')
    const numbers = events.flatMap(({ event_type: type, data }) => (type === 'work_done' ? [data.number] : []))
    t.equal(new Set(numbers).size, numbers.length, 'each of them once')

    const stored = new Set(await allResults(sidecar))
    t.strictSame([...acknowledged.results.keys()].filter((id) => !stored.has(id)), [], `all ${acknowledged.results.size} acknowledged results are there`)
    for (const [id, number] of [...acknowledged.results].slice(-20)) {
      const { body } = await sidecar.ask('GET', `/api/results/${id}`)
      t.match(body, { id, result: { artifacts: { number, text: 'x'.repeat(number % 3000) } } })
    }
    t.strictSame(await unsound(join(storage, 'results')), [], 'no file of results is empty or cut off')

    for (const { token } of writers.slice(0, 3)) t.match(await sidecar.ask('GET', '/api/events?limit=1', { token }), { status: 200 }, 'a token from before works')
    t.match(await sidecar.ask('GET', '/api/events?limit=1', { token: revoked.token }), { status: 401, body: { code: 'AUTH_001' } }, 'a revoked one does not')
  }

  const seen: string[] = []
  lives.push(seen)
  let quiet = false
  const [last] = (await allEvents(sidecar, reader.token)).filter(({ event_type: type }) => type === 'work_done').slice(-1)
  await readOn(sidecar, reader.token, seen, () => {
    quiet ||= seen.at(-1) === last!.event_id
    return quiet
  })
  const all = lives.flat()
  t.strictSame([...acknowledged.events.keys()].filter((id) => !all.includes(id)), [], 'the reader saw every acknowledged event')
  for (const [index, life] of lives.entries()) t.ok(life.every((id, place) => place === 0 || id > life[place - 1]!), `in life ${index + 1}: ${life.length} events, each once and in order`)
  t.equal(await sidecar.stop(), 0)
  t.notOk(existsSync(join(storage, 'sidecar.lock')), 'who ends in order gives the storage back')
})
