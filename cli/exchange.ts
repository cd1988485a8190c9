import { readFile } from 'node:fs/promises'
import type { IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http'
import { text } from 'node:stream/consumers'
import { messageOf } from '../core/errors.js'
import { Failure } from './failure.js'

export interface Exchange {
  method: string
  headers: Record<string, string>
  body: string | undefined
  signal: AbortSignal
  /** File of certificates, PEM, that are trusted beside those that everybody trusts. */
  ca: string | undefined
}

/** Addresses of unix sockets, as `unix:/run/cco.sock` or `unix:///run/cco.sock`. */
const SOCKET = /^unix:(?:\/\/)?(?<path>\/.*)$/

export function socketOf (url: string): string | undefined {
  return SOCKET.exec(url)?.groups!.path
}

/** One request and its whole answer. No redirect is followed: nobody is sent elsewhere with a token. */
export async function exchange (base: string, path: string, { method, headers, body, signal, ca }: Exchange): Promise<{ status: number, headers: IncomingHttpHeaders, text: string }> {
  const socketPath = socketOf(base)
  const url = new URL(`${socketPath === undefined ? base : 'http://localhost'}${path}`)
  const isSecure = url.protocol === 'https:'
  const { request } = isSecure ? await import('node:https') : await import('node:http')
  const options: RequestOptions & { ca?: string[] } = {
    method,
    headers,
    signal,
    ...(socketPath === undefined ? {} : { socketPath }),
    ...(isSecure && ca !== undefined ? { ca: await commonAuthoritiesAnd(ca) } : {})
  }
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, options, resolve).once('error', reject).end(body)
  })
  const status = response.statusCode!
  if (status >= 300 && status < 400 && response.headers.location !== undefined) {
    response.destroy()
    throw new Error('it sends elsewhere')
  }
  return { status, headers: response.headers, text: await text(response) }
}

/** Node takes a list of authorities in the place of its own, and of those that its user has named. */
async function commonAuthoritiesAnd (file: string): Promise<string[]> {
  const { rootCertificates } = await import('node:tls')
  const { NODE_EXTRA_CA_CERTS: more } = process.env
  return [...rootCertificates, ...await Promise.all([file, ...(more === undefined || more === '' ? [] : [more])].map(readAuthority))]
}

async function readAuthority (file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Failure(`The certificate ${file} cannot be read: ${messageOf(error)}.`, { cause: error })
  }
}
