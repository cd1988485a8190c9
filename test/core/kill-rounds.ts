import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { SidecarEvent } from '../../core/contracts/index.js'
import { messageOf } from '../../core/errors.js'
import { createRepository } from '../support/repository.js'
import { startSidecarProcess, type SidecarProcess } from '../support/sidecar-process.js'
import { temporaryFolder } from '../support/temporary.js'

const WRITERS = 119
/** How long the lives have their load, in turn, ms. */
const LOADS = [300, 120, 200, 60]
const SETTINGS = { 'rate-limit-enabled': 'false', 'events-retention-count': '10000000', 'events-retention-mb': '65536', 'log-level': 'warn' }
const TYPES = ['test-engineer', 'backend-architect', 'code-reviewer', 'debugger', 'devops-engineer']

interface Call { number: number, kind: 'events' | 'results', path: string, body: object }

/** `call` is what was not answered yet; a later life is asked again, with the same key. */
interface Writer { token: string, agent_id: string, agent_type: string, call?: Call | undefined }

/** Identifiers of events by the number that their writer gave them, and the newest of all. */
interface EventsFound { numbers: Map<number, string>, lastId: string }

export interface KillFindings {
  /** What is wrong, in words. */
  faults: string[]
  events: number
  results: number
  /** Calls that a kill left without an answer, sent again to the next life. */
  repeated: number
}

