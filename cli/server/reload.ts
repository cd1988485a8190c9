import { messageOf } from '../../core/errors.js'

interface Log { info (details: object, message: string): void, error (details: object, message: string): void }

/** What a server reads anew while it runs: its certificate; a wrong one leaves that of before in force. All else is read at the start. `undefined` where there is none. */
export function reloadWith (reloadCertificate: (() => void) | undefined, log: Log): () => void {
  return () => {
    if (reloadCertificate === undefined) {
      log.info({}, 'SIGHUP: there is no certificate to load anew; settings are read at the start')
      return
    }
    try {
      reloadCertificate()
      log.info({}, 'the certificate was loaded anew')
    } catch (error) {
      log.error({ reason: messageOf(error) }, 'the certificate could not be loaded; the one of before stays in force')
    }
  }
}
