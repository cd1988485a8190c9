import fc from 'fast-check'
import t from 'tap'
import { parseFilter } from '../../core/events/filter.js'
import type { SidecarEvent } from '../../core/contracts/index.js'
import { openArena, type Attack } from './arena.js'
import { wellFormed } from './fuzz/arbitrary.js'
import { operationsOf } from './fuzz/requests.js'

const REFUSED = [400, 'VAL_001'] as const
const arena = await openArena(t)

t.test('FAULT 20: bodies that reach for a prototype, nest without end or say a thing twice', async (t) => {
  const { attack, send, operator: token, agent } = arena
  const publish = { method: 'POST', path: '/api/events/note', token }
  const event = (data: string): string => `{"topic":"coordination","data":${data}}`
  const refused = (name: string, body: string, more: Partial<Attack> = {}): Attack => ({ ...publish, name, body, expect: REFUSED, ...more })
  const { agent_id: id } = await agent('ai-engineer')
  const deep = (depth: number, open: string, close: string): string => event(`${open.repeat(depth)}1${close.repeat(depth)}`)
  await attack(t, [
    refused('__proto__ at the top', '{"topic":"coordination","__proto__":{"admin":true}}'),
    refused('__proto__ in data', event('{"__proto__":{"admin":true}}')),
    refused('__proto__ deep in data', event('{"a":[{"b":{"__proto__":{"admin":true}}}]}')),
    refused('__proto__ in escapes', event('{"\\u005f\\u005fproto\\u005f\\u005f":{"admin":true}}')),
    refused('__proto__ in half escapes', event('{"__prot\\u006f__":{"admin":true}}')),
    refused('constructor.prototype', event('{"constructor":{"prototype":{"admin":true}}}')),
    refused('constructor.prototype in escapes', event('{"\\u0063onstructor":{"prototype":{"admin":true}}}')),
    refused('__proto__ of an array', event('[{"__proto__":[]}]')),
    refused('a body that is a prototype', '{"__proto__":null}'),
    refused('65 arrays', deep(65, '[', ']')),
    refused('65 objects', deep(65, '{"a":', '}')),
    refused('500,000 arrays', deep(500_000, '[', ']')),
    refused('500,000 objects', deep(500_000, '{"a":', '}')),
    refused('500,000 arrays that are never closed', event('['.repeat(500_000))),
    refused('a topic twice', '{"topic":"coordination","topic":"security"}'),
    refused('a topic twice, once in escapes', '{"topic":"coordination","t\\u006fpic":"security"}'),
    refused('a publisher twice', `{"topic":"coordination","publisher":"operator","publisher":"${id}"}`),
    refused('a member of data twice', event('{"a":1,"b":[{"c":1,"c":2}]}')),
    refused('a project twice', '{"agent_type":"ai-engineer","project_id":"sample","project_id":"neighbour"}', { path: '/api/tokens' }),
    refused('a million members', event(`{${Array.from({ length: 200_000 }, (_, index) => `"k${index}":0`).join(',')}}`)),
    refused('an array of 200,000', event(`[${'0,'.repeat(200_000)}0]`)),
    refused('no JSON', '{"topic":'), refused('two values', '{"topic":"a"}{"topic":"b"}'), refused('a comment', '{"topic":"a"/**/}'), refused('a comma too many', '{"topic":"a",}'),
    refused('single quotes', '{\'topic\':\'a\'}'), refused('NaN', event('{"a":NaN}')), refused('a line feed in a text', event('{"a":"\n"}')), refused('a NUL', '\0{"topic":"a"}'),
    ...Object.entries({ 'a list': '[{"topic":"a"}]', 'a text': '"topic"', null: 'null', nothing: '' }).map(([name, body]) => refused(name, body, { expect: [400, 'EVT_002'] }))
  ])
  t.equal(({} as { admin?: boolean }).admin, undefined, 'no prototype was changed')
  t.equal((await send({ ...publish, body: event('{"constructor":"a word","prototype":1,"a":{"c":1},"b":{"c":1}}') })).status, 202, 'words that are only words are taken')
})

