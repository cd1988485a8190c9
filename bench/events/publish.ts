import { loadWith } from '../speed/client.js'
import { least, ratio, type Aim } from '../speed/figures.js'
import type { Subject } from '../shared/parts.js'
import { CROWD, startBare, startServer, withConnections, type Server } from './session.js'
import type { Setup } from './server.js'

const ROUNDS = 7
const ROUND_MS = 1000
const QUICK_MS = 50

const SETUPS: readonly { name: string, setup: Setup, aim?: Aim }[] = [
  { name: 'publishes, in memory', setup: { bus: 'memory', guarded: false }, aim: least(0.9) },
  { name: 'publishes, durable', setup: { bus: 'journal', guarded: false }, aim: least(0.6) },
  { name: 'publishes, durable, tokens verified and rates held to', setup: { bus: 'journal', guarded: true } }
]

interface Sample { rate: number, processorMs: number }

/** Publishes by 119 connections, each as soon as it has its answer, against an echo with the same validation. */
export async function measurePublish (subject: Subject): Promise<void> {
  const bare = await startBare(subject)
  try {
    for (const { name, setup, aim } of SETUPS) {
      const server = await startServer(subject, setup)
      try {
        const own: Sample[] = []
        const echo: Sample[] = []
        const requests = Array.from({ length: CROWD }, (_, agent) => server.publish(agent))
        // One round more, which warms both up.
        const rounds = subject.quick ? 1 : ROUNDS + 1
        for (let round = 0; round < rounds; round++) {
          subject.say(`${name}, ${round + 1} of ${rounds}`)
          echo.push(await sample(subject, bare, bare.echo))
          own.push(await sample(subject, server, requests))
        }
        const taken = ({ length }: Sample[]): number => (length > 1 ? 1 : 0)
        subject.figures.push(ratio(name, own.slice(taken(own)).map(({ rate }) => rate), echo.slice(taken(echo)).map(({ rate }) => rate), '/s', {
          note: `of processor ${ratio('', own.map(({ processorMs }) => processorMs), echo.map(({ processorMs }) => processorMs), 'ms').compared.toFixed(2)} × as much each`, ...(aim === undefined ? {} : { aim })
        }))
      } finally {
        await server.close()
      }
    }
  } finally {
    await bare.close()
  }
}

async function sample (subject: Subject, server: Server, request: string | readonly string[]): Promise<Sample> {
  const before = await server.processor()
  const { rate, unexpected, requests } = await withConnections(server.port, CROWD, async (connections) => await loadWith(connections, subject.quick ? QUICK_MS : ROUND_MS, request, 202))
  if (unexpected > 0) subject.faults.push(`${unexpected} publishes were not answered with 202`)
  return { rate, processorMs: (await server.processor() - before) / requests }
}
