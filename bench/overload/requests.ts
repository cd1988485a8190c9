import { AGENT_TYPE } from '../shared/agent-type.js'
import { BODY } from '../events/session.js'
import { renderRequest } from '../speed/client.js'
import type { Kind } from './generator.js'

export interface Mix {
  kinds: Kind[]
  health: string
  /** What is refused first. */
  first: string
  publish: string
}

/** Thousands are told apart as in English. */
export const LIST = new Intl.NumberFormat('en')

/** What agents ask for in a day's work: mostly they publish, store and read what they have read before. */
export function kindsFor (tokens: readonly string[]): Mix {
  const headers = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })
  const kind = (name: string, weight: number, render: (token: string, agent: number) => string): Kind => ({ name, weight, requests: tokens.map(render) })
  const kinds = [
    kind('publishes', 8, (token) => renderRequest('POST', '/api/events/code_ready', headers(token), BODY)),
    kind('results', 2, (token, agent) => renderRequest('POST', '/api/results', headers(token), resultOf(token, agent))),
    kind('waits', 3, (token) => renderRequest('GET', '/api/events/wait/never?timeout=0', headers(token))),
    kind('contexts', 4, (token) => renderRequest('GET', `/api/context/issue-1/${AGENT_TYPE}`, headers(token))),
    kind('lists', 2, (token) => renderRequest('GET', '/api/agents', headers(token)))
  ]
  return {
    kinds,
    health: renderRequest('GET', '/health', {}),
    first: kinds[3]!.requests[0]!,
    publish: kinds[0]!.requests[0]!
  }
}

function resultOf (token: string, agent: number): string {
  const { sub } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sub: string }
  return JSON.stringify({ agent_id: sub, agent_type: AGENT_TYPE, issue_id: `issue-${agent}`, result: { status: 'partial', files_created: [], files_modified: ['src/cart.ts'], decisions: ['Round once, at the end'] } })
}
