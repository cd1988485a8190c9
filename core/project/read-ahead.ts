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

  const readNext = (): void => {
    if (isReading || !isDue) return
    const next = waiting.shift()
    if (next === undefined) return
    isReading = true
    readAll(next).catch((error: unknown) => {
      // Whoever asks about it is told.
      if (!isClosed) log.warn({ err: error, code: codeOf(error), project: next.id }, 'a project could not be read ahead')
    }).finally(() => {
      isReading = false
      readNext()
    })
  }

  return {
    add (project) {
      if (isClosed) return
      waiting.push(project)
      readNext()
    },
    start () {
      timer = setTimeout(() => {
        isDue = true
        readNext()
      }, afterMs).unref()
    },
    close () {
      isClosed = true
      waiting.length = 0
      clearTimeout(timer)
    }
  }
}
