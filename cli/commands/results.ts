import { Option, type Command } from 'commander'
import { examples, instant, segment, wholeNumber } from '../command-line.js'
import { calling, connect, type CallingOptions } from '../connect.js'
import { bytes, counted, oneLine, paintState, pairs, show, table, time } from '../output.js'
import { decisionsOf, metricsOf, type ResultBody } from '../result-facts.js'
import type { Colors, Terminal } from '../terminal.js'

interface ListOptions extends CallingOptions { issue?: string, agentType?: string, status?: string, limit?: number }

interface Entry {
  id: string
  issue_id: string
  agent_id: string
  agent_type: string
  status: string
  timestamp: string
  result?: ResultBody
}

/** `cco results`: what agents have stored. */
export function addResults (program: Command, terminal: Terminal): void {
  const group = program.command('results').description('what agents have stored')
  const list = calling(group.command('list')
    .description('results, newest first')
    .option('--issue <id>', 'of one issue')
    .option('--agent-type <type>', 'of one agent type')
    .addOption(new Option('--status <status>', 'with one status').choices(['success', 'failed', 'partial']))
    .option('--limit <n>', 'how many', wholeNumber(1, 1000)))
    .action(async (options: ListOptions) => {
      const client = await connect(options, terminal)
      const answer = await client.call<{ results: Entry[], next_cursor?: string }>('GET', '/api/results', {
        query: { issue_id: options.issue, agent_type: options.agentType, status: options.status, limit: options.limit }
      })
      show(terminal, options.format, answer, ({ results, next_cursor: more }, colors) => {
        if (results.length === 0) return 'No results.'
        return describeList(results, colors) + (more === undefined ? '' : colors.dim('\nThere are older ones; see --limit.'))
      })
    })
  examples(list, 'cco results list --issue issue-123', 'cco results list --status failed --format json')
  const get = calling(group.command('get').description('one result as the agent gave it').argument('<id>', 'id of the result'))
    .action(async (id: string, options: CallingOptions) => {
      const client = await connect(options, terminal)
      show(terminal, options.format, await client.call<Entry>('GET', `/api/results/${segment(id)}`), describeOne)
    })
  examples(get, 'cco results get res_01jd3m0n8q4ZK7T2V5X9YB6C1D')
  addPrune(group, terminal)
  examples(group, 'cco results list --issue issue-123')
}

interface Pruned { removed: number, bytes: number, before: string, project_id: string }

function addPrune (group: Command, terminal: Terminal): void {
  const prune = calling(group.command('prune')
    .description('remove old results, earlier than their retention does')
    .requiredOption('--before <age|date>', 'an age like 30d or 12h, or a date like 2026-11-01', instant)
    .option('--dry-run', 'only tell what would go'))
    .action(async ({ before, dryRun = false, ...options }: CallingOptions & { before: Date, dryRun?: boolean }) => {
      const client = await connect(options, terminal)
      const answer = await client.call<Pruned>('POST', '/api/results/prune', { body: { before: before.toISOString(), dry_run: dryRun } })
      show(terminal, options.format, answer, ({ removed, bytes: size, before: earliest }) => `${counted(removed, 'result')} of before ${time(earliest)}, ${bytes(size)}, ${dryRun ? 'would go' : removed === 1 ? 'is removed' : 'are removed'}.`)
    })
  examples(prune, 'cco results prune --before 30d --dry-run', 'cco results prune --before 2026-11-01')
}

function describeList (results: readonly Entry[], colors: Colors): string {
  return table(results, [
    { title: 'RESULT', value: (entry) => entry.id },
    { title: 'TIME', value: (entry) => time(entry.timestamp) },
    { title: 'ISSUE', value: (entry) => entry.issue_id },
    { title: 'AGENT TYPE', value: (entry) => entry.agent_type },
    { title: 'STATUS', value: (entry) => entry.status, paint: (text, entry) => paintState(text, entry.status, colors) },
    { title: 'DECISION', value: (entry) => oneLine(decisionsOf(entry.result)[0] ?? '-', 70) }
  ], colors)
}

function describeOne (entry: Entry, colors: Colors): string {
  const result = entry.result ?? {}
  const lists: [string, unknown][] = [
    ['decisions', decisionsOf(result)], ['created', result.files_created], ['modified', result.files_modified], ['deleted', result.files_deleted],
    ['errors', result.errors], ['warnings', result.warnings], ['next steps', result.next_steps]
  ]
  const head = pairs([
    ['result', entry.id], ['issue', entry.issue_id], ['agent', `${entry.agent_id} (${entry.agent_type})`],
    ['status', entry.status, (text) => paintState(text, entry.status, colors)], ['time', time(entry.timestamp)],
    ...metricsOf(result).map(([name, value]) => [name, value] as const)
  ], colors)
  const body = lists.filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]) && entry[1].length > 0)
    .map(([title, items]) => `${colors.bold(title)}\n${items.map((item) => `  - ${oneLine(textOf(item), 200)}`).join('\n')}`)
  return [head, ...body, colors.dim('The whole record: --format json')].join('\n\n')
}

function textOf (item: unknown): string {
  if (typeof item === 'string') return item
  const path = (item as { path?: unknown } | null)?.path
  return typeof path === 'string' ? path : JSON.stringify(item)
}