/** A sidecar under load that is killed with SIGKILL again and again; what is there after each start is held against what was acknowledged. */
export async function killRepeatedly (t: Parameters<typeof temporaryFolder>[0], { rounds, program, say = () => {} }: {
  rounds: number
  /** Of a copy that lacks a safeguard. */
  program?: string
  say? (text: string): void
}): Promise<KillFindings> {
  const storage = join(await temporaryFolder(t, 'cco-storage'), 'storage')
  const root = await temporaryFolder(t, 'cco-project')
  await createRepository(root, { 'README.md': '# Sample\n' })
  const faults: string[] = []
  const expect = (holds: boolean, fault: string): void => { if (!holds) faults.push(fault) }
  /** What was acknowledged, by identifier: the number that the writer gave it. */
  const acknowledged = { events: new Map<string, number>(), results: new Map<string, number>() }
  /** What of it no later life has been asked for. */
  let unseen: typeof acknowledged = { events: new Map<string, number>(), results: new Map<string, number>() }
  const sent = { events: 0, results: 0 }
  let round = 0
  let repeated = 0

  const nextCall = ({ agent_id, agent_type }: Writer): Call => {
    const number = sent.events + sent.results
    const text = 'x'.repeat(number % 3000)
    if (number % 4 !== 3) {
      sent.events++
      return { number, kind: 'events', path: '/api/events/work_done', body: { topic: 'implementation', data: { number, text } } }
    }
    sent.results++
    const result = { status: 'success', files_created: [], files_modified: [`src/${number}.ts`], artifacts: { number, text } }
    return { number, kind: 'results', path: '/api/results', body: { agent_id, agent_type, issue_id: `round-${round}-${number % 5}`, result } }
  }

  const send = async (sidecar: SidecarProcess, writer: Writer): Promise<void> => {
    const { number, kind, path, body } = writer.call ??= nextCall(writer)
    const answer = await sidecar.ask('POST', path, { token: writer.token, body, headers: { 'idempotency-key': `call-${number}` } })
    if (answer.status !== 201 && answer.status !== 202) throw new Error(`Answered with ${answer.status}: ${answer.text}`)
    const id = (answer.body.id ?? answer.body.event_id) as string
    acknowledged[kind].set(id, number)
    unseen[kind].set(id, number)
    writer.call = undefined
  }

  /** Publishes and stores until the sidecar is gone. */
  const write = async (sidecar: SidecarProcess, writer: Writer): Promise<void> => await untilGone(async () => {
    for (;;) await send(sidecar, writer)
  })

  /** A plain wait loop, as any agent has one: no cursor, again and again. `seen` has one list for each life of the sidecar. */
  const readOn = async (sidecar: SidecarProcess, token: string, seen: string[], until = (): boolean => false): Promise<void> => await untilGone(async () => {
    while (!until()) {
      const { status, body, text } = await sidecar.ask('GET', '/api/events/wait/work_done?timeout=200&limit=500', { token })
      if (status !== 200) throw new Error(`A wait was answered with ${status}: ${text}`)
      expect(body.gap === undefined, `a reader was told of a gap: ${JSON.stringify(body.gap)}`)
      seen.push(...(body.events as SidecarEvent[]).map(({ event_id: id }) => id))
    }
  })

  /** Takes in events that are behind those of before, and holds all so far against what was acknowledged. */
  const compareEvents = (events: readonly SidecarEvent[], found: EventsFound, expected: ReadonlyMap<string, number>): void => {
    for (const { event_id: id, event_type: type, data } of events) {
      expect(id > found.lastId, `${id} stands behind ${found.lastId}`)
      found.lastId = id
      if (type !== 'work_done') continue
      expect(!found.numbers.has(data.number as number), `event ${data.number as number} was published twice`)
      found.numbers.set(data.number as number, id)
    }
    // What is sent again may have been published by an earlier life, without an answer.
    const lost = [...expected].filter(([id, number]) => found.numbers.get(number) !== id).length
    expect(lost === 0, `${lost} acknowledged events are lost`)
  }

  const compareResults = async (sidecar: SidecarProcess, expected: ReadonlyMap<string, number>): Promise<void> => {
    let lost = 0
    for (const [id, number] of expected) {
      const { body } = await sidecar.ask('GET', `/api/results/${id}`)
      const artifacts = body.result?.artifacts as { number: number, text: string } | undefined
      if (artifacts?.number !== number || artifacts.text.length !== number % 3000) lost++
    }
    expect(lost === 0, `${lost} acknowledged results are lost`)
  }

  const start = async (): Promise<SidecarProcess> => await startSidecarProcess(t, { storage, root, settings: SETTINGS, ...(program === undefined ? {} : { program }) })
  let sidecar = await start()
  const issue = async (agentType: string): Promise<Writer> => (await sidecar.ask('POST', '/api/tokens', { body: { agent_type: agentType } })).body as Writer
  const writers = await Promise.all(Array.from({ length: WRITERS }, async (_, index) => await issue(TYPES[index % TYPES.length]!)))
  const reader = await issue('test-engineer')
  const revoked = await issue('test-engineer')
  const { status: revocation } = await sidecar.ask('POST', '/api/tokens/revoke', { body: { agent_id: revoked.agent_id } })
  expect(revocation === 200, `a token was revoked with ${revocation}`)
  const lives: string[][] = []
  const found: EventsFound = { numbers: new Map(), lastId: '' }
  let cursor = 'earliest'

  try {
    for (round = 1; round <= rounds; round++) {
      unseen = { events: new Map(), results: new Map() }
      const seen: string[] = []
      lives.push(seen)
      repeated += writers.filter(({ call }) => call !== undefined).length
      const working = Promise.all([...writers.map(async (writer) => await write(sidecar, writer)), readOn(sidecar, reader.token, seen)])
      // Not before there is something to lose; whatever fails first is what went wrong.
      while (unseen.events.size < WRITERS) await Promise.race([working, delay(10)])
      await Promise.race([working, delay(LOADS[round % LOADS.length])])
      await sidecar.kill()
      await working
      expect(existsSync(join(storage, 'sidecar.lock')), 'the killed process left no lock')

      sidecar = await start()
      const { events, next } = await readEvents(sidecar, cursor)
      compareEvents(events, found, unseen.events)
      cursor = next
      await compareResults(sidecar, unseen.results)
      const unsound = await unsoundFiles(join(storage, 'results'), `round-${round}-`)
      expect(unsound === 0, `${unsound} files of results are empty or cut off`)
      for (const [whose, token, right] of [['a writer', writers[0]!.token, 200], ['one whose token is revoked', revoked.token, 401]] as const) {
        const { status } = await sidecar.ask('GET', '/api/events?limit=1', { token })
        expect(status === right, `${whose} is answered with ${status}`)
      }
      say(`kill ${round} of ${rounds}: ${acknowledged.events.size} events and ${acknowledged.results.size} results acknowledged, ${faults.length} faults`)
    }

    for (const writer of writers) if (writer.call !== undefined) await send(sidecar, writer)
    const { events } = await readEvents(sidecar, 'earliest')
    compareEvents(events, { numbers: new Map(), lastId: '' }, acknowledged.events)
    const published = events.filter(({ event_type: type }) => type === 'work_done')
    expect(published.length === sent.events, `${sent.events} events were sent, and ${published.length} are there`)
    await compareResults(sidecar, acknowledged.results)
    const { body: { storage: { results_stored: stored } } } = await sidecar.ask('GET', '/status')
    expect(stored === sent.results, `${sent.results} results were sent, and ${stored} are there`)

    const seen: string[] = []
    lives.push(seen)
    await readOn(sidecar, reader.token, seen, () => seen.at(-1) === published.at(-1)?.event_id)
    const all = new Set(lives.flat())
    const missed = [...acknowledged.events.keys()].filter((id) => !all.has(id)).length
    expect(missed === 0, `a reader missed ${missed} events`)
    expect(lives.every((life) => life.every((id, place) => place === 0 || id > life[place - 1]!)), 'a reader was given events twice in one life, or out of order')
    const code = await sidecar.stop()
    expect(code === 0, `ended with ${code}`)
    expect(!existsSync(join(storage, 'sidecar.lock')), 'who ends in order keeps the storage')
  } catch (error) {
    faults.push(`round ${round}: ${messageOf(error)}`)
  }
  return { faults, events: acknowledged.events.size, results: acknowledged.results.size, repeated }
}

/** A connection that breaks is the end of the sidecar: what it carried is not acknowledged. */
async function untilGone (work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error
  }
}

async function readEvents (sidecar: SidecarProcess, since: string): Promise<{ events: SidecarEvent[], next: string }> {
  const events: SidecarEvent[] = []
  for (let next = since; ;) {
    const { status, body, text } = await sidecar.ask('GET', `/api/events?limit=1000&since=${next}`)
    if (status !== 200) throw new Error(`Events were answered with ${status}: ${text}`)
    events.push(...body.events as SidecarEvent[])
    next = body.next_cursor as string
    if (body.more_available !== true) return { events, next }
  }
}

/** How many files of the issues that begin so are no JSON; leftovers of a crash aside, which nobody reads. */
async function unsoundFiles (folder: string, issues: string): Promise<number> {
  let count = 0
  for (const project of await readdir(folder)) {
    for (const issue of await readdir(join(folder, project))) {
      if (!issue.startsWith(issues)) continue
      const entries = await readdir(join(folder, project, issue), { recursive: true, withFileTypes: true })
      for (const entry of entries) {
        if (!entry.isFile() || entry.name.endsWith('.tmp')) continue
        try {
          JSON.parse(await readFile(join(entry.parentPath, entry.name), 'utf8'))
        } catch {
          count++
        }
      }
    }
  }
  return count
}
