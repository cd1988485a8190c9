import { isMet, type Figure } from './figures.js'

export interface Report {
  name: string
  agent: string
  files: number
  figures: Figure[]
  /** What was wrong with an answer. */
  faults: string[]
  /** Parts that were left out, and why. */
  notMeasured: string[]
}

const COLUMNS = ['', 'measured', 'limit', 'compared', 'aim', '']

function shown (value: number | undefined, unit: string): string {
  if (value === undefined) return ''
  const digits = unit === '' || Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 100 ? 1 : 2
  return `${value.toFixed(digits)}${unit === '' ? '' : ` ${unit}`}`
}

function cellsOf (figure: Figure): string[] {
  const { name, value, unit, limit, compared, sign, aim, note } = figure
  const met = isMet(figure)
  return [
    note === undefined ? name : `${name} (${note})`,
    shown(value, unit),
    shown(limit, unit),
    limit === undefined ? '' : sign === 'ms' ? `${compared < 0 ? '' : '+'}${shown(compared, 'ms')}` : `${compared.toFixed(2)} ×`,
    aim === undefined ? '' : `${aim.at === 'most' ? '≤' : '≥'} ${aim.value}${sign === '' ? '' : ` ${sign}`}`,
    met === undefined ? '' : met ? 'met' : 'MISSED'
  ]
}

function table (rows: string[][], isMarkdown: boolean): string {
  if (isMarkdown) return [COLUMNS, ['---', ...COLUMNS.slice(2).map(() => '---:'), '---'], ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  const widths = COLUMNS.map((heading, column) => Math.max(heading.length, ...rows.map((cells) => cells[column]!.length)))
  return [COLUMNS, ...rows].map((cells) => cells.map((cell, column) => (column === 0 || column === 5 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ').trimEnd()).join('\n')
}

/** The figures of a run with their aims, what was left out and what was wrong. */
export function renderFigures ({ figures, faults, notMeasured }: Pick<Report, 'figures' | 'faults' | 'notMeasured'>, isMarkdown: boolean): string {
  const missed = figures.filter((figure) => isMet(figure) === false).length
  const aims = figures.filter(({ aim }) => aim !== undefined).length
  return [
    table(figures.map(cellsOf), isMarkdown),
    '',
    `${aims - missed} of ${aims} aims met.`,
    ...notMeasured.map((text) => `Not measured: ${text}`),
    ...faults.map((text) => `WRONG: ${text}`)
  ].join('\n')
}

export function renderReport ({ name, agent, files, ...measured }: Report, isMarkdown: boolean): string {
  return [`${isMarkdown ? '### ' : ''}${name}: ${files} files, as ${agent}`, '', renderFigures(measured, isMarkdown)].join('\n')
}
