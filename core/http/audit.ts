import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusals } from '../audit/refusals.js'
import type { AuditAction, AuditEntry, AuditLog, Json } from '../contracts/index.js'
import { API_ERRORS, apiError, isApiError, messageOf } from '../errors.js'

/** What a route tells of the act that it did. */
export interface Act {
  /** What it was done to; by default the identifiers of the path. */
  resource?: string
  /** Where it is not the caller's own. */
  project?: string
  details?: Record<string, Json>
  /** Nothing was done, as in a dry run. */
  nothing?: true
}

/** Acts that take away. They are done also while nothing can be recorded, and recorded later; others are then refused. */
const PROTECTIVE: ReadonlySet<AuditAction> = new Set<AuditAction>(['token.revoked', 'agent.stopped', 'webhook.deleted', 'webhook.disabled', 'key.rotated'])

const REFUSED: Partial<Record<string, AuditAction>> = {
  AUTH_001: 'token.refused', AUTH_002: 'token.refused', AUTH_003: 'permission.denied', EVT_003: 'permission.denied', RATE_001: 'limit.exceeded'
}

/**
 * Records what routes say that they do in `config.audit`: an act that succeeded before its answer is sent, what was refused or failed without a
 * wait. Routes that do not say so, and answers without an error, cost nothing.
 */
export function mountAudit (app: FastifyInstance, audit: AuditLog): void {
  const refusals = new Refusals(audit)
  app.decorateRequest('act', null)
  app.addHook('onClose', async () => { refusals.flush() })

  app.addHook('onRoute', (route) => {
    const action = route.config?.audit ?? null
    if (action === null) return
    const isProtective = PROTECTIVE.has(action)
    route.preHandler = [async () => { if (!isProtective) refuseUnrecorded(audit) }, ...[route.preHandler ?? []].flat()]
    route.onSend = [...[route.onSend ?? []].flat(), async (request: FastifyRequest, reply: FastifyReply) => {
      if (reply.statusCode >= 400 || request.act?.nothing === true) return
      await audit.record(entryOf(action, request)).catch((error: unknown) => {
        if (!isProtective) throw error
        request.log.warn({ reason: messageOf(error), action }, 'an act was done that could not be recorded yet')
      })
    }]
  })

  app.addHook('onError', (request, _reply, error: FastifyError, done) => {
    const code = isApiError(error) ? error.code : undefined
    const refused = code === undefined ? undefined : REFUSED[code]
    const own = request.routeOptions.config.audit ?? undefined
    const action = refused ?? own
    if (action !== undefined) {
      const status = code === undefined ? error.statusCode ?? 500 : API_ERRORS[code].status
      const what = code ?? (status < 500 ? 'VAL_001' : 'SRV_001')
      const entry = { ...entryOf(action, request), outcome: refused === undefined ? 'failed' as const : 'refused' as const, code: what, resource: pathOf(request) }
      refusals.note(`${action} ${what} ${request.ip} ${entry.actor ?? ''} ${request.routeOptions.url ?? ''}`, entry)
    }
    done()
  })
}

function refuseUnrecorded (audit: AuditLog): void {
  if (audit.failing === undefined) return
  throw apiError('STR_001', 'The audit log cannot be written, so nothing is done that would have to be in it; look at disk space and rights.')
}

function entryOf (action: AuditAction, request: FastifyRequest): AuditEntry {
  const { caller, act } = request
  const project = act?.project ?? caller?.project_id
  return {
    action,
    outcome: 'success',
    actor: caller?.agent_id ?? null,
    ...(caller === null ? {} : { actor_type: caller.agent_type }),
    ...(project === undefined ? {} : { project }),
    resource: act?.resource ?? pathOf(request),
    request_id: request.id,
    address: request.ip,
    ...(act?.details === undefined ? {} : { details: act.details })
  }
}

/** Without the query, which may hold anything. */
function pathOf ({ method, url }: FastifyRequest): string {
  return `${method} ${url.split('?')[0]!}`
}
