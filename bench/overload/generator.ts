import { setTimeout as wait } from 'node:timers/promises'
import { answerCalls } from '../speed/child.js'
import { Connection, openAll } from '../speed/client.js'

/** What is asked for, and how often in comparison with the others. */
export interface Kind {
  name: string
  weight: number
  /** One rendered request for each agent. */
  requests: string[]
}

export interface Job {
  port: number
  kinds: Kind[]
  connections: number
  milliseconds: number
  /** Requests a second that come whatever becomes of those before; as many as are answered where it is left out. */
  rate?: number
}

export interface Outcome {
  milliseconds: number
  /** Requests that should have been sent. */
  due: number
  /** Of these, those for which no connection came free in time. */
  givenUp: number
  /** By kind and status. */
  answers: Record<string, Record<number, number>>
  /** Milliseconds of each answer with what was asked for. */
  latencies: number[]
  /** Refusals that do not say when to come again. */
  mute: number
  /** Connections that broke. */
  broken: number
}

/** How long a request waits for a connection; then whoever wanted to send it does something else. */
const PATIENCE_MS = 2000
const PAUSE_MS = 5
const MOST_LATENCIES = 200_000

/** Offers load over connections that are kept open. In a process of its own, since what it costs is nothing that the server does. */
async function generate ({ port, kinds, connections: count, milliseconds, rate }: Job): Promise<Outcome> {
  const connections = await openAll(port, count)
  const outcome: Outcome = { milliseconds: 0, due: 0, givenUp: 0, answers: {}, latencies: [], mute: 0, broken: 0 }
  // In an order that is the same in each run, and mixed.
  const order = kinds.flatMap((kind) => new Array<Kind>(kind.weight).fill(kind))
  const started = performance.now()
  const end = started + milliseconds
  let taken = 0

  const next = (): boolean => {
    if (rate === undefined) return true
    const due = (performance.now() - started) / 1000 * rate
    const late = Math.floor(due - PATIENCE_MS / 1000 * rate) - taken
    if (late > 0) {
      outcome.givenUp += late
      taken += late
    }
    return taken < due
  }

  const drive = async (connection: Connection, agent: number): Promise<void> => {
    while (performance.now() < end) {
      if (!next()) {
        await wait(PAUSE_MS)
        continue
      }
      const kind = order[(taken++ * 7) % order.length]!
      const reply = await connection.send(kind.requests[agent % kind.requests.length]!)
      const answers = outcome.answers[kind.name] ??= {}
      answers[reply.status] = (answers[reply.status] ?? 0) + 1
      if (reply.status < 400 && outcome.latencies.length < MOST_LATENCIES) outcome.latencies.push(reply.milliseconds)
      if (reply.status === 503 && reply.retryAfter === '') outcome.mute++
    }
  }

  await Promise.all(connections.map(async (connection, agent) => {
    try {
      await drive(connection, agent)
    } catch {
      outcome.broken++
    } finally {
      connection.close()
    }
  }))
  outcome.milliseconds = performance.now() - started
  outcome.due = rate === undefined ? taken : Math.floor(milliseconds / 1000 * rate)
  return outcome
}

const handlers = { generate }

export type GeneratorCalls = typeof handlers

answerCalls(handlers)
