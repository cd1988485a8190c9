import type { FastifyInstance, FastifyReply } from 'fastify'
import { apiError, definePlugin, rateLimited, Type, type AgentProfile, type Claims, type HttpExtension, type SidecarFacts } from '../../core/plugin-api.js'
import { mountAddressGuard, type AddressGuard } from './address-guard.js'
import type { Bucket, BucketStore, Drawn } from './bucket-store.js'
import { TokenBuckets } from './token-buckets.js'

export interface RateLimitOptions {
  projectPerMinute: number
}

/** What a token's bearer draws from; the project's bucket is always the last. */
interface Limited {
  profile: AgentProfile | undefined
  buckets: readonly Bucket[]
}

/** Holds each agent to the rate and burst of its profile, and all agents of a project to one rate. */
export function createRateLimit ({ projectPerMinute }: RateLimitOptions, sidecar: SidecarFacts, store: BucketStore = new TokenBuckets(), guard?: AddressGuard): HttpExtension {
  // Verified claims are the same object as long as their token is remembered.
  const known = new WeakMap<Claims, Limited>()

  const refused = { agent: 0, project: 0 }

  const limitedOf = (caller: Claims): Limited => {
    const profile = sidecar.profile(caller.project_id, caller.agent_type)
    const held = known.get(caller)
    if (held !== undefined && held.profile === profile) return held
    const limited = { profile, buckets: bucketsOf(caller, profile) }
    known.set(caller, limited)
    return limited
  }

  /** None for the operator; the project's alone for agents without a limit of their own, such as architects. */
  const bucketsOf = (caller: Claims, profile: AgentProfile | undefined): Bucket[] => {
    if (caller.permissions.includes('admin')) return []
    // Identifiers hold neither `/` nor a space.
    const project = { key: `project ${caller.project_id}`, perMinute: projectPerMinute, burst: projectPerMinute }
    const { requests_per_minute: perMinute = null, burst } = profile?.limits ?? {}
    return perMinute === null ? [project] : [{ key: `${caller.project_id}/${caller.agent_id}`, perMinute, burst: burst ?? perMinute }, project]
  }

  const settle = (reply: FastifyReply, caller: Claims, { buckets }: Limited, { allowed, place, remaining, waitMs }: Drawn): Error | undefined => {
    const { perMinute } = buckets[place]!
    if (!allowed) {
      const isProject = place === buckets.length - 1
      refused[isProject ? 'project' : 'agent']++
      return rateLimited(isProject
        ? `The agents of project '${caller.project_id}' make more than ${perMinute} requests a minute together`
        : `Agents of type '${caller.agent_type}' may make ${perMinute} requests a minute`, perMinute, waitMs)
    }
    if (buckets.length > 1) reply.header('x-ratelimit-limit', perMinute).header('x-ratelimit-remaining', remaining).header('x-ratelimit-reset', Math.ceil(waitMs / 1000))
    return undefined
  }

  return {
    figures: () => ({ rate_limited: { ...refused, address: guard?.refused ?? 0 } }),
    async register (app: FastifyInstance) {
      app.addHook('onRequest', (request, reply, done) => {
        const { caller } = request
        guard?.admitted(request)
        if (caller === null) return done()
        const limited = limitedOf(caller)
        if (limited.buckets.length === 0) return done()
        const drawn = store.draw(limited.buckets)
        if (!(drawn instanceof Promise)) return done(settle(reply, caller, limited, drawn))
        drawn.then(
          (drawn) => done(settle(reply, caller, limited, drawn)),
          // Whoever could put the store out of order would else be free of all limits.
          (cause: unknown) => done(apiError('SRV_002', 'The rates of requests cannot be checked; try again in a moment.', { cause }))
        )
      })
    }
  }
}

export default definePlugin({
  kind: 'http',
  name: 'rate-limit',
  description: 'Requests a minute by agent, by project, and by address before authentication',
  options: Type.Object({
    enabled: Type.Boolean({ default: true }),
    projectPerMinute: Type.Integer({ minimum: 1, default: 60_000 }),
    addressPerMinute: Type.Integer({ minimum: 1, default: 600, description: 'Requests that one address may make in vain; on loopback each connection.' })
  }, { additionalProperties: false }),
  async create ({ enabled, projectPerMinute, addressPerMinute }, { app, sidecar }) {
    if (!enabled) return { async register () {} }
    // Before the server looks at tokens.
    return createRateLimit({ projectPerMinute }, sidecar, new TokenBuckets(), await mountAddressGuard(app, addressPerMinute))
  }
})
