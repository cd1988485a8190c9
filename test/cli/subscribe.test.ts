import t from 'tap'
import type { CallOptions, Client } from '../../cli/client.js'
import type { EventFacts, EventPage } from '../../cli/event-facts.js'
import { Failure } from '../../cli/failure.js'
import { subscribe, type SubscribeOptions } from '../../cli/subscribe.js'
import { waitForEnd } from '../../cli/wait-for-end.js'
import { stubTerminal, type StubTerminal } from './stub-terminal.js'

type Step = EventPage | Failure | 'abort'

function event (number: number): EventFacts {
  return { event_id: `evt_${number}`, event_type: 'done', publisher: 'a-1', publisher_type: 'a', topic: 'coordination', data: { number, list: [1, 2], deep: {} }, timestamp: '2026-11-20T23:47:05.123Z' }
}

/** A sidecar that answers as told, step by step, and then never again. */
function scripted (steps: Step[], stop: AbortController): { client: Client, queries: CallOptions[] } {
  const queries: CallOptions[] = []
  const call = async (_method: string, _path: string, options: CallOptions = {}): Promise<never> => {
    queries.push(options)
    const step = steps.shift() ?? 'abort'
    if (step === 'abort') {
      stop.abort()
      throw stop.signal.reason
    }
    if (step instanceof Failure) throw step
    return step as never
  }
  return { client: { url: 'http://sidecar', call, answer: call as never }, queries }
}

async function run (steps: Step[], options: Partial<SubscribeOptions>): Promise<{ terminal: StubTerminal, queries: CallOptions[], error: unknown }> {
  const stop = new AbortController()
  const terminal = stubTerminal()
  const { client, queries } = scripted(steps, stop)
  const error: unknown = await subscribe('done', { timeout: 30_000, format: 'human', ...options }, client, terminal, stop.signal).then(() => undefined, (reason: unknown) => reason)
  return { terminal, queries, error: stop.signal.aborted ? undefined : error }
}

t.test('a single wait ends with the first events, each on one line', async (t) => {
  const { terminal, queries, error } = await run([{ events: [], next_cursor: 'c1' }, { events: [event(1), event(2)], next_cursor: 'c2' }], { topic: 'coordination' })
  t.equal(error, undefined)
  t.equal(terminal.stdout().split('\n').length, 2)
  t.match(terminal.stdout(), '2026-11-20 23:47:05  done  coordination  a  number=1 list=[2] deep={…}')
  t.same(queries.map(({ query }) => [query?.since, query?.topic]), [[undefined, 'coordination'], [undefined, 'coordination']], 'the sidecar remembers the place')
})

t.test('a member of a group acknowledges what was printed, and nothing else', async (t) => {
  const acked = { acked: ['evt_1'] } as unknown as EventPage
  const { terminal, queries, error } = await run([{ events: [] }, { events: [event(1), event(2)] }, acked], { group: 'builders' })
  t.equal(error, undefined)
  t.equal(terminal.stdout().split('\n').length, 2)
  t.same(queries.map(({ query, body }) => body ?? query?.group), ['builders', 'builders', { group: 'builders', event_ids: ['evt_1', 'evt_2'] }])
})

t.test('a member whose acknowledgement fails is told so, and goes on', async (t) => {
  const { terminal, queries } = await run([{ events: [event(1)] }, new Failure('The sidecar is gone.'), { events: [event(1)] }], { group: 'builders', continuous: true })
  t.match(terminal.stderr(), /The sidecar is gone\. \(trying again in/)
  t.equal(queries.length, 4, 'the event comes again, and is acknowledged again')
})

t.test('a single wait that gets nothing fails', async (t) => {
  const { terminal, error } = await run([{ events: [] }], { timeout: 0 })
  t.match(error, { message: 'No such event within 0 ms.', exitCode: 1 })
  t.equal(terminal.stdout(), '')
})

t.test('for programs each event is a line of JSON', async (t) => {
  const { terminal } = await run([{ events: [event(1), event(2)] }], { format: 'json' })
  t.same(terminal.stdout().split('\n').map((line) => JSON.parse(line) as object), [event(1), event(2)])
})

t.test('a place of one\'s own goes on with the cursor of the last answer', async (t) => {
  const { queries } = await run([{ events: [event(1)], next_cursor: 'c1' }, { events: [event(2)], next_cursor: 'c2' }], { continuous: true, since: 'earliest' })
  t.same(queries.map(({ query }) => query?.since), ['earliest', 'c1', 'c2'])
})

t.test('a continuous subscription comes back after a failure, and says so', async (t) => {
  const gone = new Failure('No sidecar answers.', { code: 'ECONNREFUSED' })
  const { terminal, error } = await run([{ events: [event(1)] }, gone, new Failure('Draining.', { code: 'SRV_002' }), { events: [event(2)] }], { continuous: true })
  t.equal(error, undefined)
  t.equal(terminal.stdout().split('\n').length, 2, 'both events')
  t.match(terminal.stderr(), /^No sidecar answers\. \(trying again in \d+ ms\)\nDraining\. \(trying again in \d+ ms\)\nConnected again\.$/)
})

t.test('what another try cannot change ends a continuous subscription too', async (t) => {
  for (const code of ['AUTH_001', 'AUTH_003', 'VAL_001', 'PRJ_001']) {
    const { error, queries } = await run([new Failure('No.', { code })], { continuous: true })
    t.match(error, { code })
    t.equal(queries.length, 1)
  }
  t.match((await run([new Failure('Gone.', { code: 'ECONNREFUSED' })], {})).error, { code: 'ECONNREFUSED' }, 'a single wait does not come back')
})

t.test('events that retention took are told', async (t) => {
  const { terminal } = await run([{ events: [event(1)], gap: { missed: 3 } }], {})
  t.equal(terminal.stderr(), '3 earlier events are no longer kept.')
})

t.test('an event shows no control characters', async (t) => {
  const { terminal } = await run([{ events: [{ ...event(1), data: { text: 'a\u001b[2Jb' } }] }], {})
  t.match(terminal.stdout(), 'text=a\ufffd[2Jb')
})

t.test('waiting for an agent ends with its state, whatever it is', async (t) => {
  for (const state of ['completed', 'failed', 'stopped', 'lost']) {
    const states = ['queued', 'running', state]
    const call = async (): Promise<never> => ({ agent_id: 'a-1', state: states.shift() }) as never
    t.equal((await waitForEnd({ url: '', call, answer: call as never }, 'a-1', 1)).state, state)
  }
})
