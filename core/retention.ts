import type { Settings } from './config/settings.js'
import { messageOf } from './errors.js'
import type { Services } from './http/types.js'

const RETENTION_EVERY_MS = 3_600_000
const DAY_MS = 86_400_000

/** Removes results beyond their retention, now and every hour. */
export function keepRetention ({ store, projects, clock, log }: Services, settings: Settings): { close (): void } {
  const prune = (): void => {
    for (const { project } of projects.all()) {
      store.prune(project.id, { before: clock() - settings.results.retention_days * DAY_MS }).then(
        ({ removed, bytes }) => { if (removed > 0) log.info({ project: project.id, removed, bytes }, 'old results were removed') },
        (error: unknown) => log.warn({ project: project.id, reason: messageOf(error) }, 'old results could not be removed')
      )
    }
  }
  const first = setTimeout(prune, 60_000)
  const timer = setInterval(prune, RETENTION_EVERY_MS)
  first.unref()
  timer.unref()
  return {
    close () {
      clearTimeout(first)
      clearInterval(timer)
    }
  }
}
