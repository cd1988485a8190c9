import Fastify, { type FastifyInstance } from 'fastify'
import type { HttpExtension } from '../../../core/contracts/index.js'
import { mountErrors } from '../../../core/http/errors.js'
import type { RequestPriority } from '../../../core/http/types.js'
import { createOverload } from '../../../plugins/http/overload/overload.js'

export interface OverloadStage {
  app: FastifyInstance
  load: { delayMs: number }
  extension: HttpExtension
  held: (() => void)[]
  /** Some requests of the highest priority, and a measurement, so many times. */
  pass (times: number): Promise<number>
}

interface OverloadStageOptions {
  app?: FastifyInstance
  /** Requests that begin in one turn of the event loop. */
  perTurn?: number
  /** Whether refusals that are held back wait until the test answers them. */
  holds?: boolean
}

/** A server whose delay is what the test says, and whose time passes when the test lets it. */
export async function setUpOverload (t: { teardown (handler: () => Promise<void>): unknown }, { app = Fastify(), perTurn = 10_000, holds = false }: OverloadStageOptions = {}): Promise<OverloadStage> {
  mountErrors(app)
  const load = { delayMs: 0 }
  const held: (() => void)[] = []
  let sample = (): void => {}
  const options = { loopDelayMs: 10, heapPercent: 85, perTurn, maxQueue: 1000, queueSeconds: 600, retryAfterSeconds: 3 }
  const extension = createOverload(app, options, {
    measure: () => ({ read: () => ({ delayMs: load.delayMs, heapShare: 0.1 }), close () {} }),
    every (run) {
      sample = run
      return () => {}
    },
    hold: (run) => {
      if (holds) held.push(run)
      else run()
    }
  })
  t.teardown(async () => await extension.close!())
  t.teardown(async () => await app.close())
  await extension.open!()
  for (const priority of ['low', 'normal', 'high', 'always'] satisfies RequestPriority[]) app.get(`/${priority}`, { config: { priority } }, async () => ({ ok: true }))
  app.get('/reads', async () => ({ ok: true }))
  app.post('/writes', async () => ({ ok: true }))
  app.get('/waits', { config: { longLived: true } }, async () => ({ ok: true }))
  return {
    app,
    load,
    extension,
    held,
    async pass (times) {
      for (let count = 0; count < times; count++) {
        await Promise.all(Array.from({ length: 5 }, async () => await app.inject('/high')))
        sample()
      }
      return extension.figures!().shedding!
    }
  }
}
