import { rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { fill } from './fuzz/stage.js'
import { openArena, type Request } from './arena.js'

const arena = await openArena(t, { settings: { 'spawn-command': 'true', 'spawn-max-retries': '0', 'events-webhook-allow': '127.0.0.1', 'events-webhook-retry-seconds': '1000' } })
const { agent, send, attack, calm } = arena
const [attacker, victim] = [await agent('chief-architect'), await agent('chief-architect', { project_id: 'neighbour' })]
// What is older than all that a project retains may once have been there, and is believed.
await send({ method: 'POST', path: '/api/events/first', token: attacker.token, body: { topic: 'coordination' } })
const theirs = await fill(arena, victim, 'okapi')
const { token } = attacker

/** Each takes the name of something; what the neighbour has is answered as what nobody has. */
const ASKED: [what: string, existing: string, request: (name: string) => Request][] = [
  ['a result', theirs.result!, (name) => ({ path: `/api/results/${name}` })],
  ['an issue', 'shared-issue', (name) => ({ path: `/api/issues/${name}` })],
  ['results of an issue', 'shared-issue', (name) => ({ path: `/api/results?issue_id=${name}` })],
  ['results of an agent type', 'test-engineer', (name) => ({ path: `/api/results?agent_type=${name}` })],
  ['the context of an issue', 'shared-issue', (name) => ({ path: `/api/context/${name}/chief-architect` })],
  ['an agent', theirs.agent!, (name) => ({ path: `/api/agents/${name}/status` })],
  ['the log of an agent', theirs.agent!, (name) => ({ path: `/api/agents/${name}/logs` })],
  ['the workspace of an agent', theirs.agent!, (name) => ({ path: `/api/agents/${name}/workspace` })],
  ['what an agent changed', theirs.agent!, (name) => ({ path: `/api/agents/${name}/diff` })],
  ['merging it', theirs.agent!, (name) => ({ method: 'POST', path: `/api/agents/${name}/merge`, body: {} })],
  ['ending an agent', theirs.agent!, (name) => ({ method: 'DELETE', path: `/api/agents/${name}` })],
  ['retrying an agent', theirs.agent!, (name) => ({ method: 'POST', path: `/api/agents/${name}/retry` })],
  ['events of a conversation', 'shared-talk', (name) => ({ path: `/api/events?correlation_id=${name}` })],
  ['events since one', theirs.event!, (name) => ({ path: `/api/events?since=${name}` })],
  ['a wait since one', theirs.event!, (name) => ({ path: `/api/events/wait?timeout=0&since=${name}` })],
  ['an answer to an event', theirs.event!, (name) => ({ method: 'POST', path: '/api/events/reply', body: { topic: 'coordination', references: name } })],
  ['a group', 'shared-group', (name) => ({ path: `/api/events/groups/${name}` })],
  ['deleting a group', 'shared-group', (name) => ({ method: 'DELETE', path: `/api/events/groups/${name}` })],
  ['acknowledging for a group', 'shared-group', (name) => ({ method: 'POST', path: '/api/events/ack', body: { group: name, event_ids: [theirs.event] } })],
  ['a webhook', theirs.webhook!, (name) => ({ path: `/api/webhooks/${name}` })],
  ['deleting a webhook', theirs.webhook!, (name) => ({ method: 'DELETE', path: `/api/webhooks/${name}` })],
  ['trying a webhook', theirs.webhook!, (name) => ({ method: 'POST', path: `/api/webhooks/${name}/test` })],
  ['the secret of a webhook', theirs.webhook!, (name) => ({ method: 'POST', path: `/api/webhooks/${name}/secret`, body: {} })],
  ['enabling a webhook', theirs.webhook!, (name) => ({ method: 'POST', path: `/api/webhooks/${name}/enable` })],
  ['a token for a project', 'neighbour', (name) => ({ method: 'POST', path: '/api/tokens', body: { agent_type: 'ai-engineer', project_id: name } })],
  ['an agent in a project', 'neighbour', (name) => ({ method: 'POST', path: '/api/agents/spawn', body: { agent_type: 'ai-engineer', issue_id: 'i', task: 't', project_id: name } })],
  ['an event for a project', 'neighbour', (name) => ({ method: 'POST', path: '/api/events/note', body: { topic: 'coordination', project_id: name } })],
  ['a result in a project', 'neighbour', (name) => ({ method: 'POST', path: '/api/results', body: { agent_id: attacker.agent_id, agent_type: 'chief-architect', issue_id: 'i', project_id: name, result: { status: 'success', files_created: [], files_modified: [] } } })]
]

/** A name of the same form that nobody has. */
function unknownLike (name: string): string {
  return [...name].map((letter, index) => (index < 5 || !/[a-z0-9]/i.test(letter) ? letter : /\d/.test(letter) ? '7' : letter === letter.toUpperCase() ? 'Q' : 'q')).join('')
}

t.test('enumeration: what a neighbour has is answered as what nobody has', async (t) => {
  for (const [what, existing, request] of ASKED) {
    const unknown = unknownLike(existing)
    const [there, nowhere] = [await send({ ...request(existing), token }), await send({ ...request(unknown), token })]
    const told = (text: string, name: string): string => text.replaceAll(name, '<name>').replace(/"(timestamp|request_id|event_id|next_cursor|etag)":"[^"]*"/g, '').replace(/"duration_ms":[\d.]+/g, '')
    t.equal(there.status, nowhere.status, `${what}: ${there.text.slice(0, 200)}`)
    t.equal(told(there.text, existing), told(nowhere.text, unknown), what)
    t.notMatch(there.text, 'okapi', what)
  }
  await calm(t)
})

t.test('enumeration: what a neighbour has takes no longer to be refused than what nobody has', async (t) => {
  const rounds = 40
  const asked = ASKED.filter(([, , { length }]) => length === 1).filter(([what]) => ['a result', 'an issue', 'an agent', 'a group', 'a webhook', 'an event for a project', 'a token for a project'].includes(what))
  t.equal(asked.length, 7)
  const median = (times: number[]): number => times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!
  for (const [what, existing, request] of asked) {
    const timed = async (name: string): Promise<number> => {
      const { method = 'GET', path = '', body } = request(name)
      const began = performance.now()
      await arena.ask(method as 'GET', path, { token, body })
      return performance.now() - began
    }
    const measure = async (): Promise<number> => {
      const times = { there: [] as number[], nowhere: [] as number[] }
      // In turns, so that whatever else the machine does befalls both.
      for (let round = 0; round < rounds; round++) {
        times.there.push(await timed(existing))
        times.nowhere.push(await timed(unknownLike(existing)))
      }
      const [there, nowhere] = [median(times.there), median(times.nowhere)]
      return Math.max(there, nowhere) / Math.min(there, nowhere)
    }
    let ratio = await measure()
    for (let again = 0; again < 10 && ratio > 2; again++) ratio = Math.min(ratio, await measure())
    t.ok(ratio <= 2, `${what}: ${ratio.toFixed(2)}`)
  }
})

t.test('what is written into one project never shows in the other', async (t) => {
  const note = { agent_type: 'chief-architect', issue_id: 'same', result: { status: 'success', files_created: [], files_modified: [], notes: 'gnu' } }
  await attack(t, [
    { name: 'a result of the same issue', method: 'POST', path: '/api/results', token, body: { ...note, agent_id: attacker.agent_id }, expect: 201 },
    { name: 'an event of the same conversation', method: 'POST', path: '/api/events/gnu', token, body: { topic: 'coordination', correlation_id: 'shared-talk', data: { notes: 'gnu' } }, expect: 202 },
    { name: 'a group of the same name', method: 'PUT', path: '/api/events/groups/shared-group', token, body: { types: ['gnu'] }, expect: 201 },
    { name: 'an issue of the same name', method: 'PUT', path: '/api/issues/shared-issue', token, body: { title: 'gnu' }, expect: 201 }
  ])
  for (const path of ['/api/results?limit=100', '/api/events?limit=1000', '/api/events/groups', '/api/events/groups/shared-group', '/api/issues/shared-issue', '/api/context/same/chief-architect', '/api/agents', '/api/webhooks', '/api/projects', '/api/events/wait?timeout=0&since=earliest&limit=1000']) {
    const { status, text } = await send({ path, token: victim.token })
    t.equal(status, 200, path)
    t.notMatch(text, 'gnu', path)
    t.notMatch((await send({ path, token })).text, 'okapi', path)
  }
})

t.test('symlink races: a file that is swapped for a link to a secret while contexts are built', async (t) => {
  const { root, house } = arena
  await writeFile(join(house, 'outside.py'), 'def outside():\n    return "wildebeest"\n')
  const place = join(root, 'src', 'main.py')
  const progress = { isOver: false }
  const swapping = (async () => {
    for (let round = 0; !progress.isOver; round++) {
      const next = join(root, `next-${round % 2}`)
      if (round % 2 === 0) await symlink(join(house, 'outside.py'), next)
      else await writeFile(next, 'def main():\n    return 1\n')
      await rename(next, place)
    }
  })()
  for (let round = 0; round < 30; round++) {
    const { status, text } = await send({ path: '/api/context/race/chief-architect?fresh=true&task=outside%20main', token })
    if (status !== 200) t.fail(text)
    if (text.includes('wildebeest')) t.fail('a byte from outside was given')
  }
  progress.isOver = true
  await swapping
  t.pass('not a byte from outside')
})