t.test('FAULT 21: no filter takes long, whatever the event of 1 kB', async (t) => {
  const { attack, operator: token } = arena
  const event = (data: SidecarEvent['data']): SidecarEvent => ({
    event_id: 'evt_1', event_type: 'note', publisher: 'a', publisher_type: 'b', topic: 'c', data, timestamp: '2026-01-01T00:00:00.000Z', ttl_seconds: 60
  })
  const events = [
    event({ f: Array.from({ length: 500 }, () => 1) }), event({ f: Array.from({ length: 250 }, () => 'a') }), event({ f: 'a'.repeat(1000) }),
    event(Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`f${index}`, 'a'.repeat(8)])))
  ]
  const clauses = (count: number, alternatives: string[]): string => Array.from({ length: count }, () => `!f:${alternatives.join('|')}`).join(',')
  const many = (make: (index: number) => string): string => clauses(4, Array.from({ length: 16 }, (_, index) => make(index)))
  const written = [
    many((index) => `${index + 2}`), many((index) => `${index + 2}*`), many((index) => `>${index + 2}`), many((index) => `b${index}*`), clauses(16, ['b', 'c', 'd', 'e']),
    `f:${'a'.repeat(900)}b*`, `f:${'a*'.repeat(400)}b`, `${'f.'.repeat(7)}f:a`
  ]
  const pieces = fc.constantFrom('f', 'a', 'aaaa', '*', '**', ':', '|', ',', '!', '.', '>', '<=', '9', '(a+)+$', '[^]', '\\', ' ', '{1,9999}', '?', '.*')
  const random = fc.sample(fc.array(pieces, { maxLength: 200 }).map((parts) => parts.join('')), { numRuns: 300, seed: 21 })
  const run = (filter: string, subject: SidecarEvent): void => {
    try {
      parseFilter(filter).matches(subject)
    } catch {
      // Refused, which is an answer, too, and must not take long either.
    }
  }
  /** The best of several: a run may have been interrupted, but none is quicker than it is. */
  const best = (work: () => void, rounds: number): number => Math.min(...Array.from({ length: rounds }, () => {
    const began = performance.now()
    work()
    return performance.now() - began
  }))
  for (const subject of events) {
    const baseline = best(() => { for (let round = 0; round < 10; round++) JSON.parse(JSON.stringify(subject)) }, 30) / 10
    for (const filter of [...written, ...random]) {
      let ratio = best(() => run(filter, subject), 5) / baseline
      // Whatever was slow once is looked at longer.
      if (ratio >= 60) ratio = best(() => run(filter, subject), 200) / baseline
      if (ratio >= 60) t.fail(`${ratio.toFixed(0)} times as long as reading the event: ${filter}`)
    }
  }
  t.pass(`${events.length * (written.length + random.length)} pairs`)
  const asked = (name: string, filter: string, expect: Attack['expect'], path = '/api/events'): Attack => ({ name, path: `${path}?timeout=0&filter=${encodeURIComponent(filter)}`.replace('events?timeout=0&', 'events?'), token, expect })
  await attack(t, [
    asked('stars', `f:${'*a'.repeat(500)}`, 200), asked('a nested quantifier', 'f:(a+)+$', 200), asked('a catastrophic expression', `f:(.*a){20}${'a'.repeat(200)}`, 200),
    asked('more clauses than are allowed', Array.from({ length: 17 }, () => 'a:b').join(','), REFUSED), asked('more alternatives than are allowed', clauses(5, Array.from({ length: 16 }, (_, index) => `${index}`)), REFUSED),
    asked('too deep', `${'a.'.repeat(9)}a:b`, REFUSED), asked('too long', `a:${'b'.repeat(1100)}`, REFUSED), asked('far too long', `a:${'b'.repeat(3000)}`, REFUSED),
    asked('a prototype', '__proto__.admin:true', 200), asked('an expression', 'data:constructor(\'return 1\')', 200), asked('only white space', ' ', REFUSED), asked('only signs', '!!:|*', REFUSED),
    asked('in a wait', `f:${'*a'.repeat(500)}`, 200, '/api/events/wait'), asked('in a wait, too many', 'a:|||', REFUSED, '/api/events/wait'),
    { name: 'in a stream', path: `/api/events/stream?filter=${encodeURIComponent('a:|')}`, token, expect: REFUSED },
    { name: 'in a webhook', method: 'POST', path: '/api/webhooks', token, body: { url: 'https://192.0.2.1/', filter: `${'a:b,'.repeat(20)}a:b` }, expect: REFUSED },
    { name: 'in a group', method: 'PUT', path: '/api/events/groups/g', token, body: { filter: 'a:>x' }, expect: REFUSED },
    ...['(a+)+$', '*'.repeat(60), 'a'.repeat(3000), '[[[', '../*'].map((text): Attack => ({ name: `a type that is a pattern: ${text.slice(0, 20)}`, path: `/api/events?type=${encodeURIComponent(text)}`, token, expect: REFUSED }))
  ])
})

