import { METHODS, type CaseResult, type Method, type SidecarFault } from './measure.js'

export interface Means {
  recall: number
  changedLinesSeen: number
}

/** Per budget and method. */
export type Table = Record<number, Record<Method, Means>>

export interface RepositoryResult {
  name: string
  agent: string
  /** First and last commit, oldest first. */
  range: [string, string]
  cases: CaseResult[]
}

export interface Summary {
  table: Table
  answers: number
  /** Answers of more tokens than allowed, or of others than they say. */
  violations: { overBudget: number, miscounted: number }
  stale: number
  failures: number
  /** Medians in ms; `null` where nothing was measured. */
  latency: { cold: number | null, rebuilt: number | null, warm: number | null, edited: number | null }
}

function mean (values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function median (values: readonly number[]): number | null {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

function tableOf (budgets: readonly number[], meansAt: (budget: number, method: Method) => Means[]): Table {
  return Object.fromEntries(budgets.map((budget) => [budget, Object.fromEntries(METHODS.map((method) => {
    const values = meansAt(budget, method)
    return [method, { recall: mean(values.map(({ recall }) => recall)), changedLinesSeen: mean(values.map(({ changedLinesSeen }) => changedLinesSeen)) }]
  })) as Record<Method, Means>]))
}

export function summarize (cases: readonly CaseResult[], budgets: readonly number[]): Summary {
  const faults = cases.flatMap((result) => result.faults)
  const count = (kind: SidecarFault['kind']): number => faults.filter((fault) => fault.kind === kind).length
  const latencies = cases.map((result) => result.latencies)
  return {
    table: tableOf(budgets, (budget, method) => cases.map(({ scores }) => scores[budget]![method])),
    answers: cases.length * budgets.length,
    violations: { overBudget: count('over-budget'), miscounted: count('miscounted') },
    stale: count('stale'),
    failures: count('failure'),
    latency: {
      cold: median(latencies.map(({ cold }) => cold)),
      rebuilt: median(latencies.flatMap(({ rebuilt }) => rebuilt)),
      warm: median(latencies.map(({ warm }) => warm)),
      edited: median(latencies.map(({ edited }) => edited))
    }
  }
}

/** The mean of the means, so that each repository counts the same. */
export function macroAverage (tables: readonly Table[], budgets: readonly number[]): Table {
  return tableOf(budgets, (budget, method) => tables.map((table) => table[budget]![method]))
}
