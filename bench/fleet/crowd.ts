import { startChild } from '../speed/child.js'
import { least, most, plain, ratio } from '../speed/figures.js'
import type { BareCalls } from './bare.js'
import type { Subject } from '../shared/parts.js'
import { startServer, type Server } from './session.js'

/** As many as there are agents. */
const CROWD = 119
const QUICK_CROWD = 24
/** The default of `spawn.starts_per_second`; as many begin at once. */
const PER_SECOND = 20
const QUICK_PER_SECOND = 12
const UNHURRIED = 10_000

/** All agents at once: as fast as the governor lets them start, and without it against as many bare starts. */
export async function measureCrowd (subject: Subject): Promise<void> {
  const [count, perSecond] = subject.quick ? [QUICK_CROWD, QUICK_PER_SECOND] : [CROWD, PER_SECOND]
  subject.say(`${count} agents at once, ${perSecond} a second`)
  await withServer(subject, perSecond, async (server) => {
    const { lastMs, ran } = await startAll(server, count)
    subject.figures.push(
      ratio(`${count} agents asked for at once, ${perSecond} a second, until all run`, [lastMs], [(count - perSecond) / perSecond * 1000], 'ms', { aim: most(1.2), note: 'limit: the ramp' }),
      plain('and of them run', ran / count * 100, '%', { aim: least(100) })
    )
    await server.endAll()
  })
  if (subject.quick) return
  subject.say(`${count} agents at once`)
  await withServer(subject, UNHURRIED, async (server) => {
    const bare = startChild<BareCalls>(new URL('./bare.js', import.meta.url), [subject.folder], subject.folder)
    try {
      const limit = await bare.call('crowd', { count, command: server.commands.shell, contextFile: server.contextFile })
      await bare.call('end')
      const { lastMs } = await startAll(server, count)
      subject.figures.push(ratio(`${count} agents asked for at once, without a ramp, until all run`, [lastMs], [limit], 'ms', { note: 'limit: as many bare starts' }))
      await server.endAll()
    } finally {
      await bare.close()
    }
  })
}

async function withServer (subject: Subject, perSecond: number, measure: (server: Server) => Promise<void>): Promise<void> {
  const server = await startServer(subject, 'shell', { 'spawn-starts-per-second': String(perSecond) })
  try {
    await measure(server)
  } finally {
    await server.close()
  }
}

async function startAll (server: Server, count: number): Promise<{ lastMs: number, ran: number }> {
  const times = (await Promise.all(Array.from({ length: count }, async () => (await server.start()).toldMs))).filter((ms) => !Number.isNaN(ms))
  return { lastMs: Math.max(...times), ran: times.length }
}
