import { NAMES } from './behaviours.js'

const COLUMNS = ['completed', 'failed', 'stopped', 'lost', 'not ended', 'not there']

/** How many agents of each behaviour came to which state. */
export type Counts = ReadonlyMap<string, ReadonlyMap<string, number>>

export function countStates (plan: readonly { task: string, behaviour: string }[], shown: readonly { task: string, state: string }[]): Counts {
  const states = new Map(shown.map(({ task, state }) => [task, state]))
  const counts = new Map<string, Map<string, number>>(NAMES.map((name) => [name, new Map()]))
  for (const { task, behaviour } of plan) {
    const state = states.get(task)
    const column = state === undefined ? 'not there' : COLUMNS.includes(state) ? state : 'not ended'
    const row = counts.get(behaviour)!
    row.set(column, (row.get(column) ?? 0) + 1)
  }
  return counts
}

/** Behaviour by final state, the facts below, and what was wrong. */
export function render (counts: Counts, facts: readonly string[], faults: readonly string[]): string {
  const rows = [['', ...COLUMNS], ...[...counts].map(([name, row]) => [name, ...COLUMNS.map((column) => String(row.get(column) ?? '-'))])]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)))
  const lines = rows.map((cells) => cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  ').trimEnd())
  return [...lines, '', ...facts, ...faults.map((text) => `WRONG: ${text}`)].join('\n')
}
