import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { castFor, FLOW_EVENTS, specialistFor } from '../../cli/demo/cast.js'
import { momentLine, Timeline, type Moment } from '../../cli/demo/timeline.js'
import { problemsOf, type Outcome } from '../../cli/demo/verdict.js'
import type { Report } from '../../cli/demo/report.js'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import { runToEnd, start } from './run-program.js'
import { stubTerminal } from './stub-terminal.js'

const GIT = { GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'ada@example.test', GIT_COMMITTER_NAME: 'Ada', GIT_COMMITTER_EMAIL: 'ada@example.test', GIT_CONFIG_GLOBAL: '/dev/null' }

function repository (t: Test): { home: string, root: string } {
  const home = t.testdir({
    tmp: {},
    shop: {
      'README.md': '# Shop\n\nSee [the guide](docs/guide.md) and [nothing](docs/missing.md).\n',
      docs: { 'guide.md': '# Guide\n\nThe cart is in `shop/cart.py`.\n' },
      shop: { '__init__.py': '', 'cart.py': 'from shop.price import total\n\n\ndef add(cart, item):\n    cart.append(item)\n    return total(cart)\n', 'price.py': 'def total(cart):\n    return eval("sum(cart)")\n' },
      tests: { 'test_cart.py': 'from shop.cart import add\n\n\ndef test_add():\n    assert add([], 1) == 1\n' },
      'pyproject.toml': '[project]\nname = "shop"\ndependencies = ["requests"]\n'
    }
  })
  const root = join(home, 'shop')
  for (const args of [['init', '--quiet'], ['add', '.'], ['commit', '--quiet', '--message', 'First']]) {
    execFileSync('git', args, { cwd: root, env: { PATH: process.env.PATH, ...GIT } })
  }
  writeFileSync(join(root, 'shop', 'new.py'), 'X = 1\n')
  return { home, root }
}

/** Every path with its content, `.git` included. */
function fingerprint (folder: string): Record<string, string> {
  return Object.fromEntries(readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort().map((path) => {
    const file = join(folder, path)
    const facts = lstatSync(file)
    return [path, facts.isFile() ? createHash('sha256').update(readFileSync(file)).digest('hex') : 'folder']
  }))
}

t.test('five agents complete the flow on a repository, which is left untouched, and nothing is left behind', async (t) => {
  const { home, root } = repository(t)
  const before = fingerprint(root)
  const { code, stdout, stderr } = await runToEnd(['demo', '--project', root, '--format', 'json'], { cwd: home, home, env: { TMPDIR: join(home, 'tmp') } })
  t.equal(code, 0, stderr)
  const report = JSON.parse(stdout) as Report
  t.equal(report.passed, true)
  t.same(report.problems, [])
  t.same(report.agents.map(({ agent_type: type, state }) => [type, state]), castFor('python').map(({ agentType }) => [agentType, 'completed']))
  t.same(report.results.map(({ status }) => status), Array.from({ length: 5 }, () => 'success'))
  for (const { decisions, agent_type: type } of report.results) t.ok(decisions.length > 0, `${type} decided something`)
  for (const type of FLOW_EVENTS) t.equal(report.events.filter((event) => event.event_type === type).length, 1, type)
  t.equal(report.events.filter((event) => event.event_type === 'agent_completed').length, 5)
  const order = ['architecture_defined', 'implementation_complete', 'testing_complete', 'audit_complete']
  t.same(report.timeline.map(({ event_type: type }) => type).filter((type) => order.includes(type ?? '')), order)
  t.same(fingerprint(root), before)
  t.same(readdirSync(join(home, 'tmp')), [], 'the storage folder is removed')
  t.notOk(existsSync(join(home, '.cco')), 'nothing is written to the home of the user')
})

t.test('for people there is a timeline, the results and a total; what is kept is named', async (t) => {
  const { home, root } = repository(t)
  mkdirSync(join(root, '.cco'))
  writeFileSync(join(root, '.cco', 'config.json'), '{"plugins": ["./evil.js"], "sidecar": {"spawn": {"command": "false"}}}')
  const { code, stdout, stderr } = await runToEnd(['demo', '--keep'], { cwd: join(root, 'docs'), home, env: { TMPDIR: join(home, 'tmp') } })
  t.equal(code, 0, stderr)
  t.match(stdout, /\n +\d+\.\d\d s {2}chief-architect +published architecture_defined\n/)
  t.match(stdout, /\npython-specialist {2}success\n {2}- /)
  t.match(stdout, /\n✓ 5 of 5 agents completed, 5 results and \d+ events stored, in /)
  const kept = /\nKept in (\S+)\n$/.exec(stdout)?.[1] ?? ''
  t.ok(existsSync(join(kept, 'results', 'shop', 'demo-1', 'chief-architect.json')))
  rmSync(kept, { recursive: true })
})