t.test('mass assignment: a member that a body does not have is refused by name, on every route', async (t) => {
  const { attack, send, ask, operator, agent } = arena
  const operations = operationsOf((await ask('GET', '/openapi.json', { token: '' })).body)
  const { token } = await agent('chief-architect')
  const smuggled = ['permissions', 'admin', 'is_admin', 'role', 'trusted', 'iss', 'exp', 'owner', 'created_by', 'stored_at', 'storage_path', 'internal']
  let tried = 0
  for (const { method, path, bodies } of operations) {
    const schema = bodies['application/json']
    if (schema === undefined) continue
    const members = new Set([schema, ...schema.anyOf ?? []].flatMap(({ properties = {} }) => Object.keys(properties)))
    for (const member of smuggled.filter((name) => !members.has(name))) {
      const answer = await send({ method, path: path.replace(/\{\w+\}/g, 'ai-engineer'), token: operator, body: { ...wellFormed(schema), [member]: true } })
      if (answer.status !== 400 || !JSON.stringify(answer.body.details).includes(`"${member}"`)) t.fail(`${method} ${path} took or did not name '${member}': ${answer.text}`)
      tried++
    }
  }
  t.ok(tried > 150, `${tried} members`)
  const spawn = { agent_type: 'ai-engineer', issue_id: 'i', task: 't' }
  await attack(t, [
    { name: 'rights for a token', method: 'POST', path: '/api/tokens', token, body: { agent_type: 'ai-engineer', permissions: ['admin'] }, expect: REFUSED },
    { name: 'a life without end', method: 'POST', path: '/api/tokens', token, body: { agent_type: 'ai-engineer', ttl_seconds: 1e9 }, expect: REFUSED },
    { name: 'a token without a project', method: 'POST', path: '/api/tokens', token, body: { agent_type: 'ai-engineer', project_id: null }, expect: REFUSED },
    { name: 'an event that repeats another, as only the operator may', method: 'POST', path: '/api/events/note', token, body: { topic: 'coordination', replay_of: 'evt_1' }, expect: [403, 'AUTH_003'] },
    { name: 'an event for another project', method: 'POST', path: '/api/events/note', token, body: { topic: 'coordination', project_id: 'neighbour' }, expect: [403, 'AUTH_003'] },
    { name: 'an id like the server\'s own', method: 'POST', path: '/api/events/note', token, body: { topic: 'coordination', event_id: 'evt_01ARZ3NDEKTSV4RRFFQ69G5FAV' }, expect: [400, 'EVT_002'] },
    ...['PATH', 'LD_PRELOAD', 'NODE_OPTIONS', 'JWT_TOKEN', 'AGENT_ID', 'BASH_ENV', 'PYTHONSTARTUP', 'GIT_SSH_COMMAND', 'A=B', ''].map((name): Attack => ({
      name: `the variable '${name}' for an agent`, method: 'POST', path: '/api/agents/spawn', token, body: { ...spawn, environment: { [name]: '/tmp/x' } }, expect: REFUSED
    })),
    { name: 'a command for an agent', method: 'POST', path: '/api/agents/spawn', token, body: { ...spawn, command: 'sh' }, expect: REFUSED },
    { name: 'a spawner that is a path', method: 'POST', path: '/api/agents/spawn', token, body: { ...spawn, spawner: '../../bin/sh' }, expect: REFUSED },
    { name: 'a base that is an option of git', method: 'POST', path: '/api/agents/spawn', token, body: { ...spawn, workspace: 'worktree', workspace_base: '--upload-pack=sh' }, expect: [400, 'VAL_001'] }
  ])
})

t.test('SSRF: no webhook leads into this machine or its network, however it is written', async (t) => {
  const { attack, agent } = arena
  const { token } = await agent('ai-engineer')
  const targets = [
    'http://127.0.0.1/', 'http://127.0.0.1:3001/api/tokens', 'http://127.1/', 'http://127.0.1/', 'http://2130706433/', 'http://0x7f000001/', 'http://0x7f.1/', 'http://0177.0.0.1/', 'http://017700000001/', 'http://0/', 'http://0.0.0.0/',
    'http://[::1]/', 'http://[::]/', 'http://[0:0:0:0:0:0:0:1]/', 'http://[::ffff:127.0.0.1]/', 'http://[::ffff:7f00:1]/', 'http://[::127.0.0.1]/', 'http://[64:ff9b::127.0.0.1]/', 'http://[2002:7f00:1::]/', 'http://[fe80::1]/', 'http://[fc00::1]/', 'http://[ff02::1]/',
    'http://localhost/', 'http://LOCALHOST/', 'http://localhost./', 'http://127.0.0.1./', 'http://１２７.０.０.１/', 'http://ⓛocalhost/', 'http://127。0。0。1/',
    'http://169.254.169.254/latest/meta-data/', 'http://[fd00:ec2::254]/', 'http://10.0.0.1/', 'http://172.16.0.1/', 'http://192.168.1.1/', 'http://100.64.0.1/', 'http://198.18.0.1/', 'http://224.0.0.1/', 'http://240.0.0.1/', 'http://255.255.255.255/',
    'ftp://192.0.2.1/', 'gopher://127.0.0.1:6379/_FLUSHALL', 'file:///etc/passwd', 'dict://127.0.0.1:11211/', 'data:text/plain,x', 'javascript:alert(1)', 'ws://127.0.0.1/', 'unix:/run/docker.sock', '//127.0.0.1/', '/api/tokens', 'http:/127.0.0.1', 'http://',
    'http://user@127.0.0.1/', 'http://user:word@example.com/', 'http://example.com@127.0.0.1/', 'http://127.0.0.1\\@example.com/', 'http://127.0.0.1#@example.com/', 'http://127.0.0.1?@example.com/', ' http://127.0.0.1/', 'http://127.0.0.1\t/', 'h\nttp://127.0.0.1/'
  ]
  await attack(t, targets.map((url) => ({ name: JSON.stringify(url), method: 'POST', path: '/api/webhooks', token, body: { url }, expect: REFUSED })))
})
