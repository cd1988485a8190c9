import { codeOf, messageOf } from '../core/errors.js'
import { exchange, socketOf } from './exchange.js'
import { Failure } from './failure.js'

export interface ClientOptions {
  /** Address of the sidecar, also `unix:/path/of/its.sock`; a trailing `/api` is taken off. */
  url: string
  /** File of certificates, PEM, that are trusted beside those that everybody trusts. */
  ca?: string | undefined
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
export function createClient ({ url, ca, token: askToken, tokenHint, timeoutMs = CALL_MS }: ClientOptions): Client {
  const base = socketOf(url) === undefined ? url.replace(/\/+$/, '').replace(/\/api$/, '') : url
  let token: string | undefined
  let asked = false

  async function send (method: string, path: string, options: CallOptions): Promise<{ status: number, text: string }> {
    const limit = options.timeoutMs ?? timeoutMs
    const timeout = AbortSignal.timeout(limit)
    try {
      const { status, headers, text } = await exchange(base, pathOf(path, options.query), {
        method,
        ca,
        headers: {
          accept: 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(options.body === undefined ? {} : { 'content-type': 'application/json' })
        },
        body: options.body === undefined ? undefined : JSON.stringify(options.body),
        signal: options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal])
      })
      const { 'x-refreshed-token': refreshed } = headers
      if (typeof refreshed === 'string') token = refreshed
      return { status, text }
    } catch (error) {
      if (options.signal?.aborted === true) throw options.signal.reason
      if (error instanceof Failure) throw error
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

function pathOf (path: string, query: CallOptions['query'] = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value))
  }
  return `${path}${search.size === 0 ? '' : `?${search}`}`
}

function parse (text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** What OpenSSL says of a certificate that nobody vouches for who is known here. */
const UNKNOWN_AUTHORITY = new Set(['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'])

function unreachable (base: string, error: unknown): Failure {
  const code = codeOf(error)
  if (code === 'ERR_INVALID_URL' || code === 'ERR_INVALID_PROTOCOL') {
    return new Failure(`'${base}' is no address of a sidecar; it looks like http://127.0.0.1:3001 or unix:/run/cco.sock.`, { cause: error })
  }
  if (code !== undefined && UNKNOWN_AUTHORITY.has(code)) {
    return new Failure(`The sidecar at ${base} has a certificate that no authority known here has signed; name the file of its authority with --ca or CCO_SIDECAR_CA.`, { code, cause: error })
  }
  // Of a socket: nobody is behind it, or it is not there.
  if (code === 'ECONNREFUSED' || (code === 'ENOENT' && socketOf(base) !== undefined)) return new Failure(`No sidecar answers at ${base}. Start one with: cco start`, { code, cause: error })
  return new Failure(`No sidecar answers at ${base}: ${messageOf(error)}.`, { code, cause: error })
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
