import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Settings } from './settings.js'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * Absolute path of the file by which the certificate of the settings can be verified: that of the authority, or its own where it, or another one of its chain, has signed
 * itself. `undefined` without TLS, and where an authority that everybody trusts is to have signed it: then a list of its own would only keep others out.
 */
export function authorityFileOf ({ cert, ca }: Settings['tls']): string | undefined {
  if (cert === undefined) return undefined
  if (ca !== undefined) return resolve(ca)
  return certificatesIn(cert).some((one) => one.checkIssued(one)) ? resolve(cert) : undefined
}

function certificatesIn (file: string): X509Certificate[] {
  return (readFileSync(file, 'utf8').match(CERTIFICATE) ?? []).map((text) => new X509Certificate(text))
}
