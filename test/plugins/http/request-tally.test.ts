import { Counter, Histogram, Registry } from 'prom-client'
import t from 'tap'
import { createRequestTally } from '../../../plugins/http/request-tally.js'

const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const ROUTES = ['/a', '/b/:id', 'none']
const METHODS = ['GET', 'POST']
const LABELS = { method: 'method', route: 'route' }

/** What the library itself makes of the same requests. */
function createReference (registry: Registry): ReturnType<typeof createRequestTally> {
  const requests = new Counter({ name: 'sidecar_requests_total', help: 'Requests answered', labelNames: ['method', 'route', 'status'], registers: [registry] })
  const duration = new Histogram({
    name: 'sidecar_request_duration_seconds', help: 'Time to answer a request; long polls and streams are left out', labelNames: Object.keys(LABELS), buckets: BUCKETS, registers: [registry]
  })
  return {
    of: (method, route) => (status, seconds) => {
      requests.inc({ method, route, status })
      if (seconds !== undefined) duration.observe({ method, route }, seconds)
    }
  }
}

const linesOf = async (registry: Registry): Promise<string[]> => (await registry.metrics()).split('\n').filter((line) => line !== '').sort()

t.test('the metrics are those that the library would tell', async t => {
  const [ours, theirs] = [new Registry(), new Registry()]
  const tallies = [createRequestTally(ours), createReference(theirs)]
  t.strictSame(await linesOf(ours), await linesOf(theirs), 'of nothing')
  for (let round = 0; round < 3; round++) {
    for (const route of ROUTES) {
      for (const method of METHODS) {
        // On each bound, on both sides of it, beyond all, and what is not response time.
        for (const seconds of [0, ...BUCKETS.flatMap((bound) => [bound * 0.9, bound, bound * 1.1]), 60, undefined]) {
          if (seconds !== undefined && route === 'none') continue
          for (const tally of tallies) tally.of(method, route)(seconds === undefined ? 404 : 200, seconds)
        }
      }
    }
    t.strictSame(await linesOf(ours), await linesOf(theirs), 'each time they are read')
  }
})
