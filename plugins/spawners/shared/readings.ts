import { messageOf, type Logger } from '../../../core/plugin-api.js'
import { followFile, type Follower, type Reader } from './follow-file.js'

export interface Reading {
  /** Resolves when all was read; never rejects. */
  finish (): Promise<void>
}

/** The log files that one spawner follows; they are let go when it is closed. */
export interface Readings {
  /** `onClose` is called when the spawner is closed before the agent has ended. */
  start (path: string, reader: Reader & { onClose? (): void }): Reading
  close (): Promise<void>
}

export function createReadings (log: Logger): Readings {
  const followers = new Map<Follower, (() => void) | undefined>()
  return {
    start (path, reader) {
      const follower = followFile(path, reader)
      followers.set(follower, reader.onClose)
      return {
        async finish () {
          try {
            await follower.finish()
          } catch (error) {
            log.warn({ file: path, reason: messageOf(error) }, 'the output of an agent could not be read')
          } finally {
            followers.delete(follower)
          }
        }
      }
    },
    async close () {
      for (const onClose of followers.values()) onClose?.()
      await Promise.all([...followers.keys()].map((follower) => follower.close()))
      followers.clear()
    }
  }
}
