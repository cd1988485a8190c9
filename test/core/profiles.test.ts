import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { AgentProfile, ContextItem, ContextStrategy, Requirement } from '../../core/contracts/index.js'
import { STANDARD_TOPICS } from '../../core/events/topics.js'
import { PACKAGE_ROOT, PROFILES_DIRECTORY } from '../../core/package-root.js'
import { readProfiles } from '../../core/profiles/load.js'
import { createProfileSet } from '../../core/profiles/profiles.js'
import { profileSchema } from '../../core/profiles/schema.js'
import { createFromPlugin, createPluginContext, createSampleProject, createSampleTask, querySampleResults, TEST_TIME } from '../../core/testing/index.js'
import { BUILTINS } from '../../plugins/builtins.js'
import { startSidecar } from '../support/sidecar.js'
import { temporaryFolder } from '../support/temporary.js'

interface RosterRow { id: string, name: string, category: string, group: string, model: string, languages: string[] }

const profiles = await readProfiles(PROFILES_DIRECTORY)
const byId = new Map(profiles.map((profile) => [profile.id, profile]))
const roster = await readRoster()

async function readRoster (): Promise<RosterRow[]> {
  const [, ...lines] = (await readFile(join(PACKAGE_ROOT, 'test/fixtures/roster.csv'), 'utf8')).trim().split('\n')
  return lines.map((line) => {
    const [id, name, category, group, model, languages] = line.split(',') as [string, string, string, string, string, string]
    return { id, name, category, group, model, languages: languages.split(' ').filter((language) => language !== '') }
  })
}

async function makeStrategies (): Promise<Map<string, ContextStrategy>> {
  const context = createPluginContext({ storage: '/nowhere', clock: () => TEST_TIME, profiles })
  const strategies = new Map<string, ContextStrategy>()
  for (const builtin of BUILTINS.filter(({ kind }) => kind === 'context-strategy')) {
    strategies.set(builtin.name, await createFromPlugin<'context-strategy'>((await builtin.load()).default, {}, context))
  }
  return strategies
}

const strategies = await makeStrategies()

t.test('the profiles are those of the roster', async t => {
  t.equal(roster.length, 119)
  t.strictSame(profiles.map(({ id }) => id), roster.map(({ id }) => id).sort())
  for (const row of roster) {
    const profile = byId.get(row.id)
    t.strictSame(
      { name: profile?.name, category: profile?.category, group: profile?.group, model: profile?.model.tier, languages: [...profile?.languages ?? []].sort() },
      { name: row.name, category: row.category, group: row.group, model: row.model, languages: [...row.languages].sort() },
      row.id
    )
  }
})

t.test('the published schema is the one that is enforced', async t => {
  const file = join(PROFILES_DIRECTORY, 'profile.schema.json')
  t.equal(await readFile(file, 'utf8'), `${JSON.stringify(profileSchema, null, 2)}\n`)
  for (const name of await readdir(PROFILES_DIRECTORY)) {
    if (!name.endsWith('.json') || name === 'profile.schema.json') continue
    const raw = JSON.parse(await readFile(join(PROFILES_DIRECTORY, name), 'utf8')) as { $schema?: string }
    t.equal(raw.$schema, './profile.schema.json', `${name} names it for editors`)
  }
})

t.test('permissions and limits follow from the group', async t => {
  const table: Record<string, [permissions: string[], perMinute: number | null, burst: number | null]> = {
    architect: [['read_context', 'write_results', 'publish_events', 'spawn_agents'], null, null],
    coding: [['read_context', 'write_results', 'publish_events'], 60, 10],
    'qa-security': [['read_context', 'write_results', 'publish_events'], 60, 10],
    documentation: [['read_context', 'write_results'], 30, 5],
    support: [['read_context'], 30, 5]
  }
  for (const { id, group, permissions, limits } of profiles) {
    const [expected, perMinute, burst] = table[group]!
    t.strictSame([...permissions].sort(), [...expected].sort(), id)
    t.strictSame(limits, { requests_per_minute: perMinute, burst }, id)
  }
})

