import { InvalidArgumentError, type Command } from 'commander'

/** Ends the help of a command with what one would really type. */
export function examples (command: Command, ...lines: string[]): Command {
  return command.addHelpText('after', `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map((line) => `  $ ${line}`).join('\n')}`)
}

/** Parser of a whole number within bounds, for `option()` and `argument()`. */
export function wholeNumber (least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
  }
}

/** Parser of a JSON object. */
export function jsonObject (text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new InvalidArgumentError(`It is no valid JSON: ${(error as Error).message}.`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new InvalidArgumentError('It must be a JSON object, for example \'{"files": 3}\'.')
  return value as Record<string, unknown>
}

/** Collects `NAME=value` options that may be given more than once. */
export function assignment (text: string, before: Record<string, string> = {}): Record<string, string> {
  const sign = text.indexOf('=')
  if (sign < 1) throw new InvalidArgumentError('It must look like NAME=value.')
  return { ...before, [text.slice(0, sign)]: text.slice(sign + 1) }
}

const UNITS: Record<string, number> = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 }

/** Parser of a time in the past, by its distance or by its date. */
export function instant (text: string): Date {
  const [, count, unit] = /^(\d{1,6})([hdw])$/.exec(text) ?? []
  const when = new Date(count === undefined ? (/^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN) : Date.now() - Number(count) * UNITS[unit!]!)
  if (Number.isNaN(when.getTime()) || when.getTime() < 0) throw new InvalidArgumentError('It must be an age like 30d, 12h or 2w, or a date like 2026-11-01.')
  return when
}

/** A segment of a path, so that no argument can name another route. */
export function segment (text: string): string {
  return encodeURIComponent(text)
}
