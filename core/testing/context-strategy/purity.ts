import assert from 'node:assert/strict'
import type { Requirement } from '../../contracts/agent-profile.js'
import type { GatherInput } from '../../contracts/context-strategy.js'
import { createProjectView } from '../project-view.js'
import { createSampleProject, createSampleTask } from '../sample-project.js'
import { SAMPLE_FILES } from '../sample-files.js'
import { checkItems, inputFor, requirementsOf, type StrategyTest } from './input.js'

function dataOf ({ project, task, requirement, profile, budget }: GatherInput): object {
  return { id: project.id, files: project.files, task, requirement, profile, budget }
}

function freeze (value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return
  Object.freeze(value)
  Object.values(value).forEach(freeze)
}

export function purityTests (check: StrategyTest, given: readonly Requirement[] | undefined): void {
  check('the same input gives the same items, also in another instance', async ({ instance: strategy, another }) => {
    const other = await another()
    for (const requirement of requirementsOf(strategy, given)) {
      const first = await strategy.gather(inputFor(requirement))
      assert.deepEqual(await strategy.gather(inputFor(requirement)), first)
      assert.deepEqual(await other.gather(inputFor(requirement)), first)
    }
  })

  check('gathering changes nothing of its input', async ({ instance: strategy }) => {
    for (const requirement of requirementsOf(strategy, given)) {
      const input = inputFor(requirement)
      const before = structuredClone(dataOf(input))
      freeze(dataOf(input))
      await strategy.gather(input)
      assert.deepEqual(dataOf(input), before)
    }
  })

  check('gathering for two tasks at once gives what each gives alone', async ({ instance: strategy, another }) => {
    const cart = createSampleTask({ issue_id: 'issue-2', title: 'Cart total is wrong', description: 'Prices are cents.', files: ['src/cart/cart.ts'] })
    const other = await another()
    for (const requirement of requirementsOf(strategy, given)) {
      const alone = [await other.gather(inputFor(requirement)), await other.gather(inputFor(requirement, { task: cart }))]
      assert.deepEqual(await Promise.all([strategy.gather(inputFor(requirement)), strategy.gather(inputFor(requirement, { task: cart }))]), alone)
    }
  })

  check('files that are gone, or of another project, are not offered', async ({ instance: strategy }) => {
    const left = Object.fromEntries(Object.entries(SAMPLE_FILES).filter((_, index) => index % 2 === 0))
    const others = createProjectView({ id: 'other', files: { 'README.md': '# Other', 'lib/login.ts': 'export {}', 'test/login.test.ts': '' } })
    for (const requirement of requirementsOf(strategy, given)) {
      for (const project of [createSampleProject(), createSampleProject({ files: left }), others, createSampleProject()]) {
        checkItems(await strategy.gather(inputFor(requirement, { project })), project)
      }
    }
  })
}