t.test('topics follow the table of the wire contract', async t => {
  const testers = ['qa-engineer', 'test-engineer', 'test-automator', 'performance-engineer', 'performance-profiler', 'load-testing-specialist', 'mcp-testing-engineer']
  const subscribers: Record<string, (profile: AgentProfile) => boolean> = {
    architecture: ({ group }) => group === 'coding',
    implementation: ({ id, group }) => group === 'qa-security' || id === 'devops-engineer',
    testing: ({ id }) => id === 'devops-engineer',
    security: ({ id }) => id === 'devops-engineer',
    deployment: () => true,
    documentation: () => false,
    error: ({ id }) => id === 'devops-engineer',
    coordination: () => true
  }
  const publishers: Record<string, (profile: AgentProfile) => boolean> = {
    architecture: ({ id }) => id === 'chief-architect' || id === 'backend-architect',
    implementation: ({ group }) => group === 'coding',
    testing: ({ id }) => testers.includes(id),
    security: ({ category }) => category === 'security',
    deployment: ({ category }) => category === 'infrastructure',
    documentation: ({ group }) => group === 'documentation',
    error: () => true,
    coordination: () => true
  }
  t.strictSame(Object.keys(subscribers), [...STANDARD_TOPICS])
  for (const profile of profiles) {
    const heard = STANDARD_TOPICS.filter((topic) => profile.group === 'architect' || subscribers[topic]!(profile))
    t.strictSame([...profile.subscribes].sort(), heard.sort(), `${profile.id} hears`)
    t.strictSame([...profile.publishes].sort(), STANDARD_TOPICS.filter((topic) => publishers[topic]!(profile)).sort(), `${profile.id} says`)
  }
})

t.test('hand-offs name other agents that exist', async t => {
  for (const { id, handoff } of profiles) {
    const named = [...handoff.success, ...handoff.failed]
    t.strictSame(named.filter((other) => !byId.has(other) || other === id), [], id)
    t.ok(named.length > 0, `${id} names at least one`)
  }
})

t.test('every profile is its own', async t => {
  const unique = (what: string, of: (profile: AgentProfile) => string): void => {
    const owners = new Map<string, string>()
    for (const profile of profiles) {
      const other = owners.get(of(profile))
      t.equal(other, undefined, `${profile.id} has a ${what} of its own${other === undefined ? '' : `, not that of ${other}`}`)
      owners.set(of(profile), profile.id)
    }
  }
  unique('name', ({ name }) => name)
  unique('role', ({ role }) => role)
  unique('prompt', ({ spawn }) => spawn.prompt)
  unique('set of capabilities', ({ capabilities }) => [...capabilities].sort().join())
  unique('set of requirements with its prompt', ({ context, spawn }) => JSON.stringify([context.requirements, spawn.prompt]))

  const owners = new Map<string, string>()
  const shared: string[] = []
  for (const { id, spawn: { prompt } } of profiles) {
    const sentences = prompt.split(/(?<=[.!?:;])\s+|\n+/).map((sentence) => sentence.toLowerCase().replace(/[^\p{L}\p{N} ]/gu, '').trim())
    for (const sentence of new Set(sentences.filter((sentence) => sentence.length >= 60))) {
      if (owners.has(sentence)) shared.push(`${owners.get(sentence)} and ${id}: ${sentence}`)
      else owners.set(sentence, id)
    }
  }
  t.strictSame(shared, [], 'no two prompts share a long sentence')
  t.ok(owners.size > 600, `${owners.size} sentences were compared`)
})

/** A requirement that notes which of its members somebody has read. */
function watched (requirement: Requirement): { requirement: Requirement, seen: Set<string> } {
  const seen = new Set<string>()
  return { seen, requirement: new Proxy(requirement, { get (target, name) { seen.add(String(name)); return target[String(name)] } }) }
}

