import { least, most, percentile, plain, ratio } from '../speed/figures.js'
import type { Connection } from '../speed/client.js'
import type { Subject } from '../shared/parts.js'
import { CROWD, startBare, startServer, until, withConnections, type Server } from './session.js'

const BLOCKS = 12
const EVENTS_IN_BLOCK = 25

/** One event to 119 that wait: how long until the last has it, against a long poll of a few lines. */
export async function measureFanOut (subject: Subject): Promise<void> {
  const servers = {
    bare: await startBare(subject),
    memory: await startServer(subject, { bus: 'memory', guarded: false }),
    journal: await startServer(subject, { bus: 'journal', guarded: false })
  }
  const names = ['bare', 'memory', 'journal'] as const
  const times = { bare: [] as number[], memory: [] as number[], journal: [] as number[] }
  try {
    // The first block warms all up.
    const blocks = subject.quick ? 1 : BLOCKS + 1
    for (let block = 0; block < blocks; block++) {
      for (const name of names) {
        subject.say(`one event to ${CROWD} that wait, ${name}, ${block + 1} of ${blocks}`)
        const taken = await deliverMany(subject, servers[name], subject.quick ? 3 : EVENTS_IN_BLOCK)
        if (block > 0 || subject.quick) times[name].push(...taken)
      }
    }
  } finally {
    for (const server of Object.values(servers)) await server.close()
  }
  for (const share of [0.5, 0.99]) {
    for (const name of ['memory', 'journal'] as const) {
      const text = `one event to ${CROWD} that wait, the last has it, p${share * 100}, ${name === 'memory' ? 'in memory' : 'durable'}`
      subject.figures.push(ratio(text, [percentile(times[name], share)], [percentile(times.bare, share)], 'ms', share === 0.99 && name === 'memory' ? { aim: most(1.2) } : {}))
    }
  }
}

async function deliverMany (subject: Subject, server: Server, events: number): Promise<number[]> {
  return await withConnections(server.port, CROWD + 1, async (connections) => {
    const [publisher, ...waiters] = connections as [Connection, ...Connection[]]
    const times: number[] = []
    for (let event = 0; event < events; event++) {
      const answers = waiters.map(async (connection, agent) => await connection.send(server.wait(agent)))
      await until(server.waiting, CROWD, 'who waits')
      const started = performance.now()
      const { body } = await publisher.send(server.publish(0))
      const all = await Promise.all(answers)
      times.push(performance.now() - started)
      const { event_id: id } = JSON.parse(body.toString()) as { event_id: string }
      if (!all.every(({ status, body }) => status === 200 && body.includes(id))) subject.faults.push('an event did not reach all who waited for it')
    }
    return times
  })
}

const EVENTS_EACH = 20

/** 119 publish and 119 wait for all of it at the same time: what share of the deliveries there should be was made. */
export async function measureAllToAll (subject: Subject): Promise<void> {
  const server = await startServer(subject, { bus: 'journal', guarded: false })
  try {
    subject.say(`${CROWD} publish to ${CROWD} that wait`)
    const each = subject.quick ? 2 : EVENTS_EACH
    const total = CROWD * each
    const expected = new Set<string>()
    const received = Array.from({ length: CROWD }, () => [] as string[])
    const started = performance.now()
    await withConnections(server.port, CROWD * 2, async (connections) => {
      const publishing = connections.slice(CROWD).map(async (connection, agent) => {
        for (let event = 0; event < each; event++) {
          const { status, body } = await connection.send(server.publish(agent))
          if (status === 202) expected.add((JSON.parse(body.toString()) as { event_id: string }).event_id)
          else subject.faults.push(`a publish was answered with ${status}`)
        }
      })
      const waiting = connections.slice(0, CROWD).map(async (connection, agent) => {
        const own = received[agent]!
        while (own.length < total) {
          const { body } = await connection.send(server.wait(agent, 'timeout=5000'))
          const { events } = JSON.parse(body.toString()) as { events: { event_id: string }[] }
          if (events.length === 0) return
          own.push(...events.map(({ event_id: id }) => id))
        }
      })
      await Promise.all([...publishing, ...waiting])
    })
    const seconds = (performance.now() - started) / 1000
    const delivered = received.reduce((sum, own) => sum + new Set(own.filter((id) => expected.has(id))).size, 0)
    for (const own of received) {
      if (new Set(own).size !== own.length) subject.faults.push('an event was delivered twice to one who waits')
      if (own.join() !== own.toSorted().join()) subject.faults.push('events were delivered out of order')
    }
    subject.figures.push(plain(`${CROWD} publish to ${CROWD} that wait, delivered`, delivered / (total * CROWD) * 100, '%', { aim: least(100), note: `${Math.round(delivered / seconds)} deliveries a second` }))
  } finally {
    await server.close()
  }
}
