import type { Clock } from '../../contracts/common.js'
import type { AgentRecord } from '../agent-record.js'
import { NOTHING, spendingOf, sum, turnsOf, type Spending } from './spending.js'

/** 0 is no limit. */
export interface BudgetLimits {
  run_max_tokens: number
  run_max_usd: number
  run_max_turns: number
  project_max_tokens: number
  project_max_usd: number
  project_max_hours: number
  budget_hours: number
}

const HOUR_MS = 3_600_000

interface Ledger {
  /** Agents that have ended, oldest end first, with what each used. */
  ended: { at: number, spending: Spending }[]
  /** Those that are at work or wait for another attempt. */
  open: Map<string, AgentRecord>
}

/** What runs and projects may use. Counted exactly: at the end of an agent its spending moves from the open ones to those that have ended. */
export class Budgets {
  readonly #limits: BudgetLimits
  readonly #clock: Clock
  readonly #ledgers = new Map<string, Ledger>()

  constructor (limits: BudgetLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  open (record: AgentRecord): void {
    this.#ledger(record.project_id).open.set(record.agent_id, record)
  }

  /** To be called once, when the record holds its end. */
  close (record: AgentRecord): void {
    const ledger = this.#ledger(record.project_id)
    ledger.open.delete(record.agent_id)
    const spending = spendingOf(record, this.#clock())
    if (spending.tokens + spending.usd + spending.ms === 0) return
    ledger.ended.push({ at: record.ended_at === undefined ? this.#clock() : Date.parse(record.ended_at), spending })
  }

  /** What the agents of a project have used within the time of the budget. */
  ofProject (project: string): Spending {
    const ledger = this.#ledgers.get(project)
    if (ledger === undefined) return NOTHING
    const now = this.#clock()
    const since = now - this.#windowMs
    const past = ledger.ended.findIndex(({ at }) => at > since)
    ledger.ended.splice(0, past < 0 ? ledger.ended.length : past)
    return [...ledger.ended.map(({ spending }) => spending), ...[...ledger.open.values()].map((record) => spendingOf(record, now))].reduce(sum, NOTHING)
  }

  get projects (): string[] {
    return [...this.#ledgers.keys()]
  }

  /** Which budget of the project is used up, in words. */
  usedUp (project: string): string | undefined {
    const { project_max_tokens: tokens, project_max_usd: usd, project_max_hours: hours } = this.#limits
    if (tokens + usd + hours === 0) return undefined
    const spent = this.ofProject(project)
    const within = `within ${this.#limits.budget_hours} hours`
    if (tokens > 0 && spent.tokens >= tokens) return `the budget of its project is used up: ${spent.tokens} of ${tokens} tokens ${within}`
    if (usd > 0 && spent.usd >= usd) return `the budget of its project is used up: ${round(spent.usd)} of ${usd} US dollars ${within}`
    if (hours > 0 && spent.ms >= hours * HOUR_MS) return `the budget of its project is used up: ${round(spent.ms / HOUR_MS)} of ${hours} hours of running ${within}`
    return undefined
  }

  /** When a budget that is used up gives way first, ms since the epoch; `Infinity` while only agents at work use it. */
  freedAt (project: string): number {
    const first = this.#ledgers.get(project)?.ended[0]
    return first === undefined ? Infinity : first.at + this.#windowMs
  }

  /** Which budget an agent at work exceeds, its own or that of its project, in words. */
  exceeded (record: AgentRecord): string | undefined {
    const { run_max_tokens: tokens, run_max_usd: usd, run_max_turns: most } = this.#limits
    const spent = tokens + usd === 0 ? NOTHING : spendingOf(record, this.#clock())
    if (tokens > 0 && spent.tokens > tokens) return `it used ${spent.tokens} tokens, more than the ${tokens} of its budget`
    if (usd > 0 && spent.usd > usd) return `it cost ${round(spent.usd)} US dollars, more than the ${usd} of its budget`
    const turns = most === 0 ? 0 : turnsOf(record)
    if (turns > most) return `it took ${turns} turns, more than the ${most} of its budget`
    return this.usedUp(record.project_id)
  }

  get #windowMs (): number {
    return this.#limits.budget_hours * HOUR_MS
  }

  #ledger (project: string): Ledger {
    const ledger = this.#ledgers.get(project) ?? { ended: [], open: new Map() }
    this.#ledgers.set(project, ledger)
    return ledger
  }
}

function round (value: number): number {
  return Math.round(value * 10_000) / 10_000
}
