import assert from 'node:assert/strict'
import type { Requirement } from '../../contracts/agent-profile.js'
import type { ContextItem, ContextStrategy, GatherInput, ProjectView } from '../../contracts/context-strategy.js'
import type { ContractSubject, ContractTest } from '../contract-test.js'
import { silentLog } from '../log.js'
import { createSampleProfile, createSampleProject, createSampleTask, querySampleResults, SAMPLE_RESULTS } from '../sample-project.js'

export type StrategyTest = ContractTest<ContractSubject<ContextStrategy>>

const HASH = /^[0-9a-f]{7,64}$/

export function requirementsOf (strategy: ContextStrategy, given: readonly Requirement[] | undefined): readonly Requirement[] {
  return given ?? strategy.satisfies.map((need) => ({ need }))
}

export function inputFor (requirement: Requirement, changes: Partial<GatherInput> = {}): GatherInput {
  return {
    project: createSampleProject(),
    task: createSampleTask(),
    requirement: structuredClone(requirement),
    profile: createSampleProfile(),
    budget: { max_bytes: 1_000_000, max_tokens: null },
    results: querySampleResults,
    signal: new AbortController().signal,
    log: silentLog,
    ...changes
  }
}

/** Holds for what any strategy gathers of any project. */
export function checkItems (items: readonly ContextItem[], project: ProjectView): void {
  assert.ok(Array.isArray(items), 'gather resolves to a list')
  const paths = new Set(project.files.map(({ path }) => path))
  const results = new Set(SAMPLE_RESULTS.map(({ id }) => id))
  for (const item of items) {
    const shown = JSON.stringify(item)?.slice(0, 200)
    switch (item.kind) {
      case 'file':
        assert.ok(paths.has(item.path), `a file exists in the project: ${shown}`)
        checkRank(item, shown)
        break
      case 'text':
        assert.ok(typeof item.path === 'string' && item.path !== '', `a text has a path: ${shown}`)
        assert.ok(!paths.has(item.path), `the path of a text is no file of the project: ${shown}`)
        assert.equal(typeof item.content, 'string', `a text has content: ${shown}`)
        checkRank(item, shown)
        break
      case 'output':
        assert.ok(results.has(item.result_id), `an output is an earlier result: ${shown}`)
        break
      case 'commit':
        assert.match(item.commit.hash, HASH, shown)
        assert.ok(Number.isFinite(Date.parse(item.commit.timestamp)), `a commit has a time: ${shown}`)
        assert.ok([item.commit.message, item.commit.author].every((text) => typeof text === 'string'), shown)
        assert.ok(Array.isArray(item.commit.files_changed), shown)
        break
      case 'metadata':
        assert.ok(typeof item.key === 'string' && item.key !== '', `metadata have a key: ${shown}`)
        assert.deepEqual(JSON.parse(JSON.stringify(item.value ?? null)), item.value, `the value of metadata is JSON: ${shown}`)
        break
      default:
        assert.fail(`a kind that there is not: ${shown}`)
    }
  }
}

function checkRank (item: { score: number, priority: number, reason?: string }, shown: string | undefined): void {
  assert.ok(typeof item.score === 'number' && item.score >= 0 && item.score <= 1, `a score is 0…1: ${shown}`)
  assert.ok([1, 2, 3, 4, 5, 6, 7].includes(item.priority), `a priority is one of the classes 1…7: ${shown}`)
  if ('reason' in item) assert.equal(typeof item.reason, 'string', `a reason is a text: ${shown}`)
}
