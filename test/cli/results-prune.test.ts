import t from 'tap'
import { sidecarFor } from './bound-program.js'

t.test('old results are counted and removed', async (t) => {
  const cco = await sidecarFor(t)
  t.equal((await cco('agent', 'spawn', 'test-engineer', '--issue', 'issue-1', '--task', 'x', '--wait')).code, 0)
  t.match(await cco('results', 'prune', '--before', '1h'), { code: 0, stdout: /^0 results of before .* are removed\.$/ }, 'what is younger stays')
  const dry = await cco('results', 'prune', '--before', '2200-01-01', '--dry-run')
  t.match(dry, { code: 0, stdout: /^1 result of before 2200-01-01 00:00:00, .* would go\.$/ }, dry.stderr)
  t.notMatch((await cco('results', 'list')).stdout, 'No results')
  const { removed, dry_run: dryRun } = (await cco('results', 'prune', '--before', '2200-01-01', '--format', 'json')).json<{ removed: number, dry_run: boolean }>()
  t.strictSame([removed, dryRun], [1, false])
  t.equal((await cco('results', 'list')).stdout, 'No results.')
  for (const wrong of ['30', 'yesterday', '-3d', '2026-99-99']) t.match(await cco('results', 'prune', '--before', wrong), { code: 2, stderr: /an age like/ }, wrong)
})
