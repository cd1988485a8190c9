import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { drawTrace, treeOf, type Trace } from '../../cli/trace.js'
import type { EventFacts } from '../../cli/event-facts.js'
import { sidecarFor, type Cco, type Outcome } from './bound-program.js'
import { stubTerminal } from './stub-terminal.js'

async function publish (cco: Cco, type: string, ...more: string[]): Promise<string> {
  return (await cco('events', 'publish', type, '--topic', 'testing', '--format', 'json', ...more)).json<{ event_id: string }>().event_id
}

function event (number: number, more: Partial<EventFacts> = {}): EventFacts {
  return {
    event_id: `e${number}`, event_type: `type-${number}`, publisher: `agent-${number % 2}`, publisher_type: 'a', topic: 't', data: {}, timestamp: new Date(Date.UTC(2026, 0, 1) + number * 1000).toISOString(), correlation_id: 'talk', ...more
  }
}

t.test('a trace is a tree of what refers to what', async (t) => {
  const events = [event(1, { round: 1 }), event(2, { references: 'e1' }), event(3, { references: 'e1', round: 2 }), event(4, { references: 'e2', correlation_id: 'other' }), event(5, { references: 'gone' })]
  const trace: Trace = { correlation_id: 'talk', events, roots: treeOf(events, 'talk') }
  t.equal(drawTrace(trace, stubTerminal().colors), [
    'talk: 4 events, rounds 1 to 2, 2 agents, 4 s',
    '2026-01-01 00:00:01  type-1  round 1  agent-1  e1',
    '├─ +1 s  type-2  agent-0  e2',
    '│  └─ +2 s  type-4  agent-0  e4  (of other)',
    '└─ +2 s  type-3  round 2  agent-1  e3',
    '+4 s  type-5  agent-1  e5'
  ].join('\n'))
  const ring = [event(1, { references: 'e2' }), event(2, { references: 'e1' }), event(3, { references: 'e3' })]
  t.match(treeOf(ring, 'talk'), [{ event_id: 'e3', children: [] }, { event_id: 'e1', children: [{ event_id: 'e2', children: [] }] }], 'a ring has an end')
})

