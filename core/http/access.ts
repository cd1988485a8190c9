import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { RESERVED_ACTORS } from '../audit/actors.js'
import { issuedEntry } from '../audit/audited-auth.js'
import type { Claims, Permission } from '../contracts/auth.js'
import { connectionOf } from '../connection.js'
import { apiError } from '../errors.js'
import type { Access, Services } from './types.js'

/** A response in the last minutes of a token's life carries the next one. */
const RENEWAL_WINDOW_SECONDS = 300
const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1'])

/** Lets a request in by its token, or not at all; every route says who may call it. */
export function mountAccess (app: FastifyInstance, { audit, auth, fleet, settings, clock }: Pick<Services, 'audit' | 'auth' | 'fleet' | 'settings' | 'clock'>): void {
  app.decorateRequest('caller', null)

  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => { routes.push(route) })
  // Asked when all hooks have had their say: a plugin may set it for the routes of its own scope.
  app.addHook('onReady', async () => {
    const silent = routes.find((route) => route.config?.access === undefined)
    if (silent !== undefined) throw new Error(`Route ${String(silent.method)} ${silent.url} does not say who may call it: set config.access.`)
  })

  // Without promises of its own beside the one that it waits for: it stands before every answer.
  app.addHook('onRequest', (request, _reply, done) => {
    // An unknown route asks for nobody: it is answered with 404.
    const access = request.is404 ? 'open' : request.routeOptions.config.access!
    if (access === 'open') return done()
    const token = bearerOf(request)
    if (token === undefined) {
      if (access === 'loopback' && settings.access.loopback_status && isDirectLoopback(request)) return done()
      throw apiError('AUTH_001', 'A token is needed: send it as "Authorization: Bearer <token>".')
    }
    auth.verify(token).then((caller) => done(admit(request, caller, access)), done)
  })

  function admit (request: FastifyRequest, caller: Claims, access: Access): Error | undefined {
    if (caller.issuer !== undefined && RESERVED_ACTORS.has(caller.agent_id)) return apiError('AUTH_001', `The token is not acceptable: '${caller.agent_id}' is a name of this sidecar's own.`)
    request.caller = caller
    fleet.noteCall(caller.project_id, caller.agent_id)
    if (isAllowed(access, caller)) return undefined
    const needed = [access].flat().join(' or ')
    return apiError('AUTH_003', `This call needs the permission ${needed}, which the token does not carry.`)
  }

  // One renewal per token, whatever the number of responses that carry it.
  const renewals = new Map<string, Promise<string | undefined>>()
  app.addHook('onSend', (request, reply, _payload, done) => {
    const { caller } = request
    // What another issuer has given it alone renews.
    if (caller === null || caller.issuer !== undefined || !auth.supports.issue || reply.statusCode >= 400) return done()
    const left = caller.expires_at - clock() / 1000
    if (left <= 0 || left > RENEWAL_WINDOW_SECONDS) return done()
    return bringNext(request, reply, caller, left)
  })

  async function bringNext (request: FastifyRequest, reply: FastifyReply, caller: Claims, left: number): Promise<void> {
    const renewal = renewals.get(caller.jti) ?? renew(caller, request).catch((error: unknown) => {
      // The answer itself is good: the caller can still ask for a new token.
      request.log.warn({ err: error }, 'a token could not be renewed')
      return undefined
    })
    if (!renewals.has(caller.jti)) {
      renewals.set(caller.jti, renewal)
      setTimeout(() => renewals.delete(caller.jti), left * 1000).unref()
    }
    const token = await renewal
    if (token !== undefined) reply.header('x-refreshed-token', token)
  }

  async function renew (caller: Claims, { ip: address, id: requestId }: FastifyRequest): Promise<string | undefined> {
    const { token, claims } = await auth.issue(caller, {
      ttlSeconds: caller.expires_at - caller.issued_at, continues: caller
    })
    // The chain has come to its end: a token that ends no later than this one helps nobody.
    if (claims.expires_at <= caller.expires_at) return undefined
    await audit.record({ ...issuedEntry(claims), action: 'token.renewed', actor: caller.agent_id, actor_type: caller.agent_type, address, request_id: requestId })
    return token
  }
}

/** What each connection sent last: it mostly sends the same again, and the same text, once found by its hash, need not be hashed anew. */
const lastBearer = new WeakMap<object, { header: string, token: string }>()

function bearerOf (request: FastifyRequest): string | undefined {
  const header = request.headers.authorization
  if (header === undefined) return undefined
  const connection = connectionOf(request.raw)
  const last = lastBearer.get(connection)
  if (last?.header === header) return last.token
  const match = /^Bearer +([^\s]+)$/i.exec(header)
  if (match === null) throw apiError('AUTH_001', 'The Authorization header must be "Bearer <token>".')
  const token = match[1]!
  lastBearer.set(connection, { header, token })
  return token
}

/** A connection from this machine that no proxy has passed on. */
function isDirectLoopback (request: FastifyRequest): boolean {
  const { headers, socket } = request.raw
  return LOOPBACK.has(socket.remoteAddress ?? '') && headers['x-forwarded-for'] === undefined && headers.forwarded === undefined
}

function isAllowed (access: Access, caller: Claims): boolean {
  if (access === 'any' || access === 'loopback' || access === 'open') return true
  const needed: readonly Permission[] = typeof access === 'string' ? [access] : access
  return caller.permissions.includes('admin') || needed.some((permission) => caller.permissions.includes(permission))
}

export function isAdmin (caller: Claims): boolean {
  return caller.permissions.includes('admin')
}

/** The project whose agents and working trees a caller sees; the operator, who starts agents in any, sees all. */
export function scopeOf (caller: Claims): string | undefined {
  return isAdmin(caller) ? undefined : caller.project_id
}

/** The caller of a route that asks for a token. */
export function callerOf (request: FastifyRequest): Claims {
  if (request.caller === null) throw apiError('AUTH_001', 'A token is needed: send it as "Authorization: Bearer <token>".')
  return request.caller
}
