import { startChild } from '../speed/child.js'
import { most, ratio } from '../speed/figures.js'
import type { BareCalls } from './bare.js'
import type { Subject } from '../shared/parts.js'
import { startServer } from './session.js'

const ROUNDS = 30
const WARM_UP = 5

/** From the request for an agent until it runs, with its context written, against a bare start of the same command until it writes. */
export async function measureLatency (subject: Subject): Promise<void> {
  const [rounds, warmUp] = subject.quick ? [2, 1] : [ROUNDS, WARM_UP]
  for (const kind of ['node', 'shell'] as const) {
    subject.say(`one agent at a time, ${kind}`)
    const server = await startServer(subject, kind, { 'spawn-starts-per-second': '1000' })
    const bare = startChild<BareCalls>(new URL('./bare.js', import.meta.url), [subject.folder], subject.folder)
    try {
      const times: { runs: number, told: number, limit: number }[] = []
      for (let round = 0; round < warmUp + rounds; round++) {
        const { readyMs: limit } = await bare.call('start', { command: server.commands[kind], contextFile: server.contextFile })
        await bare.call('end')
        const { runsMs: runs, toldMs: told } = await server.start()
        await server.endAll()
        if (round >= warmUp) times.push({ runs, told, limit })
      }
      const limits = times.map(({ limit }) => limit)
      const name = kind === 'node' ? 'one agent that is a program of Node' : 'one agent that is a shell, which costs next to nothing'
      subject.figures.push(
        ratio(`${name}, until it runs`, times.map(({ runs }) => runs), limits, 'ms', kind === 'node' ? { aim: most(1.5) } : {}),
        ratio('and until who waits for that is told', times.map(({ told }) => told), limits, 'ms')
      )
    } finally {
      await Promise.all([server.close(), bare.close()])
    }
  }
}
