// One authenticated request after another, with the manners that a client owes a server.
import { setTimeout as sleep } from 'node:timers/promises'

const CALL_MS = 30_000
const ATTEMPTS = 6
const LONGEST_PAUSE_MS = 10_000

/** Returns `call(method, path, { query, body, timeoutMs, deadline, attempts })`, which resolves to the answer's JSON. */
export function createCaller (base, firstToken) {
  let token = firstToken

  /** Refusals that pass (429, 503) and network errors are tried again: until `deadline` (of `performance.now()`), or six times. */
  return async function call (method, path, options = {}) {
    const { query = {}, body, timeoutMs = CALL_MS, deadline, attempts = deadline ? Infinity : ATTEMPTS } = options
    const search = new URLSearchParams(query).toString()
    for (let attempt = 1; ; attempt++) {
      const { answer, reason, pauseMs } = await once(method, `${base}${path}${search && `?${search}`}`, body, timeoutMs)
      if (answer) return answer
      const pause = Math.min(pauseMs ?? 250 * 2 ** Math.min(attempt - 1, 6), LONGEST_PAUSE_MS)
      const late = deadline !== undefined && performance.now() + pause >= deadline
      if (attempt >= attempts || late) throw new Error(`${method} ${path} was tried ${attempt} times: ${reason}`)
      await sleep(pause)
    }
  }

  /** `answer`, or the `reason` why it is worth trying again. Throws where another try would be refused too. */
  async function once (method, url, body, timeoutMs) {
    const sent = token
    let response, text
    try {
      response = await fetch(url, {
        method,
        headers: { authorization: `Bearer ${sent}`, ...(body && { 'content-type': 'application/json' }) },
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs)
      })
      text = await response.text()
    } catch (error) {
      return { reason: `no answer from ${base} (${error.cause?.code ?? error.cause?.message ?? error.name})` }
    }
    // Sent within the last minutes of a token's life: an agent that takes it never expires.
    token = response.headers.get('x-refreshed-token') ?? token
    const answer = parse(text)
    if (response.ok && answer) return { answer }
    const reason = [response.status, answer?.code, answer?.message ?? 'without a JSON body'].filter(Boolean).join(' ')
    // Two requests at once: the other's answer may have brought the next token meanwhile.
    if (response.status === 401 && token !== sent) return { reason, pauseMs: 0 }
    if (response.status === 429 || response.status === 503) return { reason, pauseMs: pauseAsked(response.headers.get('retry-after')) }
    throw new Error(`${method} ${new URL(url).pathname} answered ${reason}`)
  }
}

function parse (text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `retry-after` is seconds or a date; the answer is milliseconds. */
function pauseAsked (header) {
  if (!header) return undefined
  const ms = /^\d+(\.\d+)?$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now()
  return Number.isFinite(ms) ? Math.max(ms, 100) : undefined
}
