import { messageOf, type Logger } from '../../../core/plugin-api.js'
import { followFile, type Follower, type Reader } from './follow-file.js'

export interface Reading {
  /** Resolves when all was read; never rejects. */
  finish (): Promise<void>
}

/** The log files that one spawner follows; they are let go when it is closed. */
export interface Readings {
  start (path: string, reader: Reader): Reading
  close (): Promise<void>
}

export function createReadings (log: Logger): Readings {
  const followers = new Set<Follower>()
  return {
    start (path, reader) {
      const follower = followFile(path, reader)
      followers.add(follower)
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
      await Promise.all([...followers].map((follower) => follower.close()))
      followers.clear()
    }
  }
}
