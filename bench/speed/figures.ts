/** What a figure is held to. */
export interface Aim { at: 'most' | 'least', value: number }

export interface Figure {
  name: string
  value: number
  unit: 'ms' | 'µs' | 'MB' | 'kB' | '/s' | '%' | ''
  /** What `value` is measured against, in the same unit. */
  limit?: number
  /** What the aim is about: the ratio to the limit, where there is one and it is not a difference. */
  compared: number
  sign: '×' | 'ms' | ''
  aim?: Aim
  note?: string
}

export function percentile (values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

export function median (values: readonly number[]): number {
  return percentile(values, 0.5)
}

export function most (value: number): Aim {
  return { at: 'most', value }
}

export function least (value: number): Aim {
  return { at: 'least', value }
}

type Further = Pick<Figure, 'aim' | 'note'>

export function ratio (name: string, values: readonly number[], limits: readonly number[], unit: Figure['unit'], further: Further = {}): Figure {
  const [value, limit] = [median(values), median(limits)]
  return { name, value, unit, limit, compared: value / limit, sign: '×', ...further }
}

/** How many times the limit is more than the value. */
export function advantage (name: string, values: readonly number[], limits: readonly number[], unit: Figure['unit'], further: Further = {}): Figure {
  const figure = ratio(name, values, limits, unit, further)
  return { ...figure, compared: 1 / figure.compared }
}

export function difference (name: string, values: readonly number[], limits: readonly number[], further: Further = {}): Figure {
  const [value, limit] = [median(values), median(limits)]
  return { name, value, unit: 'ms', limit, compared: value - limit, sign: 'ms', ...further }
}

export function plain (name: string, value: number, unit: Figure['unit'], further: Further = {}): Figure {
  return { name, value, unit, compared: value, sign: unit === 'ms' ? 'ms' : '', ...further }
}

/** `undefined` for a figure that is held to nothing. */
export function isMet ({ aim, compared }: Figure): boolean | undefined {
  if (aim === undefined) return undefined
  return aim.at === 'most' ? compared <= aim.value : compared >= aim.value
}
