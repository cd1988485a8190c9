import { Counter, type Histogram, type Registry } from 'prom-client'

/** Requests of one method to one route. */
interface Tally {
  statuses: Map<number, number>
  /** How many took at most the bound at the same place, and longer than the one before; the last place is for all that took longer. */
  buckets: number[]
  sum: number
}

// From a cached answer to a long gathering; long polls are not among them.
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const DURATION = 'sidecar_request_duration_seconds'

export interface RequestTally {
  /** What counts the answers of one method to one route; to be asked for once. `seconds` is `undefined` for what is not counted as response time. */
  of (method: string, route: string): (status: number, seconds: number | undefined) => void
}

/**
 * Counts requests in numbers alone, and makes metrics of them when they are read: the library's own counters put the labels of each request
 * together again and check them, which costs more than all else that is done about it.
 */
export function createRequestTally (registry: Registry): RequestTally {
  const routes = new Map<string, Map<string, Tally>>()
  const each = (tell: (labels: { method: string, route: string }, tally: Tally) => void): void => {
    for (const [route, methods] of routes) {
      for (const [method, tally] of methods) tell({ method, route }, tally)
    }
  }

  // Registers itself.
  const requests = new Counter({
    name: 'sidecar_requests_total',
    help: 'Requests answered',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
    collect () {
      requests.reset()
      each((labels, { statuses }) => {
        for (const [status, count] of statuses) requests.inc({ ...labels, status }, count)
      })
    }
  })
  registry.registerMetric(durations(each))

  return {
    of (method, route) {
      let methods = routes.get(route)
      if (methods === undefined) routes.set(route, methods = new Map())
      let tally = methods.get(method)
      if (tally === undefined) methods.set(method, tally = { statuses: new Map(), buckets: new Array<number>(BOUNDS.length + 1).fill(0), sum: 0 })
      const { statuses, buckets } = tally
      const counted = tally
      return (status, seconds) => {
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        if (seconds === undefined) return
        let place = 0
        while (place < BOUNDS.length && seconds > BOUNDS[place]!) place++
        buckets[place]!++
        counted.sum += seconds
      }
    }
  }
}

type Value = Awaited<ReturnType<Histogram['get']>>['values'][number]

/** What the registry asks of a histogram. */
function durations (each: (tell: (labels: { method: string, route: string }, tally: Tally) => void) => void): Histogram {
  const description = { name: DURATION, help: 'Time to answer a request; long polls and streams are left out', type: 'histogram', aggregator: 'sum' }
  return {
    ...description,
    async get () {
      const values: Value[] = []
      each((labels, { buckets, sum }) => {
        let count = 0
        for (const [place, more] of buckets.entries()) values.push({ labels: { le: BOUNDS[place] ?? '+Inf', ...labels }, value: count += more, metricName: `${DURATION}_bucket` })
        if (count === 0) values.splice(-buckets.length)
        else values.push({ labels, value: sum, metricName: `${DURATION}_sum` }, { labels, value: count, metricName: `${DURATION}_count` })
      })
      return { ...description, values }
    }
  } as unknown as Histogram
}
