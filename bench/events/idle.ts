import { readFile } from 'node:fs/promises'
import { least, most, plain, ratio } from '../speed/figures.js'
import { openAll, type Connection } from '../speed/client.js'
import type { Subject } from '../shared/parts.js'
import { CROWD, startBare, startServer, until, type Server } from './session.js'

const WAITS = 10_000
/** Files that a process of the bench has open beside its connections. */
const OTHER_FILES = 200
const QUICK_WAITS = 200
const BATCH = 500

/** What a wait that nothing happens to holds in memory, against a response that node:http holds open; and what is left when all clients vanish. */
export async function measureIdle (subject: Subject): Promise<void> {
  const count = subject.quick ? QUICK_WAITS : await connectionsUpTo(WAITS)
  const bare = await startBare(subject)
  const server = await startServer(subject, { bus: 'memory', guarded: false })
  try {
    const request = (index: number): string => server.wait(index % CROWD)
    subject.say(`${count} idle answers of node:http`)
    const plainBytes = await holdOpen(bare, bare.plainPort, bare.idle, count, request)
    subject.say(`${count} idle waits`)
    const own = await holdOpen(server, server.port, server.waiting, count, request)
    subject.figures.push(
      ratio('memory of an idle wait', [own.each / 1000], [plainBytes.each / 1000], 'kB', { aim: most(1.25), note: `${count} waits` }),
      ratio('resident memory of an idle wait', [own.resident / 1000], [plainBytes.resident / 1000], 'kB'),
      plain(`${count} waits whose clients vanish, until nobody is in the list`, own.emptyMs, 'ms', { aim: most(1000), note: `${Math.round(plainBytes.emptyMs)} ms with node:http` }),
      plain('and of their memory is given back', own.returned * 100, '%', { aim: least(90) })
    )
  } finally {
    await Promise.all([bare.close(), server.close()])
  }
}

interface HeldOpen {
  /** Bytes of V8, and of the system. */
  each: number
  resident: number
  emptyMs: number
  /** Share of the memory that was given back. */
  returned: number
}

async function holdOpen (server: Server, port: number, held: () => Promise<number>, count: number, request: (index: number) => string): Promise<HeldOpen> {
  await hold(port, held, 50, request)
  const before = await server.memory()
  const residentBefore = await residentOf(server.pid)
  const { connections, end } = await hold(port, held, count, request, false)
  const during = await server.memory()
  const resident = (await residentOf(server.pid) - residentBefore) / count
  const started = performance.now()
  for (const connection of connections) connection.close()
  await end()
  const emptyMs = performance.now() - started
  const after = await server.memory()
  return { each: (during - before) / count, resident, emptyMs, returned: (during - after) / (during - before) }
}

async function hold (port: number, held: () => Promise<number>, count: number, request: (index: number) => string, close = true): Promise<{ connections: Connection[], end (): Promise<void> }> {
  const connections: Connection[] = []
  // In batches: more at a time than the backlog of the listening socket would be refused.
  while (connections.length < count) {
    const opened = await openAll(port, Math.min(BATCH, count - connections.length))
    // Nobody reads what comes: these connections are cut.
    for (const [index, connection] of opened.entries()) connection.send(request(connections.length + index)).catch(() => {})
    connections.push(...opened)
    await until(held, connections.length, 'who waits')
  }
  const end = async (): Promise<void> => { await until(held, 0, 'who is left') }
  if (close) {
    for (const connection of connections) connection.close()
    await end()
  }
  return { connections, end }
}

/** As many as the system lets a process have open. */
async function connectionsUpTo (most: number): Promise<number> {
  const limit = /^Max open files\s+(\d+)/m.exec(await readFile('/proc/self/limits', 'utf8').catch(() => ''))?.[1]
  return limit === undefined ? most : Math.min(most, Number(limit) - OTHER_FILES)
}

/** NaN where the system does not tell it in /proc. */
async function residentOf (pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024
}
