import type { Colors, Terminal } from './terminal.js'

export type Format = 'human' | 'json'

export interface Column<Row> {
  title: string
  /** Text of the cell; what is absent shows as `-`. */
  value (row: Row): string | number | null | undefined
  align?: 'left' | 'right'
  /** Colours the padded cell. */
  paint? (text: string, row: Row): string
}

/** Text of others may hold escape sequences that move the cursor or rename the window: only line feeds and tabs pass. */
export function printable (text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/\r\n/g, '\n').replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
}

/** One line of at most `width` characters. */
export function oneLine (text: string, width = 100): string {
  const line = printable(text).replace(/\s+/g, ' ').trim()
  const characters = [...line]
  return characters.length <= width ? line : `${characters.slice(0, width - 1).join('')}…`
}

/** Columns aligned under their titles, two spaces apart. */
export function table<Row> (rows: readonly Row[], columns: readonly Column<Row>[], colors: Colors): string {
  const cells = rows.map((row) => columns.map((column) => oneLine(String(column.value(row) ?? '-'), 160)))
  const widths = columns.map((column, index) => Math.max(column.title.length, ...cells.map((line) => lengthOf(line[index]!))))
  const pad = (text: string, index: number): string => {
    const space = ' '.repeat(widths[index]! - lengthOf(text))
    return columns[index]!.align === 'right' ? space + text : text + space
  }
  const head = columns.map((column, index) => colors.dim(pad(column.title, index))).join('  ')
  const body = cells.map((line, row) => line.map((cell, index) => {
    const padded = index === columns.length - 1 && columns[index]!.align !== 'right' ? cell : pad(cell, index)
    return columns[index]!.paint?.(padded, rows[row]!) ?? padded
  }).join('  '))
  return [head.trimEnd(), ...body].join('\n')
}

export type Pair = readonly [name: string, value: string | number | null | undefined, paint?: (text: string) => string]

/** Names and values in two columns; what is absent is left out. */
export function pairs (entries: readonly Pair[], colors: Colors): string {
  const present = entries.filter(([, value]) => value !== undefined && value !== null)
  const width = Math.max(0, ...present.map(([name]) => lengthOf(name)))
  return present.map(([name, value, paint]) => {
    const text = printable(String(value))
    return `${colors.dim(name + ' '.repeat(width - lengthOf(name)))}  ${paint?.(text) ?? text}`
  }).join('\n')
}

function lengthOf (text: string): number {
  return [...text].length
}

/** `1 file`, `2 files`; `many` where another word than one with an `s` is right. */
export function counted (count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** 1536 → `1.5 KiB`. */
export function bytes (count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = count
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : Math.round(value * 10) / 10} ${units[unit]!}`
}

/** 90_500 ms → `1 min 30 s`. */
export function duration (ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 60) return `${Math.round(seconds * 10) / 10} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`
}

/** An RFC 3339 time as a person reads it, in UTC as everywhere: `2026-11-20 23:47:05`. */
export function time (timestamp: string | undefined): string {
  return timestamp === undefined ? '-' : timestamp.replace('T', ' ').replace(/(\.\d+)?Z$/, '')
}

/** Green for what went well, red for what did not, yellow between. */
export function paintState (text: string, state: string | undefined, colors: Colors): string {
  if (state === undefined) return text
  if (['success', 'completed', 'healthy', 'ok'].includes(state)) return colors.green(text)
  if (['failed', 'lost', 'unhealthy'].includes(state)) return colors.red(text)
  return colors.yellow(text)
}

/** Prints an answer of the sidecar: as it is for programs, told by `human` for people. */
export function show<Answer> (terminal: Terminal, format: Format, answer: Answer, human: (answer: Answer, colors: Colors) => string): void {
  terminal.out(format === 'json' ? JSON.stringify(answer, null, 2) : human(answer, terminal.colors))
}
