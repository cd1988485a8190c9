import { setTimeout as wait } from 'node:timers/promises'
import { Connection } from '../speed/client.js'
import { percentile } from '../speed/figures.js'

const EVERY_MS = 50
const GIVE_UP_MS = 30_000
/** So many good answers in a row, and the server is itself again. */
const GOOD_IN_A_ROW = 10

export interface Health {
  /** Milliseconds. */
  p99: number
  worst: number
  asked: number
  /** Answers other than 200. */
  wrong: number
  memoryMb: number
}

/** Asks for the health of a server until it is told to stop, over a connection of its own. */
export function watchHealth (port: number, request: string): { stop (): Promise<Health> } {
  const times: number[] = []
  let wrong = 0
  let memoryMb = 0
  const state = { isOver: false }
  const watching = (async () => {
    const connection = await Connection.open(port)
    try {
      while (!state.isOver) {
        const { status, milliseconds, body } = await connection.send(request)
        times.push(milliseconds)
        if (status !== 200) wrong++
        memoryMb = Math.max(memoryMb, (JSON.parse(body.toString()) as { checks: { memory_usage_mb: number } }).checks.memory_usage_mb)
        await wait(EVERY_MS)
      }
    } finally {
      connection.close()
    }
  })()
  watching.catch(() => {})
  return {
    async stop () {
      state.isOver = true
      await watching
      return { p99: percentile(times, 0.99), worst: Math.max(...times), asked: times.length, wrong, memoryMb }
    }
  }
}

/** Milliseconds until a server answers what it refuses first again, each time and not slower than `usualMs` by far. */
export async function recovery (port: number, request: string, usualMs: number): Promise<number> {
  const started = performance.now()
  const connection = await Connection.open(port)
  try {
    let since = started
    for (let good = 0; good < GOOD_IN_A_ROW;) {
      const asked = performance.now()
      if (asked - started > GIVE_UP_MS) return Infinity
      const { status, milliseconds } = await connection.send(request)
      if (status < 400 && milliseconds <= usualMs * 10) {
        if (good++ === 0) since = asked
      } else {
        good = 0
      }
      await wait(EVERY_MS)
    }
    return since - started
  } finally {
    connection.close()
  }
}
