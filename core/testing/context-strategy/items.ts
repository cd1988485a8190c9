import assert from 'node:assert/strict'
import type { Requirement } from '../../contracts/agent-profile.js'
import { createProjectView } from '../project-view.js'
import { createSampleProject, createSampleTask } from '../sample-project.js'
import { SAMPLE_FILES } from '../sample-files.js'
import { checkItems, inputFor, requirementsOf, type StrategyTest } from './input.js'

export function itemTests (check: StrategyTest, given: readonly Requirement[] | undefined): void {
  check('it names what it satisfies, each once and in lower-case words', async ({ instance: strategy }) => {
    assert.ok(strategy.satisfies.length > 0)
    for (const need of strategy.satisfies) assert.match(need, /^[a-z0-9]+(-[a-z0-9]+)*$/)
    assert.equal(new Set(strategy.satisfies).size, strategy.satisfies.length)
    if (strategy.description !== undefined) assert.match(strategy.description, /^[^\n]+$/, 'a description is one line')
    if (strategy.timeoutMs !== undefined) assert.ok(strategy.timeoutMs > 0)
    for (const { need } of given ?? []) assert.ok(strategy.satisfies.includes(need), `the suite is asked for '${need}', which it does not satisfy`)
  })

  check('items of the sample project are valid', async ({ instance: strategy }) => {
    for (const requirement of requirementsOf(strategy, given)) {
      const input = inputFor(requirement)
      checkItems(await strategy.gather(input), input.project)
    }
  })

  check('an empty project gives valid items and no error', async ({ instance: strategy }) => {
    for (const requirement of requirementsOf(strategy, given)) {
      const input = inputFor(requirement, { project: createProjectView(), results: async () => ({ results: [] }) })
      checkItems(await strategy.gather(input), input.project)
    }
  })

  check('a project without git, and a bare task, give valid items and no error', async ({ instance: strategy }) => {
    for (const requirement of requirementsOf(strategy, given)) {
      const project = createSampleProject({ commits: [], changes: [] })
      const input = inputFor(requirement, { project, task: { issue_id: 'issue-9', labels: [], files: [] } })
      checkItems(await strategy.gather(input), project)
    }
  })

  check('files that cannot be read give valid items and no error', async ({ instance: strategy }) => {
    for (const requirement of requirementsOf(strategy, given)) {
      const project = createSampleProject({ files: Object.fromEntries(Object.keys(SAMPLE_FILES).map((path) => [path, undefined])) })
      checkItems(await strategy.gather(inputFor(requirement, { project })), project)
    }
  })

  check('broken and hostile content gives valid items and no error', async ({ instance: strategy }) => {
    const broken = ['', '{', '\u0000\uFFFD', `${'('.repeat(5_000)}[`, '---\n: : :\n', '@@ -1 +1 @@\n', 'a'.repeat(100_000), '[a](b'.repeat(2_000)]
    const files = Object.fromEntries(Object.keys(SAMPLE_FILES).map((path, index) => [path, broken[index % broken.length]]))
    const task = createSampleTask({ title: '.*(((+', description: '[\\', files: ['../../etc/passwd', 'no/such/file.ts', '/'] })
    for (const requirement of requirementsOf(strategy, given)) {
      const project = createSampleProject({ files: { ...files, 'a file (1) [x] *.md': '# a', 'src/größe/世界.ts': 'export {}', constructor: 'x' } })
      checkItems(await strategy.gather(inputFor(requirement, { project, task })), project)
    }
  })

  check('a small budget gives valid items and no error', async ({ instance: strategy }) => {
    for (const requirement of requirementsOf(strategy, given)) {
      const input = inputFor(requirement, { budget: { max_bytes: 1, max_tokens: 1 } })
      checkItems(await strategy.gather(input), input.project)
    }
  })
}
