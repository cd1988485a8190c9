import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { ResultStatus } from '../../../core/plugin-api.js'
import { checkIdentifier, isIdentifier } from '../shared/identifiers.js'

/** Where the results of one agent type on one issue are. */
export interface Slot {
  issue: string
  agentType: string
  /** The folder of the issue. */
  folder: string
  /** `<agent_type>.json`, always the newest result. */
  latest: string
  /** `<agent_type>.history`, the folder with every result. */
  history: string
}

const LATEST = '.json'
const HISTORY = '.history'
const HISTORY_FILE = /^(.+)\.(success|failed|partial)(?:\.([0-9a-f]{32}))?\.json$/
const TEMPORARY = /^\..+\.[0-9a-f-]{36}\.tmp$/
export const DAMAGED = '.damaged'

export function projectFolder (root: string, project: string): string {
  return join(root, checkIdentifier(project, 'project_id'))
}

export function slotOf (folderOfProject: string, issue: string, agentType: string): Slot {
  const folder = join(folderOfProject, checkIdentifier(issue, 'issue_id'))
  const base = join(folder, checkIdentifier(agentType, 'agent_type'))
  return { issue, agentType, folder, latest: base + LATEST, history: base + HISTORY }
}

/** What the name of a file of the history says, so that a start need not open it. */
export interface HistoryName {
  id: string
  status: ResultStatus
  /** As `keyOf` makes it. */
  key?: string
}

export function historyFile (slot: Slot, { id, status, key }: HistoryName): string {
  return join(slot.history, `${checkIdentifier(id, 'id')}.${status}${key === undefined ? '' : `.${key}`}.json`)
}

export function readHistoryName (name: string): HistoryName | undefined {
  const [, id, status, key] = HISTORY_FILE.exec(name) ?? []
  return isIdentifier(id) ? { id, status: status as ResultStatus, ...(key === undefined ? {} : { key }) } : undefined
}

/** The agent type whose history this folder of an issue holds. */
export function readHistoryFolder (name: string): string | undefined {
  const agentType = name.slice(0, -HISTORY.length)
  return name.endsWith(HISTORY) && isIdentifier(agentType) ? agentType : undefined
}

/** A name that no other process and no identifier bears. */
export function temporaryFile (slot: Slot): string {
  return join(slot.folder, `.${slot.agentType.slice(0, 100)}.${randomUUID()}.tmp`)
}

export function isTemporary (name: string): boolean {
  return TEMPORARY.test(name)
}
