import { readdir, rm } from 'node:fs/promises'
import { messageOf, type Logger } from '../../../core/plugin-api.js'
import { isIdentifier } from '../shared/identifiers.js'
import type { ResultIndex } from '../shared/result-index.js'
import { projectFolder } from './layout.js'
import type { Limit } from './limit.js'
import { listProject } from './listing.js'
import { promised } from './promised.js'
import type { SlotWriter } from './slot-writer.js'

/** The index of each project; its folders are listed when it is asked for the first time. */
export interface Projects {
  of (project: string): Promise<ResultIndex>
  all (): Promise<ResultIndex[]>
}

export function createProjects ({ root, limit, writer, log }: { root: string, limit: Limit, writer: SlotWriter, log: Logger }): Projects {
  const indexes = new Map<string, Promise<ResultIndex>>()
  let listed: Promise<void> | undefined

  // A storage that can be read but not written still answers.
  const repair = async (project: string, work: () => Promise<void>): Promise<void> => {
    await work().catch((error: unknown) => log.warn({ project, reason: messageOf(error) }, 'what a crash left among the results could not be tidied up'))
  }

  const build = async (project: string): Promise<ResultIndex> => {
    const { index, stale, damaged, leftovers } = await listProject(projectFolder(root, project), limit)
    await Promise.all([
      ...leftovers.map((path) => repair(project, () => limit(() => rm(path, { force: true })))),
      ...stale.map((slot) => repair(project, () => limit(() => writer.settle(index, slot))))
    ])
    if (leftovers.length + stale.length > 0) {
      log.info({ project, leftovers: leftovers.length, stale: stale.length }, 'what a crash left among the results was tidied up')
    }
    if (damaged > 0) log.warn({ project, damaged }, 'the project has results that were set aside because they could not be read')
    return index
  }

  const of = (project: string): Promise<ResultIndex> => promised(indexes, project, build)

  const listAll = async (): Promise<void> => {
    const entries = await readdir(root, { withFileTypes: true })
    await Promise.all(entries.filter((entry) => entry.isDirectory() && isIdentifier(entry.name)).map((entry) => of(entry.name)))
  }

  return {
    of,
    async all () {
      listed ??= listAll()
      await listed.catch((error: unknown) => {
        listed = undefined
        throw error
      })
      return await Promise.all(indexes.values())
    }
  }
}
