import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openAuditLog } from '../../../core/audit/audit-log.js'
import { fileName, listFiles } from '../../../core/audit/files.js'
import type { AuditEntry, AuditLog } from '../../../core/contracts/index.js'
import { createTestClock } from '../../../core/testing/clock.js'
import { createLogSpy } from '../../support/log-spy.js'
import { quickFolder } from '../../support/temporary.js'

export const ENTRY: AuditEntry = { action: 'token.issued', outcome: 'success', actor: 'operator', project: 'shop', resource: 'agent/test-engineer-1', request_id: 'req-1', address: '127.0.0.1' }

export interface LogStage {
  directory: string
  audit: AuditLog
  clock: ReturnType<typeof createTestClock>
  log: ReturnType<typeof createLogSpy>
  /** As after a kill: the one before is not closed by it. */
  reopen (): Promise<AuditLog>
}

export async function openLog (t: Parameters<typeof quickFolder>[0], options: { fileBytes?: number, retentionDays?: number } = {}): Promise<LogStage> {
  const directory = join(await quickFolder(t, 'cco-audit'), 'audit')
  const clock = createTestClock()
  const log = createLogSpy()
  const reopen = async (): Promise<AuditLog> => {
    const audit = await openAuditLog({ directory, fileBytes: 1_000_000, retentionDays: 365, ...options, clock, log })
    t.teardown(async () => await audit.close())
    return audit
  }
  return { directory, audit: await reopen(), clock, log, reopen }
}

/** Records one after the other, so that each begins a new file where it should. */
export async function fill (audit: AuditLog, count: number, from = 0): Promise<void> {
  for (let index = from; index < from + count; index++) await audit.record({ ...ENTRY, resource: `agent/test-engineer-${index}` })
}

/** Lines of each file, oldest first. */
export async function linesIn (directory: string): Promise<{ file: string, lines: string[] }[]> {
  return (await listFiles(directory)).map((number) => {
    const file = fileName(number)
    return { file, lines: readFileSync(join(directory, file), 'utf8').split('\n').slice(0, -1) }
  })
}

export function writeLines (directory: string, file: string, lines: readonly string[]): void {
  writeFileSync(join(directory, file), lines.map((line) => `${line}\n`).join(''))
}
