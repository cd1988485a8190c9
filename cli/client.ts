import { codeOf, messageOf } from '../core/errors.js'
import { Failure } from './failure.js'

export interface ClientOptions {
  /** Address of the sidecar; a trailing `/api` is taken off. */
  url: string
  /** Asked before the first call, and again when the sidecar says that the token has expired. */
  token (): Promise<string | undefined>
  /** Said when the sidecar wants a token and there is none. */
  tokenHint?: string
  timeoutMs?: number
}

export interface CallOptions {
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  timeoutMs?: number
  signal?: AbortSignal
}

export interface Client {
  readonly url: string
  /** The answer's body; rejects with a `Failure` that a person can act on. */
  call<Answer> (method: string, path: string, options?: CallOptions): Promise<Answer>
  /** The same with the status, and without rejecting for a status in `accept`. */
  answer<Answer> (method: string, path: string, options: CallOptions & { accept?: readonly number[] }): Promise<{ status: number, body: Answer }>
}

interface ErrorBody { code?: unknown, message?: unknown, details?: { issues?: { path: string, message: string }[] } }

const CALL_MS = 30_000
const EXPIRED = 'AUTH_002'

/** HTTP client of a running sidecar. */
export function createClient ({ url, token: askToken, tokenHint, timeoutMs = CALL_MS }: ClientOptions): Client {
  const base = url.replace(/\/+$/, '').replace(/\/api$/, '')
  let token: string | undefined
  let asked = false

  async function send (method: string, path: string, options: CallOptions): Promise<{ status: number, text: string }> {
    const limit = options.timeoutMs ?? timeoutMs
    const timeout = AbortSignal.timeout(limit)
    try {
      const response = await fetch(urlOf(base, path, options.query), {
        method,
        headers: {
          accept: 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(options.body === undefined ? {} : { 'content-type': 'application/json' })
        },
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
        redirect: 'error',
        signal: options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal])
      })
      const text = await response.text()
      token = response.headers.get('x-refreshed-token') ?? token
      return { status: response.status, text }
    } catch (error) {
      if (options.signal?.aborted === true) throw error
      if (timeout.aborted) throw new Failure(`The sidecar at ${base} did not answer within ${limit / 1000} s.`, { code: 'ETIMEDOUT', cause: error })
      throw unreachable(base, error)
    }
  }

  const client: Client = {
    url: base,
    async call<Answer> (method: string, path: string, options: CallOptions = {}) {
      return (await client.answer<Answer>(method, path, options)).body
    },
    async answer<Answer> (method: string, path: string, options: CallOptions & { accept?: readonly number[] }) {
      if (!asked) token = await askToken()
      asked = true
      let { status, text } = await send(method, path, options)
      let body = parse(text)
      if (status === 401 && (body as ErrorBody | undefined)?.code === EXPIRED) {
        const newer = await askToken()
        if (newer !== undefined && newer !== token) {
          token = newer
          ;({ status, text } = await send(method, path, options))
          body = parse(text)
        }
      }
      const accepted = (status >= 200 && status < 300) || options.accept?.includes(status) === true
      if (accepted && body !== undefined) return { status, body: body as Answer }
      throw refusal(base, status, body as ErrorBody | undefined, token === undefined ? tokenHint : undefined)
    }
  }
  return client
}

function urlOf (base: string, path: string, query: CallOptions['query'] = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value))
  }
  return `${base}${path}${search.size === 0 ? '' : `?${search}`}`
}

function parse (text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function unreachable (base: string, error: unknown): Failure {
  const cause = (error as { cause?: unknown }).cause
  const code = codeOf(cause) ?? codeOf(error)
  if (code === 'ERR_INVALID_URL' || /parse URL|unknown scheme|not implemented/i.test(messageOf(error) + messageOf(cause))) {
    return new Failure(`'${base}' is no address of a sidecar; it looks like http://127.0.0.1:3001.`, { cause: error })
  }
  if (code === 'ECONNREFUSED') return new Failure(`No sidecar answers at ${base}. Start one with: cco start`, { code, cause: error })
  return new Failure(`No sidecar answers at ${base}: ${messageOf(cause ?? error)}.`, { code, cause: error })
}

/** The sentence of an error body, with what it says about single members. */
function refusal (base: string, status: number, body: ErrorBody | undefined, hint: string | undefined): Failure {
  if (typeof body?.message !== 'string') {
    return new Failure(`${base} answered ${status} with something that no sidecar says; is another program listening there?`)
  }
  const said = body.message
  const details = (body.details?.issues ?? []).filter((issue) => !said.includes(issue.message)).map((issue) => `${issue.path}: ${issue.message}`)
  const sentence = [said, ...details].join('; ')
  const code = typeof body.code === 'string' ? body.code : undefined
  return new Failure(status === 401 && hint !== undefined ? `${sentence} ${hint}` : sentence, { code })
}