t.test('a demo that takes too long fails, and stops its agents', async (t) => {
  const { home, root } = repository(t)
  const { code, stdout } = await runToEnd(['demo', '--project', root, '--timeout', '1'], { cwd: home, home, env: { TMPDIR: join(home, 'tmp') } })
  t.equal(code, 1)
  t.match(stdout, /\n✗ .*\n {2}The demo was ended after 1 s \(--timeout\)\.\n/)
  t.same(readdirSync(join(home, 'tmp')), [])
})

t.test('Ctrl-C stops the agents and the sidecar and leaves nothing behind', async (t) => {
  const { home, root } = repository(t)
  const running = start(['demo', '--project', root], { cwd: home, home, env: { TMPDIR: join(home, 'tmp') } })
  await running.printed(/started/)
  running.child.kill('SIGINT')
  const { code, stderr } = await running.ended
  t.equal(code, 1)
  t.equal(stderr, 'error: Interrupted; the agents and the sidecar were stopped.\n')
  t.same(readdirSync(join(home, 'tmp')), [])
})

t.test('the specialist follows the main language, and every agent of the cast is in the roster', async (t) => {
  t.same(['python', 'go', 'rust', 'swift', 'dart', 'typescript', 'javascript'].map(specialistFor),
    ['python-specialist', 'go-specialist', 'rust-specialist', 'swift-specialist', 'flutter-specialist', 'typescript-pro', 'javascript-pro'])
  t.same([null, undefined, 'cobol', 'constructor'].map(specialistFor), Array.from({ length: 4 }, () => 'fullstack-developer'))
  for (const language of ['python', 'go', 'rust', 'swift', 'dart', 'typescript', 'javascript', 'vue', 'svelte', 'shell', 'sql', null]) {
    for (const { agentType } of castFor(language)) t.ok(existsSync(join(PACKAGE_ROOT, 'agents', `${agentType}.json`)), agentType)
  }
})

t.test('the verdict names everything that is missing', async (t) => {
  const cast = ['a', 'b']
  const event = (type: string, agentType = 'a'): Outcome['events'][number] => ({ event_id: 'e', event_type: type, publisher: 'p', publisher_type: agentType, topic: 't', data: { agent_type: agentType }, timestamp: '2026-11-20T00:00:00.000Z' })
  const agent = (type: string, state = 'completed'): Outcome['agents'][number] => ({ agent_id: type, agent_type: type, issue_id: 'demo-1', state })
  const result = (type: string, status = 'success'): Outcome['results'][number] => ({ id: 'r', agent_id: type, agent_type: type, status, result: { status } })
  const whole: Outcome = {
    cast,
    agents: cast.map((type) => agent(type)),
    results: [result('a'), result('b', 'partial')],
    events: [...FLOW_EVENTS.map((type) => event(type)), ...cast.map((type) => event('agent_completed', type))]
  }
  t.same(problemsOf(whole), [])
  t.same(problemsOf({ ...whole, agents: [agent('a'), { ...agent('b', 'failed'), reason: 'exit code 3' }] }), ['b is failed: exit code 3.'])
  t.same(problemsOf({ ...whole, agents: [agent('a')] }), ['b was not started.'])
  t.same(problemsOf({ ...whole, results: [result('a')] }), ['b stored no result.'])
  t.same(problemsOf({ ...whole, results: [result('a'), result('b', 'failed')] }), ['b stored no result with status success or partial.'])
  for (const type of FLOW_EVENTS) t.same(problemsOf({ ...whole, events: whole.events.filter((each) => each.event_type !== type) }), [`The event ${type} is not in the history.`])
  t.same(problemsOf({ ...whole, events: whole.events.slice(0, -1) }), ['The event agent_completed of b is not in the history.'])
})

t.test('the timeline tells each thing once, and nothing late', async (t) => {
  const told: Moment[] = []
  const timeline = new Timeline(Date.parse('2026-11-20T00:00:00.000Z'), (moment) => told.push(moment))
  const agent = { agent_id: 'a-1', agent_type: 'a', issue_id: 'demo-1', state: 'running' }
  const event = (type: string, data: object): void => timeline.addEvent({ event_id: 'e', event_type: type, publisher: 'a-1', publisher_type: 'a', topic: 't', data: { agent_id: 'a-1', agent_type: 'a', ...data }, timestamp: '2026-11-20T00:00:01.250Z' })
  event('agent_started', {})
  for (const message of ['reading', 'reading', 'writing', null]) timeline.addWords({ ...agent, message })
  event('agent_completed', { status: 'success' })
  timeline.addWords({ ...agent, message: 'said before, seen after' })
  event('agent_ended', { state: 'completed', reason: null })
  t.same(told.map(({ what }) => what), ['started', 'reading', 'writing', 'stored its result: success', 'ended: completed'])
  t.equal(momentLine(told[0]!, 10, stubTerminal().colors), '   1.25 s  a           started')
})
