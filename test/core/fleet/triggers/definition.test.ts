import t from 'tap'
import { checkAgentTypes, parseRules } from '../../../../core/fleet/triggers/definition.js'

const ORIGIN = '~/projects/shop/.cco/triggers.json'
const RULE = { on: { type: 'note' }, spawn: [{ agent_type: 'test-engineer', task: 'Test.' }] }

const parse = (value: unknown): ReturnType<typeof parseRules> => parseRules([{ origin: ORIGIN, value }])

t.test('rules without a name are numbered, and their bounds have defaults', async (t) => {
  const [first, second] = parse({ triggers: [RULE, { ...RULE, name: 'later', max_rounds: 2, max_depth: 3, cooldown_seconds: 1.5 }] })
  t.match(first, { name: 'rule-1', maxRounds: 10, maxDepth: 8, cooldownMs: 0 })
  t.match(second, { name: 'later', maxRounds: 2, maxDepth: 3, cooldownMs: 1500 })
  t.strictSame(parse({}), [])
})

t.test('a ready set is taken by name, with other agents where the project says so', async (t) => {
  const agents = (value: unknown): string[] => parse(value).flatMap(({ spawns }) => spawns.map((spawn) => spawn.agent_type))
  t.strictSame(parse({ use: ['standard-flow'] }).map(({ name }) => name), ['standard-flow.implementation', 'standard-flow.verification', 'standard-flow.deployment'])
  t.strictSame(agents({ use: ['standard-flow'] }), ['fullstack-developer', 'test-engineer', 'security-auditor', 'deployment-engineer'])
  t.strictSame(agents({ use: [{ set: 'standard-flow', agents: { implementation: 'go-specialist' } }] }), ['go-specialist', 'test-engineer', 'security-auditor', 'deployment-engineer'])
})

t.test('what is wrong is said with its place', async (t) => {
  const cases: [unknown, RegExp][] = [
    [[], /must be object/],
    [{ trigger: [] }, /'trigger' is not a known member/],
    [{ triggers: [{ ...RULE, spawn: [] }] }, /triggers\.0\.spawn: /],
    [{ triggers: [RULE, { on: {}, spawn: RULE.spawn }] }, /triggers\.1\.on\.type: 'type' is required/],
    [{ triggers: [{ ...RULE, max_depth: 0 }] }, /triggers\.0\.max_depth: /],
    [{ triggers: [{ ...RULE, name: 'No Name' }] }, /triggers\.0\.name: /],
    [{ triggers: [{ ...RULE, on: { type: 'Note!' } }] }, /triggers\.0\.on: .*'Note!' is no event type/],
    [{ triggers: [{ ...RULE, on: { type: 'note', filter: 'status' } }] }, /triggers\.0\.on: .*has no ':'/],
    [{ triggers: [{ ...RULE, when: { filter: ':x' } }] }, /triggers\.0\.when\.filter: /],
    [{ triggers: [{ ...RULE, spawn: [{ agent_type: 'test-engineer', task: 'Test {{files}}' }] }] }, /triggers\.0\.spawn\.0\.task: '\{\{files\}\}' at character 6 begins with no member/],
    [{ triggers: [{ ...RULE, dedupe_key: '{{' }] }, /triggers\.0\.dedupe_key: /],
    [{ use: ['standard-flo'] }, /use\.0: there is no ready set 'standard-flo'; known: 'standard-flow'/],
    [{ use: [{ set: 'standard-flow', agents: { tester: 'qa-engineer' } }] }, /use\.0\.agents: 'standard-flow' has no part 'tester'; known: 'implementation', /],
    [{ triggers: [{ ...RULE, name: 'a' }, { ...RULE, name: 'a' }] }, /two rules have the name 'a'/]
  ]
  for (const [value, message] of cases) {
    t.throws(() => parse(value), { code: 'SIDECAR_ERR_CONFIG_INVALID', message }, JSON.stringify(value))
    t.throws(() => parse(value), { message: new RegExp(ORIGIN.replaceAll('.', '\\.')) }, 'and names the file')
  }
})

t.test('an agent type that the project does not have is named, with the nearest one', async (t) => {
  t.throws(() => checkAgentTypes(parse({ triggers: [RULE] }), ORIGIN, ['test-enginer']), { message: /the rule 'rule-1' names the unknown agent type 'test-engineer'; did you mean 'test-enginer'\?/ })
  t.throws(() => checkAgentTypes(parse({ triggers: [{ ...RULE, when: { completed: ['nobody'] } }] }), ORIGIN, ['test-engineer']), { message: /'nobody'/ })
  checkAgentTypes(parse({ triggers: [RULE] }), ORIGIN, ['test-engineer'])
})
