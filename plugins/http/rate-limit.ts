import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { apiError, definePlugin, Type, type HttpExtension, type SidecarFacts } from '../../core/plugin-api.js'
import { TokenBuckets } from './token-bucket.js'

export interface RateLimitOptions {
  enabled: boolean
  projectPerMinute: number
}

interface Limit {
  requests_per_minute: number
  burst: number
}

type Callback = (error: Error | null, result?: { current: number, ttl: number }) => void

/** Holds each agent to the rate and burst of its profile, and all agents of a project to one rate. */
export function createRateLimit ({ enabled, projectPerMinute }: RateLimitOptions, sidecar: SidecarFacts): HttpExtension {
  const buckets = new TokenBuckets()

  /** `undefined` where the caller is not limited: the operator, architects, and open routes. */
  const limitOf = ({ caller }: FastifyRequest): Limit | undefined => {
    if (caller === null || caller.permissions.includes('admin')) return undefined
    const limits = sidecar.profile(caller.project_id, caller.agent_type)?.limits
    if (limits?.requests_per_minute == null) return undefined
    return { requests_per_minute: limits.requests_per_minute, burst: limits.burst ?? limits.requests_per_minute }
  }

  /** The store of @fastify/rate-limit over token buckets: `max` is the burst, the window the time in which it refills. */
  class BucketStore {
    incr (key: string, callback: Callback, windowMs: number, burst: number): void {
      const { allowed, remaining, waitMs } = buckets.draw(key, burst / windowMs * 60_000, burst)
      callback(null, { current: allowed ? burst - remaining : burst + 1, ttl: waitMs })
    }

    child (): BucketStore {
      return this
    }
  }

  return {
    async register (app: FastifyInstance) {
      if (!enabled) return
      app.addHook('preParsing', (request, _reply, _payload, done) => {
        const { caller } = request
        if (caller !== null && !caller.permissions.includes('admin')) {
          const { allowed, waitMs } = buckets.draw(caller.project_id, projectPerMinute, projectPerMinute)
          if (!allowed) throw exceeded(`The agents of project '${caller.project_id}' make more than ${projectPerMinute} requests a minute together`, projectPerMinute, waitMs)
        }
        done()
      })
      await app.register(rateLimit, {
        hook: 'preParsing',
        store: BucketStore as unknown as NonNullable<Parameters<typeof rateLimit>[1]>['store'],
        // Asked before the allow-list, so also for those who bear no token. Identifiers hold no `/`.
        keyGenerator: ({ caller }) => (caller === null ? '' : `${caller.project_id}/${caller.agent_id}`),
        allowList: (request) => limitOf(request) === undefined,
        max: (request) => limitOf(request)!.burst,
        timeWindow: (request: FastifyRequest) => {
          const { requests_per_minute: rate, burst } = limitOf(request)!
          return burst / rate * 60_000
        },
        // The burst is what remains from; the limit that is shown is the rate.
        addHeaders: { 'x-ratelimit-limit': false },
        addHeadersOnExceeding: { 'x-ratelimit-limit': false },
        errorResponseBuilder: (request, { ttl }) => {
          const { requests_per_minute: rate } = limitOf(request)!
          return exceeded(`Agents of type '${request.caller!.agent_type}' may make ${rate} requests a minute`, rate, ttl)
        }
      } as Parameters<typeof rateLimit>[1])
      app.addHook('onSend', (request, reply, _payload, done) => {
        const limit = limitOf(request)
        if (limit !== undefined && !reply.hasHeader('x-ratelimit-limit')) reply.header('x-ratelimit-limit', limit.requests_per_minute)
        done()
      })
    }
  }
}

function exceeded (what: string, limit: number, waitMs: number): Error {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000))
  return apiError('RATE_001', `${what}; try again in ${seconds} s.`, {
    details: { retry_after_seconds: seconds, limit },
    headers: { 'retry-after': String(seconds), 'x-ratelimit-limit': String(limit), 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(seconds) }
  })
}

export default definePlugin({
  kind: 'http',
  name: 'rate-limit',
  description: 'Requests a minute by agent and by project',
  options: Type.Object({
    enabled: Type.Boolean({ default: true }),
    projectPerMinute: Type.Integer({ minimum: 1, default: 60_000 })
  }, { additionalProperties: false }),
  create: (options, { sidecar }) => createRateLimit(options, sidecar)
})
