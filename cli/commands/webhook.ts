import type { Command } from 'commander'
import { examples, segment } from '../command-line.js'
import { calling, connect, type CallingOptions } from '../connect.js'
import { Failure } from '../failure.js'
import { duration, pairs, show, table, time } from '../output.js'
import type { Terminal } from '../terminal.js'

interface Webhook {
  webhook_id: string
  url: string
  types: string[] | null
  topics: string[] | null
  filter: string | null
  description: string | null
  state: string
  reason: string | null
  last_success_at: string | null
  last_error: string | null
  last_error_at: string | null
  pending: number
  lag: number
  created_by: string
  created_at: string
  secret?: string
}

interface Tested { delivered: boolean, status: number | null, duration_ms: number, error: string | null }
interface CreateOptions extends CallingOptions { types?: string, topics?: string, filter?: string, description?: string }

const PATH = '/api/webhooks'

/** `cco webhook`: who is pushed events. */
export function addWebhook (program: Command, terminal: Terminal): void {
  const group = program.command('webhook').description('addresses that events are pushed to')
  addCreate(group, terminal)
  addList(group, terminal)
  addShow(group, terminal)
  addDelete(group, terminal)
  addTest(group, terminal)
  examples(group, 'cco webhook create https://hooks.example/cco --types agent_failed', 'cco webhook list')
}

function addCreate (group: Command, terminal: Terminal): void {
  const create = calling(group.command('create')
    .description('push events to an address from now on')
    .argument('<url>', 'http or https address')
    .option('--types <types>', 'event types, a comma list; any by default')
    .option('--topics <topics>', 'topics, a comma list; any by default')
    .option('--filter <filter>', 'for example status:failed')
    .option('--description <text>', 'what it is for'))
    .addHelpText('after', '\nThe secret that signs is made by the sidecar and shown this once.')
    .action(async (url: string, { types, topics, filter, description, ...options }: CreateOptions) => {
      const client = await connect(options, terminal)
      const answer = await client.call<Webhook>('POST', PATH, { body: { url, types: types?.split(','), topics: topics?.split(','), filter, description } })
      show(terminal, options.format, answer, (webhook, colors) => pairs([['webhook', webhook.webhook_id], ['url', webhook.url], ['pushes', pushes(webhook)], ['secret', webhook.secret]], colors))
    })
  examples(create, 'cco webhook create https://hooks.example/cco --types agent_completed,agent_failed --filter issue_id:issue-123')
}

function addList (group: Command, terminal: Terminal): void {
  const list = calling(group.command('list').description('webhooks of the project, or of an agent with its token'))
    .action(async (options: CallingOptions) => {
      const answer = await (await connect(options, terminal)).call<{ webhooks: Webhook[] }>('GET', PATH)
      show(terminal, options.format, answer, ({ webhooks }, colors) => (webhooks.length === 0
        ? 'No webhooks.'
        : table(webhooks, [
          { title: 'WEBHOOK', value: ({ webhook_id: id }) => id },
          { title: 'STATE', value: ({ state }) => state, paint: (text, { state }) => (state === 'active' ? colors.green(text) : colors.yellow(text)) },
          { title: 'PENDING', value: ({ pending }) => pending, align: 'right' },
          { title: 'PUSHES', value: pushes },
          { title: 'URL', value: ({ url }) => url }
        ], colors)))
    })
  examples(list, 'cco webhook list --format json')
}

function addShow (group: Command, terminal: Terminal): void {
  const get = calling(group.command('show').description('one webhook, and how it is').argument('<id>', 'id of the webhook'))
    .action(async (id: string, options: CallingOptions) => {
      const answer = await (await connect(options, terminal)).call<Webhook>('GET', `${PATH}/${segment(id)}`)
      show(terminal, options.format, answer, (webhook, colors) => pairs([
        ['webhook', webhook.webhook_id],
        ['url', webhook.url],
        ['for', webhook.description],
        ['pushes', pushes(webhook)],
        ['state', webhook.reason === null ? webhook.state : `${webhook.state}: ${webhook.reason}`],
        ['pending', webhook.pending],
        ['lag', webhook.lag],
        ['last success', webhook.last_success_at === null ? null : time(webhook.last_success_at)],
        ['last error', webhook.last_error === null ? null : `${time(webhook.last_error_at ?? undefined)}  ${webhook.last_error}`],
        ['made', `${time(webhook.created_at)} by ${webhook.created_by}`]
      ], colors))
    })
  examples(get, 'cco webhook show whk_1')
}

function addDelete (group: Command, terminal: Terminal): void {
  const remove = calling(group.command('delete').description('push nothing more').argument('<id>', 'id of the webhook'))
    .action(async (id: string, options: CallingOptions) => {
      const answer = await (await connect(options, terminal)).call<{ webhook_id: string }>('DELETE', `${PATH}/${segment(id)}`)
      show(terminal, options.format, answer, () => `The webhook ${id} is deleted.`)
    })
  examples(remove, 'cco webhook delete whk_1')
}

function addTest (group: Command, terminal: Terminal): void {
  const test = calling(group.command('test').description('push a test event now, and tell what came back').argument('<id>', 'id of the webhook'))
    .action(async (id: string, options: CallingOptions) => {
      const answer = await (await connect(options, terminal)).call<Tested>('POST', `${PATH}/${segment(id)}/test`, { timeoutMs: 120_000 })
      show(terminal, options.format, answer, ({ delivered, status, duration_ms: ms, error }) => (delivered
        ? `Delivered: ${status} after ${duration(ms)}.`
        : `Not delivered${status === null ? '' : ` (${status})`}: ${error ?? 'the receiver refused it'}.`))
      if (!answer.delivered) throw new Failure('')
    })
  examples(test, 'cco webhook test whk_1')
}

function pushes ({ types, topics, filter }: Webhook): string {
  return [types?.join(',') ?? 'any type', ...topics === null ? [] : [`under ${topics.join(',')}`], ...filter === null ? [] : [`where ${filter}`]].join(' ')
}