t.test('every requirement is satisfied, and every parameter of it is known', async t => {
  const set = createProfileSet(profiles, [], true, strategies)
  const project = createSampleProject()
  const used = new Set<string>()
  for (const profile of profiles) {
    for (const requirement of profile.context.requirements) {
      const served = set.strategies(profile.id).find(({ need }) => need === requirement.need)!.strategies
      t.ok(served.length > 0, `${profile.id}: ${requirement.need}`)
      const complaints: object[] = []
      const note = (details: object): void => { complaints.push(details) }
      const { requirement: given, seen } = watched(requirement)
      const items: ContextItem[] = []
      for (const name of served) {
        used.add(name)
        items.push(...await strategies.get(name)!.gather({
          project,
          task: createSampleTask(),
          requirement: given,
          profile,
          budget: { max_bytes: 1_000_000, max_tokens: null },
          results: querySampleResults,
          signal: new AbortController().signal,
          log: { debug () {}, info () {}, warn: note, error: note }
        }))
      }
      const unknown = Object.keys(requirement).filter((name) => !['need', 'weight', 'optional'].includes(name) && !seen.has(name))
      t.strictSame(unknown, [], `${profile.id}: ${requirement.need} takes its parameters`)
      t.strictSame(complaints, [], `${profile.id}: ${requirement.need} has right values`)
    }
  }
  t.strictSame([...strategies.keys()].filter((name) => !used.has(name)), [], 'every strategy serves somebody')
})

const OWN: AgentProfile = { ...structuredClone(byId.get('python-pro')!), id: 'house-agent', name: 'House agent' }

t.test('a project\'s own profiles', async t => {
  await t.test('add to and override the built-in ones', async t => {
    const changed = { ...byId.get('go-specialist')!, role: 'Writes the Go of this house, and nothing but the Go of this house.' }
    const set = createProfileSet(profiles, [OWN, changed], true, strategies)
    t.equal(set.all().length, 120)
    t.strictSame(set.all().map(({ id }) => id), [...profiles.map(({ id }) => id), 'house-agent'].sort())
    t.equal(set.get('house-agent').name, 'House agent')
    t.equal(set.get('go-specialist').role, changed.role)
    t.not(set.version('go-specialist'), createProfileSet(profiles, [], true, strategies).version('go-specialist'), 'and are told from them')
    t.equal(createProfileSet(profiles, [], true, strategies).get('go-specialist').role, byId.get('go-specialist')!.role, 'for that project alone')
  })
  await t.test('may have any rights once trusted', async t => {
    const own: AgentProfile = { ...OWN, permissions: ['read_context', 'spawn_agents'], limits: { requests_per_minute: null, burst: null } }
    t.match(createProfileSet(profiles, [own], true, strategies).get('house-agent'), own)
  })
  await t.test('have no more rights than their group while untrusted', async t => {
    const greedy: AgentProfile = {
      ...OWN,
      group: 'architect',
      permissions: ['read_context', 'write_results', 'publish_events', 'spawn_agents'],
      limits: { requests_per_minute: null, burst: 1000 },
      publishes: ['security', 'deployment', 'implementation', 'house-news'],
      spawn: { ...OWN.spawn, spawner: 'process', tools: ['Read', 'Bash', 'Everything'], timeout_seconds: 86_400 }
    }
    const restrained = createProfileSet(profiles, [greedy], false, strategies).get('house-agent')
    t.equal(restrained.group, 'coding')
    t.strictSame(restrained.permissions, ['read_context', 'write_results', 'publish_events'])
    t.strictSame(restrained.limits, { requests_per_minute: 60, burst: 10 })
    t.strictSame(restrained.publishes, ['implementation', 'house-news'])
    t.strictSame([restrained.spawn.spawner, restrained.spawn.tools, restrained.spawn.timeout_seconds], [undefined, ['Read', 'Bash'], undefined])
    t.equal(restrained.spawn.prompt, greedy.spawn.prompt, 'what is harmless applies')

    const replacing = createProfileSet(profiles, [{ ...greedy, id: 'query-clarifier' }], false, strategies).get('query-clarifier')
    const original = byId.get('query-clarifier')!
    t.equal(replacing.group, original.group)
    t.strictSame(replacing.permissions, original.permissions)
    t.strictSame(replacing.limits, original.limits)
    t.strictSame(replacing.spawn.tools?.filter((tool) => !original.spawn.tools?.includes(tool)), [])
    t.equal(replacing.spawn.timeout_seconds, original.spawn.timeout_seconds)

    const modest: AgentProfile = { ...OWN, permissions: ['read_context'], limits: { requests_per_minute: 5, burst: 1 } }
    t.match(createProfileSet(profiles, [modest], false, strategies).get('house-agent'), { permissions: ['read_context'], limits: { requests_per_minute: 5, burst: 1 } })
    const silent: AgentProfile = { ...OWN, spawn: { prompt: OWN.spawn.prompt } }
    t.ok(createProfileSet(profiles, [silent], false, strategies).get('house-agent').spawn.tools!.length > 0, 'who names no tools does not get all there are')
  })
  await t.test('are served, trusted or not, with the rights that follow', async t => {
    const files = { 'src/a.py': 'a = 1\n', '.cco/agents/house-agent.json': JSON.stringify({ ...OWN, permissions: ['read_context', 'spawn_agents'] }) }
    for (const trusted of [true, false]) {
      const { ask, agent, close } = await startSidecar(t, { files, trusted })
      t.equal((await ask('GET', '/api/profiles')).body.profiles.length, 120)
      const { token } = await agent('house-agent')
      const spawning = await ask('POST', '/api/tokens', { token, body: { agent_type: 'python-pro' } })
      t.equal(spawning.status, trusted ? 201 : 403)
      t.equal((await ask('GET', '/api/context/i-1/house-agent', { token })).status, 200)
      await close()
    }
  })
})

