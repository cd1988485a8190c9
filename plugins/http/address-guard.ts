import fastifyRateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { connectionOf, networkOf, rateLimited } from '../../core/plugin-api.js'
import type { Bucket, Drawn } from './bucket-store.js'
import { TokenBuckets } from './token-buckets.js'

/** Headers that were good when they came last: who bears one is let through to be checked, whatever others do from its address. */
const KNOWN_HEADERS = 10_000

/** What the library is told of a draw that was allowed, and one more of one that was not. */
const ALLOWED = 1

/** One request's draw, which the library hands to its store and back. */
interface Draw {
  bucket: Bucket
  drawn?: Drawn
}

export interface AddressGuard {
  /** To be called for each request that was let in. */
  admitted (request: FastifyRequest): void
  /** How many requests were turned away before anybody looked at their token. */
  readonly refused: number
}

/**
 * Turns away who has asked in vain too often, before anybody looks at its token: a wrong one costs a signature check, and there is an endless
 * supply of them. Who is let in gets its token back, so that any number of agents may share an address.
 */
export async function mountAddressGuard (app: FastifyInstance, perMinute: number, buckets = new TokenBuckets()): Promise<AddressGuard> {
  const known = new LRUCache<string, true>({ max: KNOWN_HEADERS })
  /** The header that each connection was let in with last: it mostly sends the same again. */
  const lastOf = new WeakMap<object, string>()
  const drawnOf = new WeakMap<FastifyRequest, Bucket>()
  const connections = new WeakMap<object, string>()
  let lastConnection = 0
  let refused = 0

  // On this machine all agents have one address, and so have those behind a proxy on it: there each connection counts for itself.
  const bucketOf = (request: FastifyRequest): Bucket => {
    let key = networkOf(request.ip)
    if (key === undefined) {
      const connection = connectionOf(request.raw)
      key = connections.get(connection)
      if (key === undefined) connections.set(connection, key = `connection ${++lastConnection}`)
    }
    return { key, perMinute, burst: perMinute }
  }

  /** The store of @fastify/rate-limit over buckets. */
  class DrawStore {
    incr (draw: Draw, callback: (error: null, result: { current: number, ttl: number }) => void): void {
      const { allowed, waitMs } = draw.drawn = buckets.draw([draw.bucket])
      callback(null, { current: allowed ? ALLOWED : ALLOWED + 1, ttl: waitMs })
    }

    child (): DrawStore {
      return this
    }
  }

  await app.register(fastifyRateLimit, {
    global: false,
    max: ALLOWED,
    store: DrawStore,
    keyGenerator: (request: FastifyRequest): Draw => ({ bucket: bucketOf(request) })
  } as unknown as Parameters<typeof fastifyRateLimit>[1])
  const check = app.createRateLimit()

  const ask = async (request: FastifyRequest): Promise<void> => {
    const { bucket, drawn } = (await check(request)).key as unknown as Required<Draw>
    if (!drawn.allowed) {
      refused++
      throw rateLimited(`More than ${perMinute} requests a minute came from here in vain`, perMinute, drawn.waitMs)
    }
    // What asks for no route has asked in vain.
    if (!request.is404) drawnOf.set(request, bucket)
  }

  app.addHook('onRequest', (request, _reply, done) => {
    const { authorization } = request.headers
    if (authorization !== undefined && (lastOf.get(connectionOf(request.raw)) === authorization || known.has(authorization))) return done()
    if (!request.is404 && request.routeOptions.config.priority === 'always') return done()
    ask(request).then(() => done(), done)
  })

  app.addHook('onError', (request, _reply, _error, done) => {
    const { authorization } = request.headers
    // It was good once: it has ended since, or was revoked.
    if (request.caller === null && authorization !== undefined) {
      known.delete(authorization)
      lastOf.delete(connectionOf(request.raw))
    }
    done()
  })

  return {
    admitted (request) {
      const bucket = drawnOf.get(request)
      if (bucket !== undefined) {
        drawnOf.delete(request)
        buckets.putBack(bucket)
        if (request.caller !== null) known.set(request.headers.authorization!, true)
      }
      const { authorization } = request.headers
      if (request.caller === null || authorization === undefined) return
      const connection = connectionOf(request.raw)
      if (lastOf.get(connection) !== authorization) lastOf.set(connection, authorization)
    },
    get refused () { return refused }
  }
}
