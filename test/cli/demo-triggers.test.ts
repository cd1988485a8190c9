import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { castFor, FLOW_EVENTS, ISSUE_ID } from '../../cli/demo/cast.js'
import { problemsOf, type Outcome, type StoredResult } from '../../cli/demo/verdict.js'
import { decisionsOf, metricsOf } from '../../cli/result-facts.js'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import { eventually } from '../../core/testing/expectations.js'
import { createRepository } from '../support/repository.js'
import { startSidecar, type TestSidecar } from '../support/sidecar.js'
import { quickFolder, temporaryFolder } from '../support/temporary.js'

const ENDS_MS = 60_000
const FILES = {
  'README.md': '# Shop\n\nSee [the guide](docs/guide.md) and [nothing](docs/missing.md).\n',
  'docs/guide.md': '# Guide\n\nThe cart is in `shop/cart.py`.\n',
  'shop/__init__.py': '',
  'shop/cart.py': 'from shop.price import total\n\n\ndef add(cart, item):\n    cart.append(item)\n    return total(cart)\n',
  'shop/price.py': 'def total(cart):\n    return eval("sum(cart)")\n',
  'tests/test_cart.py': 'from shop.cart import add\n\n\ndef test_add():\n    assert add([], 1) == 1\n',
  'pyproject.toml': '[project]\nname = "shop"\ndependencies = ["requests"]\n'
}
const [, CODER, WRITER, TESTER, AUDITOR] = castFor('python').map(({ agentType, task }) => ({ agent_type: agentType, task }))

/** The order that the demo's agents keep by waiting for each other, as rules: nobody is started before there is something to do. */
const RULES = {
  triggers: [
    { name: 'architecture', on: { type: 'architecture_defined', topic: 'architecture' }, spawn: [CODER, WRITER] },
    { name: 'implementation', on: { type: 'implementation_complete', topic: 'implementation' }, spawn: [TESTER] },
    {
      name: 'audit',
      on: { type: 'agent_completed', filter: `agent_type:${TESTER!.agent_type}|${WRITER!.agent_type}` },
      when: { completed: [TESTER!.agent_type, WRITER!.agent_type] },
      spawn: [AUDITOR]
    }
  ]
}

async function flow (t: Parameters<typeof startSidecar>[0], byHand: boolean): Promise<Outcome> {
  const root = join(await temporaryFolder(t, 'cco-project'), 'shop')
  await mkdir(root)
  await createRepository(root, FILES)
  await mkdir(join(root, '.cco'))
  // In both repositories, so that the agents see the same.
  await writeFile(join(root, '.cco', 'triggers.json'), JSON.stringify(RULES))
  const command = `"${process.execPath}" "${join(PACKAGE_ROOT, 'examples', 'agents', 'run.mjs')}"`
  const sidecar = await startSidecar(t, { root, storage: await quickFolder(t), trusted: !byHand, settings: { 'spawn-command': command, 'rate-limit-enabled': 'false' } })
  await sidecar.sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const { ask } = sidecar
  await ask('PUT', `/api/issues/${ISSUE_ID}`, { body: { title: 'Find out how healthy this repository is' } })
  for (const role of byHand ? castFor('python') : castFor('python').slice(0, 1)) {
    await ask('POST', '/api/agents/spawn', { body: { agent_type: role.agentType, issue_id: ISSUE_ID, task: role.task } })
  }
  await eventually(async () => (await outcomeOf(sidecar)).agents.filter(({ state }) => state === 'completed').length >= 5, 'five agents complete', ENDS_MS)
  const outcome = await outcomeOf(sidecar)
  await sidecar.close()
  return outcome
}

async function outcomeOf ({ ask }: TestSidecar): Promise<Outcome> {
  const { agents } = (await ask('GET', '/api/agents')).body as Pick<Outcome, 'agents'>
  const { results } = (await ask('GET', `/api/results?issue_id=${ISSUE_ID}`)).body as { results: { id: string }[] }
  const { events } = (await ask('GET', '/api/events?since=earliest&limit=1000')).body as Pick<Outcome, 'events'>
  return { cast: castFor('python').map(({ agentType }) => agentType), agents, results: await Promise.all(results.map(async ({ id }) => (await ask('GET', `/api/results/${id}`)).body as StoredResult)), events }
}

/** What must not depend on who starts the agents; times and ids do. */
function essence ({ agents, results, events }: Outcome): object {
  const byType = <Entry extends { agent_type: string }>(entries: readonly Entry[]): Entry[] => [...entries].sort((a, b) => a.agent_type.localeCompare(b.agent_type))
  return {
    agents: byType(agents).map((agent) => [agent.agent_type, agent.issue_id, agent.state]),
    results: byType(results).map(({ agent_type: type, status, result }) => ({
      type, status, decisions: decisionsOf(result), metrics: metricsOf(result).filter(([name]) => name !== 'duration ms'), warnings: result.warnings, next: result.next_steps
    })),
    flow: events.filter(({ event_type: type }) => FLOW_EVENTS.includes(type)).map((event) => [event.event_type, event.publisher_type, event.topic]),
    completed: events.filter(({ event_type: type }) => type === 'agent_completed').map(({ data }) => data.agent_type).sort()
  }
}

t.test('the demo\'s flow driven by triggers alone gives the same as when it is driven by hand', async (t) => {
  const byHand = await flow(t, true)
  const byTriggers = await flow(t, false)
  t.strictSame(problemsOf(byHand), [])
  t.strictSame(problemsOf(byTriggers), [])
  t.equal(byTriggers.agents.length, 5)
  t.strictSame(essence(byTriggers), essence(byHand))
  t.strictSame(byTriggers.events.filter(({ event_type: type }) => type.startsWith('trigger_')), [])
  const order = byTriggers.events.filter(({ event_type: type }) => type === 'agent_completed' || type === 'agent_started').map(({ event_type: type, data }) => `${type} ${String(data.agent_type)}`)
  t.ok(order.indexOf(`agent_started ${AUDITOR!.agent_type}`) > order.indexOf(`agent_completed ${TESTER!.agent_type}`), 'nobody is started before what it waits for')
})
