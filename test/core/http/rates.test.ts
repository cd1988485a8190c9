import t from 'tap'
import { startDocumented } from './documented.js'
import { RIGHTS, TYPES } from './rights.js'

t.test('agents are held to the rate of their group', async (t) => {
  const { ask, agent } = await startDocumented(t, { settings: { 'rate-limit-enabled': 'true' } })
  for (const [group, type] of Object.entries(TYPES)) {
    const { perMinute, burst } = RIGHTS[group as keyof typeof TYPES]
    const { token } = await agent(type)
    if (perMinute === null) {
      for (let call = 0; call < 30; call++) {
        const { status, headers } = await ask('GET', '/api/plugins', { token })
        t.equal(status, 200)
        t.equal(headers['x-ratelimit-limit'], undefined, `${group} has no limit`)
      }
      continue
    }
    const answers = []
    for (let call = 0; call <= burst; call++) answers.push(await ask('GET', '/api/plugins', { token }))
    t.strictSame(answers.map(({ status }) => status), [...Array<number>(burst).fill(200), 429], `${group} may make ${burst} at once`)
    t.strictSame(answers.slice(0, burst).map(({ headers }) => Number(headers['x-ratelimit-remaining'])), Array.from({ length: burst }, (_, call) => burst - 1 - call))
    for (const { headers } of answers) {
      t.equal(Number(headers['x-ratelimit-limit']), perMinute)
      t.match(String(headers['x-ratelimit-reset']), /^\d+$/)
    }
    const { headers, body } = answers.at(-1)!
    t.match(body, { code: 'RATE_001', limit: perMinute, retry_after_seconds: Number, details: { limit: perMinute, retry_after_seconds: Number } })
    t.equal(Number(headers['retry-after']), body.retry_after_seconds)
    t.ok(body.retry_after_seconds >= 1 && body.retry_after_seconds <= 60 / perMinute)
    t.equal(Number(headers['x-ratelimit-remaining']), 0)
    const colleague = await agent(type)
    t.equal((await ask('GET', '/api/plugins', { token: colleague.token })).status, 200, 'each agent has its own')
  }
  t.equal((await ask('GET', '/api/plugins')).status, 200, 'the operator has no limit')
})

t.test('all agents of a project share a limit', async (t) => {
  const { ask, agent } = await startDocumented(t, { settings: { 'rate-limit-enabled': 'true', 'rate-limit-project-per-minute': '3' } })
  const answers = []
  for (const type of [TYPES.architect, TYPES.coding, TYPES.support, TYPES.documentation]) {
    const { token } = await agent(type)
    answers.push(await ask('GET', '/api/plugins', { token }))
  }
  t.strictSame(answers.map(({ status }) => status), [200, 200, 200, 429])
  t.match(answers.at(-1)!.body, { code: 'RATE_001', limit: 3, retry_after_seconds: Number })
})
