import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { codeOf, messageOf } from '../../errors.js'
import type { TargetGuard } from './target-guard.js'

/** Standard Webhooks recommends 15 to 30 s. */
const TIMEOUT_MS = 15_000
/** Of an answer no more is read; the connection of a longer one is cut. */
const MAX_ANSWER_BYTES = 16_384
/** Of a refusal so much is kept for the error's text. */
const MAX_ERROR_BYTES = 1024
/** A connection that nobody needs is kept for so long. */
const IDLE_MS = 30_000
// Control characters, and those that turn the direction of text around.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\s]+/gu

export interface PushAnswer {
  /** HTTP status, or `null` when there was no answer. */
  status: number | null
  /** Why it did not succeed; `null` after a 2xx. */
  error: string | null
  /** Value of the header of that name. */
  retry_after: string | undefined
  duration_ms: number
}

export interface Pusher {
  /** POSTs JSON once. Resolves in every case, at the latest when the time is up; also when the signal is aborted. */
  push (url: string, headers: Record<string, string>, body: string, signal: AbortSignal): Promise<PushAnswer>
  /** Cuts what is open. */
  close (): void
}

export interface PusherOptions {
  guard: TargetGuard
  userAgent: string
  /** Connections in all. */
  maxSockets: number
  /** For the whole of a push, the look-up of the name included. */
  timeoutMs?: number
}

/** Sends to receivers that may be slow, hostile or gone: bounded in time and bytes, and to nowhere that the guard refuses. */
export function createPusher ({ guard, userAgent, maxSockets, timeoutMs = TIMEOUT_MS }: PusherOptions): Pusher {
  const pool = { keepAlive: true, maxTotalSockets: maxSockets, timeout: IDLE_MS }
  const agents = { 'http:': new HttpAgent(pool), 'https:': new HttpsAgent(pool) }

  const send = (url: URL, headers: Record<string, string>, body: string, isFresh: boolean): ClientRequest => {
    const request = url.protocol === 'https:' ? httpsRequest : httpRequest
    return request(url, {
      method: 'POST',
      agent: isFresh ? false : agents[url.protocol as 'http:' | 'https:'],
      lookup: guard.lookup,
      headers: {
        ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'user-agent': userAgent, accept: '*/*'
      }
    })
  }

  return {
    async push (text, headers, body, signal) {
      const startedAt = performance.now()
      const end = await new Promise<End>((resolve) => {
        let request: ClientRequest | undefined
        let answer: Answer | undefined
        const finish = (outcome: End): void => {
          clearTimeout(timer)
          signal.removeEventListener('abort', abort)
          resolve(outcome)
        }
        /** What was answered counts, also when the rest of it does not come. */
        const giveUp = (error: string): void => {
          finish(answer?.end() ?? { status: null, error, retry_after: undefined })
          request?.destroy()
        }
        const abort = (): void => giveUp('the sidecar gave up waiting for an answer')
        const timer = setTimeout(() => giveUp(`there was no answer within ${timeoutMs} ms`), timeoutMs)
        timer.unref()
        signal.addEventListener('abort', abort)
        const attempt = (isFresh: boolean): void => {
          const current = request = send(guard.parse(text), headers, body, isFresh)
          current.on('response', (response) => { answer = readAnswer(response, finish) })
          current.on('error', (error) => {
            // The receiver closed an idle connection at the moment it was taken for this push, which it has not seen.
            if (current.reusedSocket && !isFresh && answer === undefined && isCut(error)) attempt(true)
            else giveUp(reasonOf(error))
          })
          // The last word of a request, also where it ends without an error.
          current.on('close', () => { if (request === current && answer === undefined) giveUp('the connection ended before the answer') })
          current.end(body)
        }
        try {
          if (signal.aborted) abort()
          else attempt(false)
        } catch (error) {
          giveUp(messageOf(error))
        }
      })
      return { ...end, duration_ms: Math.round(performance.now() - startedAt) }
    },
    close () {
      for (const agent of Object.values(agents)) agent.destroy()
    }
  }
}

type End = Omit<PushAnswer, 'duration_ms'>

interface Answer {
  /** What has been answered so far. */
  end (): End
}

function readAnswer (response: IncomingMessage, finish: (end: End) => void): Answer {
  const { statusCode: status = 0, headers } = response
  const kept: Buffer[] = []
  let bytes = 0
  const end = (): End => ({
    status,
    error: status >= 200 && status < 300 ? null : refusalOf(status, Buffer.concat(kept)),
    retry_after: headers['retry-after']
  })
  response.on('data', (chunk: Buffer) => {
    if (bytes < MAX_ERROR_BYTES) kept.push(chunk.subarray(0, MAX_ERROR_BYTES - bytes))
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) response.destroy()
  })
  // Cut by us or by the receiver, or whole: the status came, and that is what counts.
  response.on('error', () => {})
  response.once('close', () => finish(end()))
  return { end }
}

function isCut (error: Error): boolean {
  return codeOf(error) === 'ECONNRESET' || codeOf(error) === 'EPIPE'
}

function refusalOf (status: number, body: Buffer): string {
  const said = body.toString('utf8').replace(UNPRINTABLE, ' ').trim()
  const redirect = status >= 300 && status < 400 ? ', and redirects are not followed: give the url that it leads to' : ''
  return `the receiver answered ${status}${redirect}${said === '' ? '' : `: ${said}`}`
}

function reasonOf (error: Error): string {
  // A connection to several addresses fails with one error of all.
  const [first] = (error as AggregateError).errors as unknown[] ?? []
  const cause = first instanceof Error ? first : error
  const text = cause.message.replace(UNPRINTABLE, ' ').trim()
  return text === '' ? codeOf(cause) ?? 'the connection failed' : text
}
