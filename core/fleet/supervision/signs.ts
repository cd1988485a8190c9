import type { AgentSign, AgentUsage } from '../../contracts/index.js'
import type { AgentRecord } from '../agent-record.js'

/** Signs may come many times a second; the record need not. */
const EVERY_MS = 1000
/** Of a `progress` sign, see `AgentSign`. */
const MAX_MESSAGE = 200

/** Notes in the record what an agent shows; whether that changed it. `now`: ms since the epoch. */
export function applySign (record: AgentRecord, sign: AgentSign, now: number): boolean {
  const isDue = record.last_sign_at === undefined || now - Date.parse(record.last_sign_at) >= EVERY_MS
  if (isDue) record.last_sign_at = new Date(now).toISOString()
  switch (sign.kind) {
    case 'alive':
      return isDue
    case 'progress':
      record.message = sign.message
      return true
    case 'usage':
      record.usage = merge(record.usage, sign.usage)
      return true
    case 'rate_limited':
      record.rate_limited = true
      return true
    case 'result': {
      record.final = { status: sign.status, text: sign.text }
      const line = firstLine(sign.text)
      if (line !== '') record.message = line
      return true
    }
  }
}

/** As long as a message of its own may be. */
function firstLine (text: string): string {
  return text.trimStart().split('\n', 1)[0]!.trimEnd().slice(0, MAX_MESSAGE)
}

/** Totals only grow, and what an agent does not tell this time it may have told before. */
function merge (known: AgentUsage | undefined, told: AgentUsage): AgentUsage {
  if (known === undefined) return told
  const larger = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.max(a, b))
  return {
    input_tokens: larger(known.input_tokens, told.input_tokens),
    output_tokens: larger(known.output_tokens, told.output_tokens),
    cached_tokens: larger(known.cached_tokens, told.cached_tokens),
    cost_usd: larger(known.cost_usd, told.cost_usd),
    turns: larger(known.turns, told.turns)
  }
}
