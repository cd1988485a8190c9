import { setTimeout as sleep } from 'node:timers/promises'
import { FINAL_STATES, type AgentFacts } from './agent-facts.js'
import type { Client } from './client.js'
import { segment } from './command-line.js'
import { printable, type Format } from './output.js'
import type { Terminal } from './terminal.js'

const LOOK_EVERY_MS = 500
const FIRST_LINES = 200
/** The most that the route gives: what an agent prints beyond it between two looks is told as missed. */
const MOST_LINES = 10_000

/** Prints what an agent writes until it has ended. Rejects when the signal aborts. */
export async function followLog (agentId: string, { tail, format }: { tail?: number | undefined, format: Format }, client: Client, terminal: Terminal, signal: AbortSignal, everyMs = LOOK_EVERY_MS): Promise<void> {
  const path = `/api/agents/${segment(agentId)}`
  let seen: string[] | undefined
  for (;;) {
    // Asked before the log is read: what it wrote at its end is in it.
    const { state } = await client.call<AgentFacts>('GET', `${path}/status`, { signal })
    const isOver = FINAL_STATES.has(state)
    const { log } = await client.call<{ log: string }>('GET', `${path}/logs`, { query: { tail: MOST_LINES }, signal })
    const lines = log.split('\n')
    // The last one is not whole yet, or empty.
    const open = lines.pop() ?? ''
    const whole = isOver && open !== '' ? [...lines, open] : lines
    const fresh = seen === undefined ? whole.slice(-(tail ?? FIRST_LINES)) : linesAfter(seen, whole)
    if (fresh === undefined) terminal.err(terminal.colors.yellow('Some lines in between are not shown: the log was rotated, or more came than is told at once.'))
    for (const line of fresh ?? whole) terminal.out(format === 'json' ? JSON.stringify(line) : printable(line))
    if (whole.length > 0) seen = whole
    if (isOver) return
    await sleep(everyMs, undefined, { signal })
  }
}

/**
 * What follows in `now` after the last lines of `before`: both end where the log ended. `undefined` when they do not meet.
 * An agent that prints one line again and again is told by the number of lines, so the longest meeting counts.
 */
export function linesAfter (before: readonly string[], now: readonly string[]): readonly string[] | undefined {
  if (now.length < MOST_LINES && now.length >= before.length && before.every((line, index) => line === now[index])) return now.slice(before.length)
  for (let start = Math.min(now.length, MOST_LINES); start > 0; start--) {
    const length = Math.min(start, before.length)
    let same = 0
    while (same < length && before[before.length - 1 - same] === now[start - 1 - same]) same++
    if (same === length) return now.slice(start)
  }
  return before.length === 0 ? now : undefined
}
