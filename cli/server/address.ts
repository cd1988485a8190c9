import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { codeOf, messageOf, startError } from '../../core/errors.js'
import { addressOf } from '../connect.js'

export interface Place { host: string, port: number }

/** Turns what `listen` failed with into a sentence that says what to do. */
export function listenError (error: unknown, { host, port }: Place): Error {
  const code = codeOf(error)
  const say = (message: string): Error => startError('SIDECAR_ERR_LISTEN', message, { cause: error })
  switch (code) {
    case 'EADDRINUSE': return say(`Port ${port} on ${host} is taken by another program; choose one with --port.`)
    case 'EACCES': return say(`Port ${port} on ${host} may not be used by this user; choose one above 1023 with --port.`)
    case 'EADDRNOTAVAIL': return say(`This machine has no address ${host}; choose one with --host.`)
    case 'ENOTFOUND':
    case 'EAI_AGAIN': return say(`'${host}' is no address of this machine; choose one with --host.`)
    default: return say(`The sidecar cannot listen on ${host}, port ${port}: ${messageOf(error)}.`)
  }
}

/**
 * Finds out whether one can listen there, before anything is written to the storage. Another program can still take it
 * between this and the real `listen`; then the start fails with the same sentence, only later.
 */
export async function checkPlace (place: Place): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => { reject(listenError(error, place)) })
    server.listen(place, () => { server.close(() => { resolve() }) })
  })
}

/** The URL that people and programs on this machine use. */
export function urlOf ({ port }: AddressInfo, host: string, isSecure = false): string {
  return `http${isSecure ? 's' : ''}://${addressOf(host)}:${port}`
}
