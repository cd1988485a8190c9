import { readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf, messageOf, removeLeftovers, writeFileDurably, type IssueRecord, type Logger } from '../../../core/plugin-api.js'
import { checkIdentifier } from '../shared/identifiers.js'
import type { Folders } from './folders.js'
import { DAMAGED, projectFolder } from './layout.js'
import type { Limit } from './limit.js'
import { promised } from './promised.js'
import { createQueues } from './queues.js'
import type { WriteGuard } from './write-guard.js'

export interface IssueFiles {
  put (project: string, issue: IssueRecord): Promise<void>
  get (project: string, issueId: string): Promise<IssueRecord | undefined>
  /** Another number whenever an issue of the project has changed. */
  version (project: string): number
}

export interface IssueFilesParts {
  root: string
  folders: Folders
  guard: WriteGuard
  limit: Limit
  log: Logger
}

/** One file for each issue: `<project>/<issue>.json`. */
export function createIssueFiles ({ root, folders, guard, limit, log }: IssueFilesParts): IssueFiles {
  const inOrder = createQueues()
  const tidied = new Map<string, Promise<void>>()
  const versions = new Map<string, number>()
  // One for a whole project: a number for each issue would be kept for ever, and issues are put seldom.
  const version = (project: string): number => versions.get(project) ?? 0

  const pathOf = (project: string, issueId: string): string =>
    join(projectFolder(root, project), `${checkIdentifier(issueId, 'issue_id')}.json`)

  // Before the first write of this process, so that no file is taken away that is being written.
  const tidy = (folder: string): Promise<void> => promised(tidied, folder, removeLeftovers)

  return {
    async put (project, issue) {
      const path = pathOf(project, issue.issue_id)
      const text = `${JSON.stringify(issue, null, 2)}\n`
      const folder = dirname(path)
      await tidy(folder)
      try {
        await folders.within(folder, () => inOrder(path, () => limit(() => guard.durably(() => writeFileDurably(path, text)))))
      } finally {
        // A write that failed may have come as far as the rename.
        versions.set(project, version(project) + 1)
      }
    },
    version,
    async get (project, issueId) {
      const path = pathOf(project, issueId)
      let text: string
      try {
        text = await readFile(path, 'utf8')
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined
        throw error
      }
      try {
        return JSON.parse(text) as IssueRecord
      } catch {
        const renamed = await rename(path, path + DAMAGED).then(() => ({}), (error: unknown) => ({ reason: messageOf(error) }))
        log.error({ project, issue_id: issueId, ...renamed }, 'a stored issue is no JSON and was set aside')
        return undefined
      }
    }
  }
}
