import type { Logger } from '../contracts/common.js'
import { codeOf } from '../errors.js'
import type { Project } from './project.js'

// The start itself is to be over, health answered and queued agents started.
const AFTER_MS = 1500
const TOLD_EVERY_MS = 10_000

export interface ReadAhead { close (): void }

/** Reads projects before the first who asks about them would have to wait for it. One after the other, in steps between which requests have their turn. */
export function readAhead (projects: () => readonly Pick<Project, 'id' | 'readAhead'>[], log: Logger, afterMs = AFTER_MS): ReadAhead {
  let isClosed = false

  const readAll = async ({ id, readAhead: step }: Pick<Project, 'id' | 'readAhead'>): Promise<void> => {
    const started = performance.now()
    let told = started
    for (;;) {
      const left = await step()
      const now = performance.now()
      if (left === 0) return log.debug({ project: id, seconds: Math.round((now - started) / 100) / 10 }, 'the project has been read')
      if (isClosed) return
      if (now - told < TOLD_EVERY_MS) continue
      told = now
      log.info({ project: id, files: left }, 'the project is being read; these files are still to do')
    }
  }

  const timer = setTimeout(async () => {
    for (const project of projects()) {
      if (isClosed) return
      await readAll(project).catch((error: unknown) => {
        // Whoever asks about it is told.
        if (!isClosed) log.warn({ err: error, code: codeOf(error), project: project.id }, 'a project could not be read ahead')
      })
    }
  }, afterMs).unref()

  return {
    close () {
      isClosed = true
      clearTimeout(timer)
    }
  }
}
