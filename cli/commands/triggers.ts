import type { Command } from 'commander'
import { examples, jsonObject } from '../command-line.js'
import { calling, connect, type CallingOptions } from '../connect.js'
import { oneLine, show, table, time } from '../output.js'
import type { Colors, Terminal } from '../terminal.js'

interface Rule {
  name: string
  rule: { on: { type: string, topic?: string, filter?: string }, spawn: { agent_type: string }[], when?: { completed?: string[] } }
  matched: number
  started: number
  refused: number
  last: { event_id: string, at: string, outcome: string, reason: string | null } | null
}

interface Evaluation {
  name: string
  outcome: 'starts' | 'passes' | 'refused'
  reason: string | null
  agents: { agent_type: string, issue_id: string, task: string }[]
}

interface TestOptions extends CallingOptions { topic: string, data?: Record<string, unknown>, correlationId?: string }

const NONE = 'No triggers. Those in .cco/triggers.json of a project count after cco trust and the next start.'

/** `cco triggers`: which agents events start. */
export function addTriggers (program: Command, terminal: Terminal): void {
  const group = program.command('triggers').description('rules by which events start agents')
  addList(group, terminal)
  addTest(group, terminal)
  examples(group, 'cco triggers list', 'cco triggers test agent_completed --topic architecture --data \'{"issue_id": "issue-1", "status": "success"}\'')
}

function addList (group: Command, terminal: Terminal): void {
  const list = calling(group.command('list').description('the rules of the project, and what they did since the sidecar started'))
    .action(async (options: CallingOptions) => {
      const answer = await (await connect(options, terminal)).call<{ dry_run: boolean, triggers: Rule[] }>('GET', '/api/triggers')
      show(terminal, options.format, answer, ({ dry_run: dry, triggers }, colors) => {
        if (triggers.length === 0) return NONE
        const rows = table(triggers, [
          { title: 'RULE', value: ({ name }) => name },
          { title: 'ON', value: ({ rule: { on, when } }) => [on.type, on.topic, on.filter, ...(when?.completed ?? []).map((type) => `${type} completed`)].filter(Boolean).join(', ') },
          { title: 'STARTS', value: ({ rule }) => rule.spawn.map((spawn) => spawn.agent_type).join(', ') },
          { title: 'MATCHED', value: ({ matched }) => matched, align: 'right' },
          { title: 'STARTED', value: ({ started }) => started, align: 'right' },
          { title: 'REFUSED', value: ({ refused }) => refused, align: 'right' },
          { title: 'LAST', value: ({ last }) => (last === null ? '-' : `${time(last.at)} ${last.outcome}${last.reason === null ? '' : `: ${last.reason}`}`) }
        ], colors)
        return dry ? `${colors.yellow('Nothing is started: triggers.dry_run is set.')}\n${rows}` : rows
      })
    })
  examples(list, 'cco triggers list --format json')
}

function addTest (group: Command, terminal: Terminal): void {
  const test = calling(group.command('test')
    .description('what an event would start, and why not; nothing is published')
    .argument('<type>', 'event type')
    .requiredOption('--topic <topic>', 'topic of the event')
    .option('--data <json>', 'its data, a JSON object', jsonObject)
    .option('--correlation-id <id>', 'what it belongs to'))
    .action(async (type: string, { topic, data, correlationId, ...options }: TestOptions) => {
      const event = { event_type: type, topic, data, correlation_id: correlationId }
      const answer = await (await connect(options, terminal)).call<{ evaluations: Evaluation[] }>('POST', '/api/triggers/evaluate', { body: { event } })
      show(terminal, options.format, answer, ({ evaluations }, colors) => {
        if (evaluations.length === 0) return NONE
        return evaluations.map((each) => describe(each, colors)).join('\n')
      })
    })
  examples(test, 'cco triggers test agent_completed --topic testing --data \'{"issue_id": "issue-1", "agent_type": "test-engineer"}\'')
}

function describe ({ name, outcome, reason, agents }: Evaluation, colors: Colors): string {
  return [
    `${colors.bold(name)}  ${outcome}${reason === null ? '' : `: ${oneLine(reason, 300)}`}`,
    ...agents.map((agent) => `  ${agent.agent_type}  ${agent.issue_id}  ${oneLine(agent.task, 200)}`)
  ].join('\n')
}
