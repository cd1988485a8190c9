import t from 'tap'
import { linesAfter } from '../../cli/follow-log.js'
import { sidecarFor } from './bound-program.js'

t.test('a log goes on where it was left', async (t) => {
  t.same(linesAfter(['a', 'b'], ['a', 'b', 'c']), ['c'])
  t.same(linesAfter(['a', 'a'], ['a', 'a', 'a']), ['a'], 'the same line again is a line')
  t.same(linesAfter(['a', 'b', 'c'], ['c', 'd']), ['d'], 'the log was rotated')
  t.equal(linesAfter(['a', 'b'], ['x', 'y']), undefined, 'nobody knows what was in between')
})

t.test('an agent is followed to its end', async (t) => {
  const cco = await sidecarFor(t)
  const { agent_id: id } = (await cco('agent', 'spawn', 'test-engineer', '--issue', 'i-1', '--task', 'well done', '--timeout', '60', '--correlation-id', 'talk', '--round', '2', '--format', 'json')).json<{ agent_id: string }>()
  const watched = await cco('agent', 'status', id, '--watch', '--format', 'json')
  t.equal(watched.code, 0)
  t.match(JSON.parse(watched.stdout.split('\n').at(-1)!), { state: 'completed', correlation_id: 'talk', round: 2, timeout_seconds: 60 })
  const log = await cco('agent', 'logs', id, '--follow')
  t.match(log, { code: 0, stdout: 'well done\ufffd[2J' })
  t.match((await cco('agent', 'list')).stdout, /AGE +RAN +LAST SIGN +TOKENS +COST[^\n]*\n[^\n]* – +– /)
  const again = await cco('agent', 'retry', id)
  t.match(again, { code: 0, stdout: /test-engineer-\w+ (runs|is queued)/ })
  const failed = (await cco('agent', 'spawn', 'test-engineer', '--issue', 'i-1', '--task', 'x', '--env', 'MODE=fail', '--format', 'json')).json<{ agent_id: string }>()
  t.match(await cco('agent', 'status', failed.agent_id, '--watch'), { code: 1, stdout: /failed/ })
})

t.test('a flow is followed until nothing of it runs', async (t) => {
  const cco = await sidecarFor(t)
  const flow = await cco('up', 'i-2', '--task', 'design it', '--correlation-id', 'flow-1')
  t.match(flow, { code: 0, stderr: /No triggers are configured/ })
  t.match(flow.stdout, /agent_started[^]*agent_ended[^]*\nAGENT[^]*chief-architect-\w+ +chief-architect +i-2 +completed/)
})
