import type { Logger } from '../contracts/common.js'
import { codeOf } from '../errors.js'
import type { Project } from './project.js'

// The start itself is to be over, health answered and queued agents started.
const AFTER_MS = 1500
const TOLD_EVERY_MS = 10_000

type Readable = Pick<Project, 'id' | 'readAhead'>

/** Reads projects before the first who asks about them would have to wait for it. One after the other, in steps between which requests have their turn. */
export interface ReadAhead {
  add (project: Readable): void
  /** Nothing is read before a while after this. */
  start (): void
  close (): void
}

export function createReadAhead (log: Logger, afterMs = AFTER_MS): ReadAhead {
  const waiting: Readable[] = []
  let isReading = false
  let isClosed = false
  let timer: NodeJS.Timeout | undefined
  let isDue = false

  const readAll = async (project: Readable): Promise<void> => {
    const { id } = project
    const started = performance.now()
    let told = started
    for (;;) {
      const left = await project.readAhead()
      const now = performance.now()
      if (left === 0) return log.debug({ project: id, seconds: Math.round((now - started) / 100) / 10 }, 'the project has been read')
      if (isClosed) return
      if (now - told < TOLD_EVERY_MS) continue
      told = now
      log.info({ project: id, files: left }, 'the project is being read; these files are still to do')
    }
  }

  const readWaiting = async (): Promise<void> => {
    if (isReading || isClosed || !isDue) return
    isReading = true
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { id } = next
      await readAll(next).catch((error: unknown) => {
        // Whoever asks about it is told.
        if (!isClosed) log.warn({ err: error, code: codeOf(error), project: id }, 'a project could not be read ahead')
      })
    }
    isReading = false
  }

  const fail = (error: unknown): void => log.error({ err: error }, 'projects are not read ahead any more')

  return {
    add (project) {
      waiting.push(project)
      readWaiting().catch(fail)
    },
    start () {
      timer = setTimeout(() => {
        isDue = true
        readWaiting().catch(fail)
      }, afterMs).unref()
    },
    close () {
      isClosed = true
      waiting.length = 0
      clearTimeout(timer)
    }
  }
}
