import { METHODS, type CaseResult } from './measure.js'
import type { RepositoryResult, Summary, Table } from './summary.js'

const share = (value: number): string => value.toFixed(2)
const ratio = (value: number, other: number): string => (other === 0 ? '–' : `${(value / other).toFixed(2)} ×`)
const time = (value: number | null): string => (value === null ? '–' : value.toFixed(value < 10 ? 1 : 0))
const budgetName = (budget: number): string => (budget % 1000 === 0 ? `${budget / 1000}k` : String(budget))

/** Rows of cells: what the text and the Markdown have in common. */
function rowsOf (table: Table, budgets: readonly number[]): string[][] {
  const pair = (budget: number, format: (measure: 'recall' | 'changedLinesSeen') => string): string[] => {
    return table[budget] === undefined ? [] : [format('recall'), format('changedLinesSeen')]
  }
  return [
    ['', ...budgets.flatMap((budget) => [`recall ${budgetName(budget)}`, 'lines seen'])],
    ...METHODS.map((method) => [method, ...budgets.flatMap((budget) => pair(budget, (measure) => share(table[budget]![method][measure])))]),
    ['sidecar / bm25', ...budgets.flatMap((budget) => pair(budget, (measure) => ratio(table[budget]!.sidecar[measure], table[budget]!.bm25[measure])))]
  ]
}

function asText (rows: readonly string[][]): string {
  const widths = rows[0]!.map((_cell, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]! + 2))).join('').trimEnd()).join('\n')
}

function asMarkdown ([head, ...body]: readonly string[][]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head!), line(head!.map((_cell, column) => (column === 0 ? '---' : '---:'))), ...body.map(line)].join('\n')
}

function aboutSidecar ({ answers, violations, stale, failures, latency }: Summary): string {
  return `Of ${answers} answers ${violations.overBudget} exceed their budget, ${violations.miscounted} say a wrong token count, ${stale} are stale, ${failures} failed. ` +
    `Median ms: cold ${time(latency.cold)}, rebuilt ${time(latency.rebuilt)}, warm ${time(latency.warm)}, after one edit ${time(latency.edited)}.`
}

export function renderTables (results: readonly { repository: RepositoryResult, summary: Summary }[], average: Table, budgets: readonly number[], markdown: boolean): string {
  const render = (title: string, table: Table, below: string): string => {
    const rows = rowsOf(table, budgets)
    return `${markdown ? `### ${title}` : title}\n\n${markdown ? asMarkdown(rows) : asText(rows)}${below === '' ? '' : `\n\n${below}`}\n`
  }
  return [
    ...results.map(({ repository: { name, agent, range, cases }, summary }) => {
      const commits = range.map((hash) => (markdown ? `\`${hash.slice(0, 12)}\`` : hash.slice(0, 12))).join('…')
      return render(name, summary.table, `${cases.length} commits, ${commits}, as ${agent}. ${aboutSidecar(summary)}`)
    }),
    ...(results.length > 1 ? [render(`Mean of ${results.length} repositories`, average, '')] : [])
  ].join('\n')
}

/** Per case what the sidecar has not found, and what it did wrong. */
export function renderMisses (cases: readonly CaseResult[]): string {
  return cases.flatMap(({ hash, title, gold, missed, faults, scores }) => {
    const recalls = Object.entries(scores).map(([budget, score]) => `${budgetName(Number(budget))} ${share(score.sidecar.recall)}/${share(score.sidecar.changedLinesSeen)}`)
    return [
      `${hash.slice(0, 12)} ${title.slice(0, 90)}  [${gold.length} files; ${recalls.join(', ')}]`,
      ...missed.map(({ path, rank, of, reason }) => `  missed ${path}: ${rank === null ? 'not offered' : `${rank}. of ${of}`}${reason === null ? '' : `, ${reason}`}`),
      ...faults.map(({ kind, budget, detail }) => `  ${kind} at ${budget}: ${detail}`)
    ]
  }).join('\n')
}