t.test('what is wrong with a profile stops the start, with its file and member', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'house-agent.json')
  const refused = async (content: unknown, message: RegExp): Promise<void> => {
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
    const error = await readProfiles(folder).then(() => undefined, (reason: Error) => reason)
    t.match(error, { code: 'SIDECAR_ERR_PROFILE_INVALID', message }, error?.message ?? `${JSON.stringify(content)} was taken`)
    t.ok(error?.message.includes(file), 'the file is named')
  }
  await writeFile(file, JSON.stringify(OWN))
  t.strictSame((await readProfiles(folder)).map(({ id }) => id), ['house-agent'])
  t.strictSame(await readProfiles(join(folder, 'gone')), [])
  await refused('{', /is no readable JSON/)
  await refused('null', /must be object/)
  await refused({ ...OWN, id: 'another' }, /has the id 'another'; it must be 'house-agent', as its file is named/)
  await refused({ ...OWN, id: '../x' }, /id: must match pattern/)
  await refused({ ...OWN, colour: 'red' }, /colour: 'colour' is not a known member/)
  await refused({ ...OWN, group: 'admin' }, /group: must be one of 'architect', 'coding'/)
  await refused({ ...OWN, permissions: ['admin'] }, /permissions\.0: must be one of/)
  await refused({ ...OWN, spawn: { ...OWN.spawn, shell: 'x' } }, /spawn\.shell: 'shell' is not a known member/)
  await refused({ ...OWN, spawn: {} }, /spawn\.prompt: 'prompt' is required/)
  await refused({ ...OWN, context: { requirements: [{ weight: 1 }] } }, /context\.requirements\.0\.need: 'need' is required/)
  await refused({ ...OWN, context: { requirements: [{ need: 'docs', weight: 0 }] } }, /context\.requirements\.0\.weight: must be > 0/)
  await refused({ ...OWN, subscribes: ['No Topic'] }, /subscribes\.0: must match pattern/)
  await refused({ ...OWN, limits: { requests_per_minute: 0, burst: 1 } }, /limits\.requests_per_minute: /)
  const { role: _role, ...roleless } = OWN
  await refused(roleless, /role: 'role' is required/)
})

t.test('a requirement that nobody satisfies stops the start, with both names', async t => {
  const needing = (requirement: Requirement): AgentProfile => ({ ...OWN, context: { requirements: [requirement] } })
  t.throws(() => createProfileSet(profiles, [needing({ need: 'source-fils' })], true, strategies), {
    code: 'SIDECAR_ERR_PROFILE_REQUIREMENT',
    message: /^Requirement 'source-fils' of agent 'house-agent' is not satisfied by any strategy\. Did you mean 'source-files'\? Known: 'agent-instructions', .*'source-files'/
  })
  const set = createProfileSet(profiles, [needing({ need: 'star-charts', optional: true })], true, strategies)
  t.strictSame(set.strategies('house-agent'), [{ need: 'star-charts', optional: true, strategies: [] }], 'unless it is optional')
  t.throws(() => set.get('python-por'), { code: 'AGT_002', message: /no agent type 'python-por'\. Did you mean 'python-pro'\?/ })
  t.throws(() => set.get('zzzzzzzzzzz'), { code: 'AGT_002', message: /GET \/api\/profiles lists them/ })
})
