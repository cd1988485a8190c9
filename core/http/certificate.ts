import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { createSecureContext, type Server as TlsServer } from 'node:tls'
import type { Settings } from '../config/settings.js'
import { messageOf, startError } from '../errors.js'

/** RFC 9325, section 3.1.1, would allow 1.2; every client of ours speaks 1.3. */
const MIN_VERSION = 'TLSv1.3'

export interface Certificate { cert: string, key: string, minVersion: typeof MIN_VERSION }

/** The certificate and key of the settings, checked to fit each other; `undefined` without TLS. Throws with the name of the setting. */
export function readCertificate ({ tls }: Pick<Settings, 'tls'>): Certificate | undefined {
  if (tls.cert === undefined && tls.key === undefined) return undefined
  if (tls.cert === undefined || tls.key === undefined) throw wrong('tls.cert and tls.key belong together: give both or none')
  const certificate: Certificate = { cert: read('tls.cert', tls.cert), key: read('tls.key', tls.key), minVersion: MIN_VERSION }
  try {
    createSecureContext(certificate)
  } catch (error) {
    throw wrong(`${tls.cert} and ${tls.key} are no certificate with its key: ${messageOf(error)}`, error)
  }
  return certificate
}

/** Takes the files up as they are now. Connections that are open keep the certificate they began with. Throws, and changes nothing, where they are wrong. */
export function reloadCertificate (servers: readonly Server[], settings: Pick<Settings, 'tls'>): void {
  const certificate = readCertificate(settings)
  if (certificate === undefined) return
  // A unix socket is without TLS.
  for (const server of servers) if ('setSecureContext' in server) (server as unknown as TlsServer).setSecureContext(certificate)
}

function read (name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw wrong(`the file of ${name} cannot be read: ${messageOf(error)}`, error)
  }
}

function wrong (what: string, cause?: unknown): Error {
  return startError('SIDECAR_ERR_CONFIG_INVALID', `Wrong configuration of TLS: ${what.replace(/\.$/, '')}.`, cause === undefined ? {} : { cause })
}
