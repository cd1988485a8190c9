import { messageOf } from '../../core/errors.js'

interface Log { info (details: object, message: string): void, error (details: object, message: string): void }

/** SIGHUP takes the certificate up anew; a wrong one leaves that of before in force. */
export function installReload (reload: () => void, log: Log): void {
  process.on('SIGHUP', () => {
    try {
      reload()
      log.info({}, 'the certificate was loaded anew')
    } catch (error) {
      log.error({ reason: messageOf(error) }, 'the certificate could not be loaded; the one of before stays in force')
    }
  })
}