t.test('what the event commands print', async (t) => {
  const cco = await sidecarFor(t, {}, { 'events-webhook-allow': '127.0.0.1' })
  const ok = async (...args: string[]): Promise<Outcome> => {
    const outcome = await cco(...args)
    t.equal(outcome.code, 0, `cco ${args.join(' ')}: ${outcome.stderr}`)
    return outcome
  }
  const question = await publish(cco, 'question', '--correlation-id', 'talk')
  const answer = await publish(cco, 'answer', '--correlation-id', 'talk', '--references', question, '--round', '2')
  await publish(cco, 'aside', '--references', answer)

  t.test('trace', async (t) => {
    const { stdout } = await ok('events', 'trace', 'talk')
    t.match(stdout, /^talk: 2 events, round 2, 1 agent, /)
    t.match(stdout, new RegExp(`\\n[-\\d: ]+ {2}question {2}operator {2}${question}\\n└─ \\+.* {2}answer {2}round 2 {2}operator {2}${answer}\\n {3}└─ \\+.*aside.*\\(of no conversation\\)$`))
    t.match((await ok('events', 'trace', 'talk', '--format', 'json')).json(), { correlation_id: 'talk', events: { length: 3 }, roots: [{ event_id: question, outside: false, children: [{ event_id: answer }] }] })
    t.match(await cco('events', 'trace', 'nothing'), { code: 1, stdout: '', stderr: /No event of the conversation 'nothing' is kept/ })
  })

  t.test('tail', async (t) => {
    const lines = (await ok('events', 'tail', '-n', '2', '--no-follow')).stdout.split('\n')
    t.equal(lines.length, 2)
    t.match(lines[1], /aside/)
    t.equal((await ok('events', 'tail', 'question', '--no-follow', '--format', 'json')).json<EventFacts>().event_id, question)
    t.equal((await ok('events', 'tail', '-n', '0', '--no-follow')).stdout, '')
  })

  t.test('tail goes on with what comes, until it is interrupted', async (t) => {
    let printed = (): void => {}
    const first = new Promise<void>((resolve) => { printed = resolve })
    const lines: string[] = []
    // Once: when the tail has ended nobody but the test runner would hear it, and end this process.
    let isOver = false
    const interrupt = (): void => {
      if (!isOver) process.emit('SIGINT')
      isOver = true
    }
    const watching = await sidecarFor(t, { out: (line) => { lines.push(line); if (/ late /.test(line)) interrupt(); else printed() } })
    await watching('events', 'publish', 'early', '--topic', 'testing')
    lines.length = 0
    const tail = watching('events', 'tail', '-n', '1')
    await first
    await watching('events', 'publish', 'late', '--topic', 'testing', '--format', 'json')
    t.equal((await tail).code, 0)
    t.match(lines.filter((line) => / (early|late) /.test(line)), [/early/, /late/])
  })

  t.test('replay', async (t) => {
    const dry = await ok('events', 'replay', '--into', 'other', '--correlation-id', 'talk', '--dry-run')
    t.equal(dry.stdout, '2 events would be replayed into other.')
    t.match(dry.stderr, /question[^]*answer/)
    t.match((await ok('events', 'replay', '--into', 'project', '--correlation-id', 'talk', '--speed', 'max', '--format', 'json')).json(), { into: 'project', replayed: 2, last_event_id: answer, dry_run: false })
    const { events } = (await ok('events', 'list', '--filter', 'correlation_id:talk', '--format', 'json')).json<{ events: EventFacts[] }>()
    t.match(events.map(({ event_type: type, replay_of: of, round }) => [type, of, round]), [['question', undefined, undefined], ['answer', undefined, 2], ['question', question, undefined], ['answer', answer, 2]])
    t.equal(events[3]!.references, events[2]!.event_id, 'an answer refers to the replay of its question')
    t.equal((await ok('events', 'replay', '--into', 'other', '--speed', '1000', '--type', 'aside')).stdout, '1 event replayed into other.')
    t.match(await cco('events', 'replay', '--into', 'nowhere', '--speed', 'max'), { code: 1, stderr: /PRJ_001/ })
    for (const speed of ['0', 'fast', '-1']) t.match(await cco('events', 'replay', '--into', 'other', '--speed', speed), { code: 2 })
  })

  t.test('replay that is interrupted says how far it came', async (t) => {
    const lines: string[] = []
    const slow = await sidecarFor(t, { err: (line) => { lines.push(line) } })
    const first = await publish(slow, 'one')
    await new Promise((resolve) => setTimeout(resolve, 50))
    await publish(slow, 'two')
    const running = slow('events', 'replay', '--into', 'project', '--speed', '0.0001')
    for (;;) {
      const { events } = (await slow('events', 'list', '--format', 'json')).json<{ events: EventFacts[] }>()
      if (events.some(({ replay_of: of }) => of === first)) break
    }
    process.emit('SIGINT')
    t.match(await running, { code: 1, stdout: /^1 event replayed into project\.$/m })
    t.match(lines.join('\n'), new RegExp(`Interrupted behind ${first}; go on with --from ${first} --to `))
  })

  t.test('groups and dead letters', async (t) => {
    t.equal((await ok('events', 'groups')).stdout, 'No groups.')
    const { stdout: token } = await ok('token', 'ai-engineer')
    await fetch(`${cco.address}/api/events/wait/question?group=builders&timeout=0`, { headers: { authorization: `Bearer ${token}` } })
    t.match((await ok('events', 'groups', 'list')).stdout, /\nbuilders +question +\d+ +\d+ +\d+/)
    t.match((await ok('events', 'groups', 'show', 'builders')).stdout, /^group +builders\nlistens for +question\n/)
    t.match(await cco('events', 'groups', 'delete', 'builders'), { code: 1, stderr: /add --yes/ })
    t.equal((await ok('events', 'groups', 'delete', 'builders', '--yes')).stdout, 'The group builders is forgotten.')
    t.match(await cco('events', 'groups', 'show', 'builders'), { code: 1, stderr: /NOT_001/ })

    t.equal((await ok('events', 'dead-letters')).stdout, 'No dead letters.')
    t.match(await cco('events', 'dead-letters', 'redrive', 'evt_none', '--format', 'json'), { code: 1, stderr: '' })
    t.equal((await ok('events', 'dead-letters', 'redrive', '--all')).stdout, '0 dead letters handed over once more.')
    for (const wrong of [['redrive'], ['redrive', 'evt_1', '--all'], ['purge', '--yes']]) t.equal((await cco('events', 'dead-letters', ...wrong)).code, 2)
    t.match(await cco('events', 'dead-letters', 'purge', '--all'), { code: 1, stderr: /add --yes/ })
    t.equal((await ok('events', 'dead-letters', 'purge', '--all', '--yes')).stdout, '0 dead letters thrown away.')
  })

  t.test('webhooks', async (t) => {
    const server = createServer((request, response) => { response.statusCode = request.url === '/gone' ? 404 : 204; response.end() }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    const receiver = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    t.equal((await ok('webhook', 'list')).stdout, 'No webhooks.')
    t.match(await cco('webhook', 'create', 'http://127.0.0.2:1/x'), { code: 1, stderr: /VAL_001/ }, 'an address that nobody allowed')
    const { webhook_id: id, secret } = (await ok('webhook', 'create', `${receiver}/hook`, '--types', 'a,b', '--filter', 'n:1', '--format', 'json')).json<{ webhook_id: string, secret: string }>()
    t.match(secret, /^whsec_/)
    t.match((await ok('webhook', 'test', id)).stdout, /^Delivered: 204 after /)
    const { webhook_id: gone } = (await ok('webhook', 'create', `${receiver}/gone`, '--types', 'c', '--format', 'json')).json<{ webhook_id: string }>()
    t.match(await cco('webhook', 'test', gone), { code: 1, stdout: /^Not delivered \(404\): /, stderr: '' })
    await ok('webhook', 'delete', gone)
    t.match((await ok('webhook', 'list')).stdout, new RegExp(`\\n${id} +active +0 +a,b where n:1 +${receiver}/hook$`))
    t.match((await ok('webhook', 'show', id)).stdout, /\nstate +active\n/)
    t.equal((await ok('webhook', 'delete', id)).stdout, `The webhook ${id} is deleted.`)
    t.match(await cco('webhook', 'show', id), { code: 1, stderr: /NOT_001/ })
  })
})
