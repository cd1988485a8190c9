import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import { apiError, type HttpExtension } from '../../../core/plugin-api.js'
import { openGauge, type Gauge } from './measure.js'
import { CLASSES, Pressure, type RequestClass } from './pressure.js'
import { Turnstile } from './turnstile.js'

export interface OverloadOptions {
  /** Mean delay of the event loop at which requests begin to be refused. */
  loopDelayMs: number
  /** Of the heap that Node may have. */
  heapPercent: number
  /** Requests that begin in one turn of the event loop. */
  perTurn: number
  /** Requests that may wait for theirs. */
  maxQueue: number
  queueSeconds: number
  retryAfterSeconds: number
}

const SAMPLE_MS = 100
/** Fewer requests than these in a sample are not what keeps the server busy. */
const FEW_REQUESTS = 4
/** More are enough to keep the disk's threads busy. */
const MANY_REQUESTS = 20
/** Of the queue's bound: whoever comes when it is that long and could not be served in time is told at once. */
const SHORT_QUEUE = 0.5
/** From the limit of the heap on, how much more of it counts as once more the limit. */
const HEAP_STEP = 0.05
/** Refusals within a sample after which further ones are held back. */
const QUICK_REFUSALS = 25
/** How long they are: whoever asks again at once can then ask once in that time over each connection, or stream of HTTP/2, and costs next to nothing. */
const HOLD_MS = 1000
const MOST_HELD = 20_000

/** What it does in its own time; tests give their own. */
export interface Surroundings {
  measure (): Gauge
  /** Runs ten times a second until it is told to stop. */
  every (run: () => void): () => void
  /** Runs after the time for which a refusal is held back. */
  hold (run: () => void): void
}

const SURROUNDINGS: Surroundings = {
  measure: openGauge,
  every (run) {
    const timer = setInterval(run, SAMPLE_MS).unref()
    return () => clearInterval(timer)
  },
  hold: (run) => { setTimeout(run, HOLD_MS) }
}

/**
 * Lets requests begin in the order of their priority, and refuses with SRV_002 those who wait too long, and those who come while the event loop,
 * the heap or the queue is beyond its limit: first what can be asked again at no cost, last what carries work, never health.
 */
export function createOverload (app: FastifyInstance, options: OverloadOptions, { measure, every, hold }: Surroundings = SURROUNDINGS): HttpExtension {
  const pressure = new Pressure()
  const turnstile = new Turnstile({ classes: CLASSES.length, perTurn: options.perTurn, mostWaiting: options.maxQueue, longestMs: options.queueSeconds * 1000 })
  const shed = { low: 0, normal: 0, high: 0 }
  let entered = 0
  let enteredBefore = 0
  let held = 0
  let refusedOfLate = 0
  let gauge: Gauge | undefined
  let stop: (() => void) | undefined

  const sample = (): void => {
    const { delayMs, heapShare } = gauge!.read()
    refusedOfLate = 0
    turnstile.expire()
    const heap = Math.max(0, 1 + (heapShare - options.heapPercent / 100) / HEAP_STEP)
    pressure.sample({ delay: delayMs / options.loopDelayMs, heap, queue: turnstile.waiting / (options.maxQueue * SHORT_QUEUE) }, entered >= FEW_REQUESTS || heap > 1)
    enteredBefore = entered
    entered = 0
  }

  const refuse = (name: RequestClass, done: (error: Error) => void, isLate: boolean): void => {
    shed[name]++
    const error = apiError('SRV_002', 'The sidecar has more to do than it can; try again in a moment.', { headers: { 'retry-after': String(options.retryAfterSeconds) } })
    // Who was late has waited already.
    if (isLate || ++refusedOfLate <= QUICK_REFUSALS || held >= MOST_HELD) return done(error)
    held++
    hold(() => {
      held--
      done(error)
    })
  }

  const enter = (name: RequestClass, place: number, request: FastifyRequest, done: (error?: Error) => void): void => {
    if (pressure.refuses(place)) return refuse(name, done, false)
    turnstile.enter(place, (refusal) => {
      if (refusal !== undefined) refuse(name, done, refusal === 'late')
      // Nobody reads the answer any more.
      else if (request.raw.socket.destroyed) done(apiError('SRV_002', 'The client has gone.'))
      else done()
    })
  }

  app.addHook('onRoute', (route) => {
    const name = classOf(route)
    if (name === undefined) return
    const place = CLASSES.indexOf(name)
    // Beside the route, where what it declares is at hand: to ask a request for its route costs more than all that is done here.
    route.onRequest = [...[route.onRequest ?? []].flat(), (request, _reply, done) => {
      entered++
      // Mostly there is no load, and nothing more to do.
      if (pressure.shedding === 0 && turnstile.pass()) done()
      else enter(name, place, request, done)
    }]
  })

  return {
    async register () {},
    async open () {
      gauge = measure()
      stop = every(sample)
    },
    async close () {
      stop?.()
      gauge?.close()
    },
    figures: () => ({ shed: { ...shed }, shedding: pressure.shedding, queued: turnstile.waiting, busy: Math.max(entered, enteredBefore) >= MANY_REQUESTS })
  }
}

/** What a route says of itself; else what reads is low, and waits and all that writes is normal. `undefined` is never refused. */
function classOf ({ method, config }: RouteOptions): RequestClass | undefined {
  const priority = config?.priority ?? (config?.longLived !== true && [method].flat().every((name) => name === 'GET' || name === 'HEAD') ? 'low' : 'normal')
  return priority === 'always' ? undefined : priority
}
