import type { FastifyInstance, RouteOptions } from 'fastify'
import { apiError, type HttpExtension } from '../../../core/plugin-api.js'
import { openGauge, type Gauge } from './measure.js'
import { CLASSES, Pressure, type RequestClass } from './pressure.js'

export interface OverloadOptions {
  /** Mean delay of the event loop at which requests begin to be refused. */
  loopDelayMs: number
  /** Of the heap that Node may have. */
  heapPercent: number
  /** Requests that are being answered; long polls and streams do not count. */
  maxRequests: number
  retryAfterSeconds: number
}

const SAMPLE_MS = 100
/** Fewer requests than these are not what keeps the server busy. */
const FEW_REQUESTS = 16
/** From the limit of the heap on, how much more of it counts as once more the limit. */
const HEAP_STEP = 0.05
/** Refusals within a sample after which further ones are held back. */
const QUICK_REFUSALS = 25
/** How long they are: whoever asks again at once can then ask once in that time over each connection, and costs next to nothing. */
const HOLD_MS = 1000
const MOST_HELD = 20_000

/**
 * Refuses requests with SRV_002 while the event loop, the heap or the number of requests is beyond its limit: first those that can be asked again
 * at no cost, last those that carry work, never health. `create` hooks in front of authentication, because that costs as much as a refusal.
 */
export function createOverload (app: FastifyInstance, options: OverloadOptions, gaugeOf: () => Gauge = openGauge): HttpExtension {
  const pressure = new Pressure()
  const shed = { low: 0, normal: 0, high: 0 }
  let inFlight = 0
  /** Of those in flight, and of all. */
  let held = 0
  let heldInAll = 0
  let refusedOfLate = 0
  let gauge: Gauge | undefined
  let timer: NodeJS.Timeout | undefined

  const sample = (): void => {
    const { delayMs, heapShare } = gauge!.read()
    refusedOfLate = 0
    const requests = inFlight - held
    const heap = Math.max(0, 1 + (heapShare - options.heapPercent / 100) / HEAP_STEP)
    pressure.sample({ delay: delayMs / options.loopDelayMs, heap, requests: requests / options.maxRequests }, requests >= FEW_REQUESTS || heap > 1)
  }

  const refuse = (name: RequestClass, counts: number, done: (error: Error) => void): void => {
    shed[name]++
    const error = apiError('SRV_002', 'The sidecar has more to do than it can; try again in a moment.', { headers: { 'retry-after': String(options.retryAfterSeconds) } })
    if (++refusedOfLate <= QUICK_REFUSALS || heldInAll >= MOST_HELD) return done(error)
    heldInAll++
    held += counts
    setTimeout(() => {
      heldInAll--
      held -= counts
      done(error)
    }, HOLD_MS)
  }

  app.addHook('onRoute', (route) => {
    const name = classOf(route)
    if (name === undefined) return
    const place = CLASSES.indexOf(name)
    const counts = route.config?.longLived === true ? 0 : 1
    // Beside the route, where what it declares is at hand: to ask a request for its route costs more than all that is done here.
    route.onRequest = [...[route.onRequest ?? []].flat(), (_request, _reply, done) => {
      inFlight += counts
      if (pressure.refuses(place)) refuse(name, counts, done)
      else done()
    }]
    if (counts === 1) {
      route.onResponse = [...[route.onResponse ?? []].flat(), (_request, _reply, done) => {
        inFlight--
        done()
      }]
    }
  })

  return {
    async register () {},
    async open () {
      gauge = gaugeOf()
      timer = setInterval(sample, SAMPLE_MS).unref()
    },
    async close () {
      clearInterval(timer)
      gauge?.close()
    },
    figures: () => ({ shed: { ...shed }, shedding: pressure.shedding, in_flight: inFlight - held })
  }
}

/** What a route says of itself; else what reads is low, and waits and all that writes is normal. `undefined` is never refused. */
function classOf ({ method, config }: RouteOptions): RequestClass | undefined {
  const priority = config?.priority ?? (config?.longLived !== true && [method].flat().every((name) => name === 'GET' || name === 'HEAD') ? 'low' : 'normal')
  return priority === 'always' ? undefined : priority
}
