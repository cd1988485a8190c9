import type { Requirement } from '../../contracts/agent-profile.js'
import type { GatherInput, ProjectView } from '../../contracts/context-strategy.js'
import { within } from '../expectations.js'
import { createSampleProject } from '../sample-project.js'
import { inputFor, requirementsOf, type StrategyTest } from './input.js'

const SLOW_MS = 100
const DEADLINE_MS = 1_000

/** A project on a slow disk: each call takes `SLOW_MS`, any number of them at once. */
function createSlowProject (onCall: () => void): ProjectView {
  const project = createSampleProject()
  const slowly = async <Value>(call: () => Promise<Value>): Promise<Value> => {
    onCall()
    await new Promise((resolve) => setTimeout(resolve, SLOW_MS))
    return call()
  }
  return {
    id: project.id,
    files: project.files,
    read: (path) => slowly(() => project.read(path)),
    symbols: (path) => slowly(() => project.symbols(path)),
    search: (title, description, limit) => slowly(() => project.search(title, description, limit)),
    commits: (limit) => slowly(() => project.commits(limit)),
    changes: () => slowly(() => project.changes())
  }
}

/** Ending is resolving or rejecting: what comes of it is thrown away. */
async function ends (gathering: Promise<unknown>, what: string): Promise<void> {
  await within(DEADLINE_MS, gathering.then(() => {}, () => {}), what)
}

export function abortTests (check: StrategyTest, given: readonly Requirement[] | undefined): void {
  check('a signal that is aborted already ends gathering within a second', async ({ instance: strategy }) => {
    for (const requirement of requirementsOf(strategy, given)) {
      const input = inputFor(requirement, { project: createSlowProject(() => {}), signal: AbortSignal.abort() })
      await ends(gather(strategy, input), 'gathering ends when its signal was aborted before')
    }
  })

  check('a signal that aborts meanwhile ends gathering within a second', async ({ instance: strategy }) => {
    for (const requirement of requirementsOf(strategy, given)) {
      const controller = new AbortController()
      const input = inputFor(requirement, { project: createSlowProject(() => controller.abort()), signal: controller.signal })
      const aborted = new Promise<void>((resolve) => controller.signal.addEventListener('abort', () => resolve()))
      const gathering = gather(strategy, input)
      // Who never calls the project is not aborted, and is done at once.
      await Promise.race([aborted, gathering.then(() => {}, () => {})])
      await ends(gathering, 'gathering ends when its signal aborts')
    }
  })
}

/** A factory may also throw before it returns a promise. */
async function gather (strategy: { gather (input: GatherInput): Promise<unknown> }, input: GatherInput): Promise<unknown> {
  return strategy.gather(input)
}
