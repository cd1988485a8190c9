import type { AgentRecord, Attempt } from '../agent-record.js'

/** What agents have used; where an agent does not tell, it counts as nothing. */
export interface Spending {
  /** Sent and received; those that the model's host had in its cache do not count. */
  tokens: number
  usd: number
  /** Time of running. */
  ms: number
}

export const NOTHING: Readonly<Spending> = { tokens: 0, usd: 0, ms: 0 }

/** Of all attempts of an agent; the one that runs counts until `now`, in ms since the epoch. */
export function spendingOf (record: AgentRecord, now: number): Spending {
  return [...record.earlier ?? [], record].map((attempt) => ofAttempt(attempt, now)).reduce(sum, NOTHING)
}

/** Answers of its model that an agent took in all its attempts. */
export function turnsOf (record: AgentRecord): number {
  return [...record.earlier ?? [], record].reduce((turns, { usage }) => turns + (usage?.turns ?? 0), 0)
}

function ofAttempt ({ usage, started_at: started, ended_at: ended }: Pick<Attempt, 'usage' | 'started_at' | 'ended_at'>, now: number): Spending {
  return {
    tokens: (usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0),
    usd: usage?.cost_usd ?? 0,
    ms: started === undefined ? 0 : Math.max(0, (ended === undefined ? now : Date.parse(ended)) - Date.parse(started))
  }
}

export function sum (a: Spending, b: Spending): Spending {
  return { tokens: a.tokens + b.tokens, usd: a.usd + b.usd, ms: a.ms + b.ms }
}
