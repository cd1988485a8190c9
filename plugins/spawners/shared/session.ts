import type { AgentExit, AgentUsage, OnSign } from '../../../core/plugin-api.js'
import { textOf, type Event } from './json-lines.js'

/** What a CLI's events mean. One for each agent; an adopted agent gets a new one, which reads all events again. */
export interface Session {
  read (event: Event): void
  /** Whether the final word was said, so that nothing keeps the process but a fault. */
  readonly done: boolean
  /** Nothing more comes. Tells the final word where the end of the process is a part of it. */
  end? (exit: AgentExit): void
}

export interface SessionOptions {
  tell: OnSign
  /** Milliseconds since the epoch. */
  now (): number
}

/** Longest message of a `progress` sign. */
const MAX_MESSAGE = 200
/** Longest text of a `result` sign, in UTF-16 units: a result is stored, and its reader has a budget. */
const MAX_TEXT = 65_536

/** One line of at most 200 characters. */
export function messageFor (text: string): string {
  const line = text.slice(0, 4 * MAX_MESSAGE).replace(/\s+/g, ' ').trim()
  return line.length <= MAX_MESSAGE ? line : `${line.slice(0, MAX_MESSAGE - 1)}…`
}

/** The end of a text: what a CLI says last is what it came to. */
export function shorten (text: string): string {
  return text.length <= MAX_TEXT ? text : `…${text.slice(1 - MAX_TEXT)}`
}

/** Where a tool works, if that is a path: a command or a text may hold a secret that the agent has read. */
export function toolMessage (tool: string, input: Readonly<Record<string, unknown>>): string {
  const path = ['file_path', 'filePath', 'path', 'absolute_path', 'notebook_path'].map((name) => textOf(input, name)).find((value) => value !== undefined)
  return messageFor(path === undefined ? `uses ${tool}` : `uses ${tool} on ${path}`)
}

/** Adds what is known; `null` is nothing to add. */
export function plus (total: number | null, more: number | null): number | null {
  return more === null ? total : (total ?? 0) + more
}

export const NO_USAGE: AgentUsage = Object.freeze({ input_tokens: null, output_tokens: null, cached_tokens: null, cost_usd: null, turns: null })

const LIMITED = /rate.?limit|usage limit|quota|too many requests|resource.?exhausted|overloaded|\b429\b|\b529\b/i
const AGAIN = /(?:try again|retry|reset\w*) (?:in|after) (\d+(?:\.\d+)?) ?(ms|milliseconds?|s|sec|seconds?|m|min|minutes?|h|hours?)\b/i
const UNIT_MS: Record<string, number> = { ms: 1, mi: 1, s: 1000, se: 1000, m: 60_000, h: 3_600_000, ho: 3_600_000 }

/** Tells a limit that only the words of an error speak of. */
export function tellLimit ({ tell, now }: SessionOptions, message: string): void {
  if (!LIMITED.test(message)) return
  const [, amount, unit] = AGAIN.exec(message) ?? []
  tell({ kind: 'rate_limited', until: amount === undefined ? null : Math.round(now() + Number(amount) * unitOf(unit!.toLowerCase())) })
}

function unitOf (unit: string): number {
  if (unit.startsWith('min')) return UNIT_MS.m!
  return UNIT_MS[unit.slice(0, 2)] ?? UNIT_MS[unit.slice(0, 1)]!
}
