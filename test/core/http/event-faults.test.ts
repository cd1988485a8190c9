import { readFileSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { processorTicks } from '../../support/process-table.js'
import { startSidecarProcess, type SidecarProcess } from '../../support/sidecar-process.js'
import { temporaryFolder } from '../../support/temporary.js'
import { eventually } from './eventually.js'

/** How long a process is stopped: 600, or what the command line says. */
const stoppedMs = Number(process.argv[2] ?? 600)

async function start (t: Test): Promise<SidecarProcess> {
  const folder = await temporaryFolder(t)
  return await startSidecarProcess(t, { storage: `${folder}/storage`, root: await temporaryFolder(t), settings: { 'rate-limit-enabled': 'false', 'events-max-waits-per-agent': '2500', 'log-level': 'error' } })
}

async function held ({ ask }: SidecarProcess): Promise<number> {
  return ((await ask('GET', '/status')).body as { events: { active_subscriptions: number } }).events.active_subscriptions
}

async function waiting (sidecar: SidecarProcess, count: number): Promise<void> {
  await eventually(async () => await held(sidecar), (now) => now === count)
}

/** Begins waits that end soon, but were all seen to be held before: where the machine is too busy for that, again with more time. */
async function holdShortly<Begun> (sidecar: SidecarProcess, count: number, begin: (timeoutMs: number) => Begun | Promise<Begun>): Promise<Begun> {
  const before = await held(sidecar)
  for (let timeoutMs = 300; ; timeoutMs *= 3) {
    const begun = await begin(timeoutMs)
    const until = performance.now() + timeoutMs
    while (performance.now() < until) if (await held(sidecar) === before + count) return begun
    if (timeoutMs > 20_000) throw new Error(`${count} waits were never held at once.`)
    await waiting(sidecar, before)
  }
}

async function publish ({ ask }: SidecarProcess, data: object): Promise<string> {
  const { status, body } = await ask('POST', '/api/events/note', { body: { topic: 'coordination', data } })
  if (status !== 202) throw new Error(`Published with ${status}.`)
  return (body as { event_id: string }).event_id
}

/** Connections that ask and never read. */
async function openMute (t: Test, sidecar: SidecarProcess, count: number, path: string): Promise<Socket[]> {
  const { hostname, port } = new URL(sidecar.address)
  const sockets = await Promise.all(Array.from({ length: count }, async () => await new Promise<Socket>((resolve, reject) => {
    const socket = createConnection(Number(port), hostname, () => resolve(socket))
    socket.once('error', reject)
    socket.pause()
    socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${sidecar.operator}\r\n\r\n`)
  })))
  t.teardown(async () => { for (const socket of sockets) socket.destroy() })
  return sockets
}

function residentBytes (pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
}

t.test('FAULT 9: a server that is stopped for a while and goes on loses no wait and no event', async (t) => {
  const sidecar = await start(t)
  const long = sidecar.ask('GET', '/api/events/wait/note?timeout=120000')
  await waiting(sidecar, 1)
  const short = await holdShortly(sidecar, 1, (timeoutMs) => ({ answer: sidecar.ask('GET', `/api/events/wait/never?timeout=${timeoutMs}`) }))
  process.kill(sidecar.pid, 'SIGSTOP')
  const publishing = publish(sidecar, {})
  await delay(stoppedMs)
  process.kill(sidecar.pid, 'SIGCONT')
  t.match((await short.answer).body, { events: [], timeout: true })
  const id = await publishing
  t.match((await long).body, { events: [{ event_id: id }] })
  await waiting(sidecar, 0)
})

t.test('FAULT 10: 119 streams that nobody reads hold no more than their buffers, and keep nobody else waiting', { skip: process.platform !== 'linux' && 'memory is read from /proc' }, async (t) => {
  const sidecar = await start(t)
  const text = 'x'.repeat(40_000)
  const each = 40
  const publishAll = async (): Promise<number> => {
    const times: number[] = []
    for (let n = 0; n < each; n++) {
      const wait = sidecar.ask('GET', '/api/events/wait/note?timeout=60000&since=latest')
      await waiting(sidecar, streams + 1)
      const started = performance.now()
      const id = await publish(sidecar, { n, text })
      const { body } = await wait
      if ((body as { events: { event_id: string }[] }).events[0]?.event_id !== id) throw new Error('A wait was given another event.')
      times.push(performance.now() - started)
    }
    return times.sort((a, b) => a - b)[each / 2]!
  }
  let streams = 0
  await publishAll()
  const alone = await publishAll()
  const before = residentBytes(sidecar.pid)
  streams = 119
  await openMute(t, sidecar, streams, '/api/events/stream')
  await waiting(sidecar, streams)
  await publishAll()
  const beside = await publishAll()
  const untaken = streams * 2 * each * text.length
  const grown = residentBytes(sidecar.pid) - before
  t.ok(grown < untaken / 3, `${grown} bytes more are held while ${untaken} are not taken`)
  t.ok(beside < alone * 10, `an event takes ${beside} ms beside them, and ${alone} ms without`)
})

t.test('FAULT 13: waits of peers that vanished without a word end by their own time', async (t) => {
  const sidecar = await start(t)
  await holdShortly(sidecar, 20, async (timeoutMs) => await openMute(t, sidecar, 20, `/api/events/wait/never?timeout=${timeoutMs}`))
  await waiting(sidecar, 0)
})

t.test('FAULT 13: 2,000 waits whose clients vanish at once leave the list with no more than three times the work of taking them', { skip: process.platform !== 'linux' && 'processor time is read from /proc' }, async (t) => {
  const sidecar = await start(t)
  // Not by the clock, which goes on while others have the processors.
  const started = processorTicks(sidecar.pid)
  const sockets: Socket[] = []
  while (sockets.length < 2000) {
    sockets.push(...await openMute(t, sidecar, 250, '/api/events/wait/never?timeout=120000'))
    await waiting(sidecar, sockets.length)
  }
  const came = processorTicks(sidecar.pid) - started
  for (const socket of sockets) socket.resetAndDestroy()
  await waiting(sidecar, 0)
  const went = processorTicks(sidecar.pid) - started - came
  t.ok(went < 3 * came, `they came in ${came} ticks and went in ${went}`)
  const id = await publish(sidecar, {})
  t.match((await sidecar.ask('GET', '/api/events/wait/note?timeout=0')).body, { events: [{ event_id: id }] }, 'and the server goes on')
})
