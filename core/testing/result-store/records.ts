import type { IssueRecord, ResultQuery, ResultRecord, ResultStore } from '../../contracts/result-store.js'
import { TEST_TIME, type TestClock } from '../clock.js'
import type { ContractSubject, ContractTest } from '../contract-test.js'
import { sampleId } from '../samples.js'

export type StoreTest = ContractTest<ContractSubject<ResultStore>>

export const PROJECT = 'shop'
/** Begins like the other project, so that a match by prefix shows. */
export const NEIGHBOUR = 'shop-2'

export function timeOf (number: number): number {
  return TEST_TIME + number * 1_000
}

/** Record `number`, stored `number` seconds after the start of the clock. */
export function record (number: number, changes: Partial<ResultRecord> = {}): ResultRecord {
  return {
    id: sampleId('res_', timeOf(number), number),
    project_id: PROJECT,
    issue_id: 'issue-1',
    agent_id: 'test-engineer-1',
    agent_type: 'test-engineer',
    status: 'success',
    result: { status: 'success', number },
    timestamp: new Date(timeOf(number)).toISOString(),
    ...changes
  }
}

export function issue (changes: Partial<IssueRecord> = {}): IssueRecord {
  const timestamp = new Date(TEST_TIME).toISOString()
  return { issue_id: 'issue-1', title: 'Login fails', created_at: timestamp, updated_at: timestamp, ...changes }
}

/** Puts the records one after the other, each at its own time. */
export async function putAll (store: ResultStore, clock: TestClock, records: readonly ResultRecord[]): Promise<void> {
  for (const each of records) {
    clock.set(Date.parse(each.timestamp))
    await store.put(each.project_id, each)
  }
}

export async function listIds (store: ResultStore, project: string, query: Partial<ResultQuery> = {}): Promise<string[]> {
  return (await store.list(project, { limit: 1_000, ...query })).results.map(({ id }) => id)
}

export function newestFirst (records: readonly ResultRecord[]): string[] {
  return records.map(({ id }) => id).sort().reverse()
}
