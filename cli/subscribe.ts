import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from './client.js'
import { segment } from './command-line.js'
import { eventLine, gapLine, type EventPage } from './event-facts.js'
import { Failure } from './failure.js'
import { duration, type Format } from './output.js'
import type { Terminal } from './terminal.js'
import { untilInterrupted } from './until-interrupted.js'

export interface SubscribeOptions {
  filter?: string
  topic?: string
  since?: string
  /** Takes events as a member of it, and acknowledges what was printed. */
  group?: string
  /** Milliseconds: of the whole wait, or of one poll of a continuous subscription. */
  timeout: number
  continuous?: boolean
  format: Format
}

const LONGEST_POLL_MS = 60_000
/** What the network and the server may take beyond the poll itself. */
const GRACE_MS = 15_000
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
/** A sidecar that drains answers its waits at once and empty. */
const SUSPICIOUSLY_QUICK_MS = 250

/** Refusals that another try will not change. */
const FINAL_CODES = /^(AUTH_001|AUTH_003|VAL_|NOT_|PRJ_)/

/** Prints events as they come. Rejects with a `Failure` when a single wait ends without any; resolves on Ctrl-C. */
export async function subscribeUntilStopped (type: string, options: SubscribeOptions, client: Client, terminal: Terminal): Promise<void> {
  await untilInterrupted(async (signal) => { await subscribe(type, options, client, terminal, signal) })
}

export async function subscribe (type: string, options: SubscribeOptions, client: Client, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + options.timeout
  let since = options.since
  let failures = 0
  for (;;) {
    const left = options.continuous === true ? options.timeout : Math.max(0, deadline - performance.now())
    const timeout = Math.round(Math.min(LONGEST_POLL_MS, left))
    const began = performance.now()
    let page: EventPage
    try {
      page = await client.call<EventPage>('GET', `/api/events/wait/${segment(type)}`, {
        query: { timeout, filter: options.filter, topic: options.topic, since, group: options.group },
        timeoutMs: timeout + GRACE_MS,
        signal
      })
      if (failures > 0) terminal.err(terminal.colors.dim('Connected again.'))
      print(page, options.format, terminal)
      await acknowledge(page, options.group, client, signal)
    } catch (error) {
      if (options.continuous !== true || signal.aborted || !isPassing(error)) throw error
      await pause(++failures, error.message, terminal, signal)
      continue
    }
    failures = 0
    // Without a place of one's own the sidecar remembers where this subscriber is.
    if (since !== undefined) since = page.next_cursor ?? since
    if (options.continuous === true) {
      if (page.events.length === 0 && timeout > SUSPICIOUSLY_QUICK_MS && performance.now() - began < SUSPICIOUSLY_QUICK_MS) await sleep(FIRST_PAUSE_MS, undefined, { signal })
      continue
    }
    if (page.events.length > 0) return
    if (performance.now() >= deadline) throw new Failure(`No such event within ${duration(options.timeout)}.`)
  }
}

function print (page: EventPage, format: Format, terminal: Terminal): void {
  const gap = gapLine(page)
  if (gap !== undefined) terminal.err(terminal.colors.yellow(gap))
  for (const event of page.events) terminal.out(format === 'json' ? JSON.stringify(event) : eventLine(event, terminal.colors))
}

/** What is not acknowledged, because that failed or nobody was there to print it, comes to a member again. */
async function acknowledge ({ events }: EventPage, group: string | undefined, client: Client, signal: AbortSignal): Promise<void> {
  if (group === undefined || events.length === 0) return
  await client.call('POST', '/api/events/ack', { body: { group, event_ids: events.map(({ event_id: id }) => id) }, signal })
}

function isPassing (error: unknown): error is Failure {
  return error instanceof Failure && !FINAL_CODES.test(error.code ?? '')
}

/** Waits longer after each failure, with a part of chance so that many do not come back at once. */
async function pause (failures: number, reason: string, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const most = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1))
  const wait = Math.round(most * (0.75 + Math.random() / 4))
  terminal.err(terminal.colors.yellow(`${reason} (trying again in ${duration(wait)})`))
  await sleep(wait, undefined, { signal })
}
