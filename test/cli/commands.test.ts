import t from 'tap'
import { sidecarFor, type Outcome } from './bound-program.js'

t.test('commands against a running sidecar', async (t) => {
  const cco = await sidecarFor(t)
  const ok = async (...args: string[]): Promise<Outcome> => {
    const outcome = await cco(...args)
    t.equal(outcome.code, 0, `cco ${args.join(' ')}: ${outcome.stderr}`)
    return outcome
  }

  t.test('health and status', async (t) => {
    t.match((await ok('health')).stdout, /^healthy {2}http:\/\/127\.0\.0\.1:\d+ {2}version \d/)
    t.equal((await ok('health', '--format', 'json')).json<{ status: string }>().status, 'healthy')
    t.match((await ok('status')).stdout, /^agents +0 active, 0 completed/)
    t.same((await ok('status', '--format', 'json')).json<{ agents: { active: number } }>().agents.active, 0)
  })

  t.test('token: only the token is printed', async (t) => {
    const { stdout, stderr } = await ok('token', 'test-engineer', '--agent-id', 'me', '--ttl', '60')
    t.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+$/)
    t.match(stderr, /^me of project until .* UTC: read_context, write_results, publish_events$/)
    t.match(await cco('token', 'tset-engineer'), { code: 1, stderr: /Did you mean 'test-engineer'\? \[AGT_002\]$/ })
    t.match(await cco('results', 'list', '--token', 'garbage'), { code: 1, stderr: /\[AUTH_001\]$/ })
  })

  t.test('profiles', async (t) => {
    const list = await ok('profiles', 'list', '--group', 'architect')
    t.match(list.stdout, /chief-architect +architect/)
    t.notMatch(list.stdout, 'python-specialist')
    t.match((await ok('profiles', 'show', 'python-specialist')).stdout, /NEEDS +WEIGHT +SERVED BY\nsource-files +\d.* source-files/)
    t.equal((await ok('profiles', 'show', 'python-specialist', '--format', 'json')).json<{ id: string }>().id, 'python-specialist')
  })

  t.test('context', async (t) => {
    const { stdout } = await ok('context', 'get', 'issue-1', 'python-specialist', '--task', 'add numbers', '--explain')
    t.match(stdout, /\nFILE +SIZE +GIVEN +TRUNCATION\n/)
    t.match(stdout, /\na\.py +\d+ B +\d+ B +none\n/)
    t.match(stdout, /\nIN +SCORE +CLASS +PATH +WHY\nyes /)
    const whole = (await ok('context', 'get', 'issue-1', 'python-specialist', '--max-tokens', '1000', '--format', 'json')).json<{ context: { relevant_files: { path: string }[] } }>()
    t.ok(whole.context.relevant_files.some(({ path }) => path === 'a.py'))
    t.match((await ok('context', 'clear', 'issue-1')).stdout, /^\d (?:entry|entries) removed, .* freed\.$/)
    t.equal((await ok('context', 'clear', 'issue-1')).stdout, 'Nothing was cached.')
    t.match(await cco('context', 'get', '../x', 'python-specialist'), { code: 1, stderr: /\[VAL_001\]$/ })
  })

  t.test('events', async (t) => {
    t.match((await ok('events', 'publish', 'build_ready', '--topic', 'deployment', '--data', '{"n": 1}', '--correlation-id', 'c-1')).stdout, /^evt_\w{26} published under deployment; nobody was waiting\.$/)
    t.match((await ok('events', 'list', '--type', 'build_ready', '--filter', 'n:1')).stdout, /build_ready {2}deployment {2}operator {2}n=1$/)
    t.equal((await ok('events', 'list', '--topic', 'security')).stdout, 'No events.')
    t.equal((await ok('events', 'subscribe', 'build_ready', '--format', 'json')).json<{ correlation_id: string }>().correlation_id, 'c-1')
    t.match(await cco('events', 'subscribe', 'build_ready', '--timeout', '0'), { code: 1, stdout: '', stderr: /No such event within 0 ms/ })
    t.match((await ok('events', 'subscribe', 'build_ready', '--since', 'earliest')).stdout, /n=1$/)
    t.match(await cco('events', 'list', '--filter', 'nonsense'), { code: 1, stderr: /\[VAL_001\]$/ })
  })

  t.test('agents and their results', async (t) => {
    const done = await ok('agent', 'spawn', 'test-engineer', '--issue', 'issue-2', '--task', 'say hello', '--wait')
    t.match(done.stdout, /state +completed\n/)
    const failed = await cco('agent', 'spawn', 'test-engineer', '--issue', 'issue-2', '--task', 'x', '--env', 'MODE=fail', '--wait', '--format', 'json')
    t.equal(failed.code, 1)
    t.equal(failed.json<{ state: string }>().state, 'failed')
    t.equal(failed.stderr, '')

    const waiting = (await ok('agent', 'spawn', 'debugger', '--issue', 'issue-3', '--task', 'wait', '--env', 'MODE=wait', '--priority', 'high', '--format', 'json')).json<{ agent_id: string }>().agent_id
    t.match((await ok('agent', 'list', '--issue', 'issue-3')).stdout, new RegExp(`\\n${waiting} +debugger +issue-3 +(starting|running) `))
    t.match((await ok('agent', 'status', waiting)).stdout, /task +wait\nstate +(starting|running)\n/)
    t.equal((await ok('agent', 'kill', waiting, '--force')).stdout, `${waiting} is stopped.`)
    t.equal((await ok('agent', 'kill', waiting)).stdout, `${waiting} is stopped.`, 'twice is no fault')
    t.equal((await ok('agent', 'list', '--issue', 'issue-9')).stdout, 'No agents.')
    t.match(await cco('agent', 'logs', 'nobody'), { code: 1, stderr: /There is no agent 'nobody'\. \[NOT_001\]$/ })

    const results = (await ok('results', 'list', '--issue', 'issue-2', '--format', 'json')).json<{ results: { id: string, status: string, agent_id: string }[] }>().results
    t.same(results.map(({ status }) => status), ['failed', 'success'])
    t.equal((await ok('agent', 'kill', results[1]!.agent_id)).stdout, `${results[1]!.agent_id} had ended already: completed.`)
    t.equal((await ok('agent', 'logs', results[1]!.agent_id, '--tail', '5')).stdout, 'say hello\ufffd[2J')
    t.match((await ok('results', 'list', '--agent-type', 'test-engineer', '--status', 'failed')).stdout, new RegExp(`\\n${results[0]!.id} .*issue-2 +test-engineer +failed`))
    t.match((await ok('results', 'get', results[0]!.id)).stdout, /\nerrors\n {2}- The agent stored no result: exit code 3\.\n/)
    t.equal((await ok('results', 'list', '--issue', 'issue-9')).stdout, 'No results.')
    t.match(await cco('agent', 'spawn', 'debugger', '--issue', 'i', '--task', 't', '--env', 'PATH=/x'), { code: 1, stderr: /'PATH' cannot be set/ })
  })

  t.test('plugins', async (t) => {
    t.match((await ok('plugin', 'list')).stdout, /\nresult-store +files +built-in /)
  })
})
