import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { SidecarEvent } from '../../core/contracts/index.js'
import { createRepository } from '../support/repository.js'
import { startSidecarProcess, type SidecarProcess } from '../support/sidecar-process.js'
import { temporaryFolder } from '../support/temporary.js'

/** How long each life lasts under load, ms. */
const LIVES = [350, 150, 250]
const CLIENTS = 12
const SETTINGS = { 'rate-limit-enabled': 'false', 'events-retention-count': '1000000', 'log-level': 'warn' }

/** One call of a client, sent again with its key until it is answered. */
interface Call { path: string, body: object, key: string, answer?: { id: string, event: string } }

t.test('FAULT 15: a client that tries again after a crash has one event and one result for each of its calls', async (t) => {
  const storage = `${await temporaryFolder(t, 'cco-storage')}/storage`
  const root = await temporaryFolder(t, 'cco-project')
  await createRepository(root, { 'README.md': '# Sample\n' })
  const calls: Call[] = []
  let sidecar = await startSidecarProcess(t, { storage, root, settings: SETTINGS })

  async function send (to: SidecarProcess, call: Call): Promise<boolean> {
    const { status, body, text } = await to.ask('POST', call.path, { body: call.body, headers: { 'idempotency-key': call.key } })
    if (status !== 201 && status !== 202) throw new Error(`Answered with ${status}: ${text}`)
    const answer = { id: (body.id ?? body.event_id) as string, event: body.event_id as string }
    if (call.answer !== undefined) t.strictSame(answer, call.answer, 'the first answer is given again')
    call.answer = answer
    return true
  }

  async function work (to: SidecarProcess, client: number): Promise<void> {
    for (let turn = 0; ; turn++) {
      const key = `${client}/${calls.length}`
      const call: Call = turn % 3 === 2
        ? { path: '/api/results', key, body: { agent_id: 'operator', agent_type: 'operator', issue_id: `issue-${client}`, result: { status: 'success', key } } }
        : { path: '/api/events/note', key, body: { topic: 'testing', data: { key }, ...(turn % 2 === 0 ? { correlation_id: `c-${client}`, round: 1 } : {}) } }
      calls.push(call)
      try {
        await send(to, call)
      } catch (error) {
        if (error instanceof TypeError || error instanceof SyntaxError) return // The connection broke: what it carried may have been done, or not.
        throw error
      }
    }
  }

  let unanswered = 0
  for (const life of LIVES) {
    const clients = Array.from({ length: CLIENTS }, async (_, client) => await work(sidecar, client))
    await delay(life)
    await sidecar.kill()
    await Promise.all(clients)
    sidecar = await startSidecarProcess(t, { storage, root, settings: SETTINGS })
    const open = calls.filter(({ answer }) => answer === undefined)
    unanswered += open.length
    // Those without an answer, twice, and some that had one.
    for (const call of [...open, ...open, ...calls.slice(-10)]) await send(sidecar, call)
  }
  t.ok(unanswered > 0, 'some calls were cut off')

  const events: SidecarEvent[] = []
  for (let since = 'earliest'; ;) {
    const { body } = await sidecar.ask('GET', `/api/events?limit=1000&since=${since}`)
    events.push(...body.events as SidecarEvent[])
    since = body.next_cursor as string
    if (body.more_available === false) break
  }
  const published = calls.filter(({ path }) => path !== '/api/results')
  const stored = calls.filter(({ path }) => path === '/api/results')
  t.strictSame(events.filter(({ event_type: type }) => type === 'note').map(({ data }) => data.key as string).sort(), published.map(({ key }) => key).sort())
  const announced = events.filter(({ event_type: type }) => type === 'agent_completed')
  t.strictSame(announced.map(({ event_id: id, data }) => [data.result_id, id]).sort(), stored.map(({ answer }) => [answer!.id, answer!.event]).sort(), 'each result is announced once')
  const { body: { storage: { results_stored: count } } } = await sidecar.ask('GET', '/status')
  t.equal(count, stored.length)
})
