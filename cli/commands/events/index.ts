import { Option, type Command } from 'commander'
import { examples, jsonObject, segment, wholeNumber } from '../../command-line.js'
import { calling, connect, type CallingOptions } from '../../connect.js'
import { eventLine, gapLine, type EventPage } from '../../event-facts.js'
import { show } from '../../output.js'
import type { Terminal } from '../../terminal.js'
import { addDeadLetters } from './dead-letters.js'
import { addTail, addTrace } from './follow.js'
import { addGroups } from './groups.js'
import { FILTER, SINCE } from './options.js'
import { addReplay } from './replay.js'

interface ListOptions extends CallingOptions { type?: string, topic?: string, filter?: string, since?: string, limit?: number }
interface PublishOptions extends CallingOptions { topic: string, data?: Record<string, unknown>, correlationId?: string, references?: string, round?: number, eventId?: string }
interface SubscribeOptions extends CallingOptions { filter?: string, topic?: string, since?: string, timeout: number, continuous?: boolean }
interface Published { event_id: string, subscribers_notified: string[], subscriber_count: number, topic: string }

/** `cco events`: what has happened, what happens, and something that shall be known. */
export function addEvents (program: Command, terminal: Terminal): void {
  const group = program.command('events').description('what has happened and what happens')
  addList(group, terminal)
  addPublish(group, terminal)
  addSubscribe(group, terminal)
  addTail(group, terminal)
  addTrace(group, terminal)
  addReplay(group, terminal)
  addGroups(group, terminal)
  addDeadLetters(group, terminal)
  examples(group, 'cco events list --topic security --since 2026-11-20T08:00:00Z', 'cco events subscribe \'*\' --continuous')
}

function addList (group: Command, terminal: Terminal): void {
  const list = calling(group.command('list')
    .description('the history, oldest first; moves no position')
    .option('--type <type>', 'of one event type, or a comma list')
    .option('--topic <topic>', 'under one topic')
    .option('--filter <filter>', FILTER)
    .option('--since <place>', SINCE)
    .option('--limit <n>', 'how many', wholeNumber(1, 1000)))
    .action(async ({ type, topic, filter, since, limit, ...options }: ListOptions) => {
      const client = await connect(options, terminal)
      const page = await client.call<EventPage>('GET', '/api/events', { query: { type, topic, filter, since, limit } })
      show(terminal, options.format, page, ({ events, more_available: more }, colors) => {
        if (events.length === 0) return 'No events.'
        const lines = events.map((event) => eventLine(event, colors))
        const gap = gapLine(page)
        if (gap !== undefined) lines.unshift(colors.yellow(gap))
        if (more === true) lines.push(colors.dim(`There are later ones: --since ${events.at(-1)!.event_id}`))
        return lines.join('\n')
      })
    })
  examples(list, 'cco events list --type agent_completed,agent_failed', 'cco events list --filter issue_id:issue-123 --format json')
}

function addPublish (group: Command, terminal: Terminal): void {
  const publish = calling(group.command('publish')
    .description('publish an event')
    .argument('<type>', 'event type, for example deployment_ready')
    .requiredOption('--topic <topic>', 'topic it is published under, for example deployment')
    .option('--data <json>', 'its data, a JSON object', jsonObject)
    .option('--correlation-id <id>', 'what it belongs to')
    .option('--references <id>', 'what it answers or follows')
    .option('--round <n>', 'its round; never goes back within a correlation', wholeNumber(0, 1_000_000))
    .option('--event-id <id>', 'an id of your own: the same again publishes nothing more'))
    .action(async (type: string, { topic, data, correlationId, references, round, eventId, ...options }: PublishOptions) => {
      const client = await connect(options, terminal)
      const answer = await client.call<Published>('POST', `/api/events/${segment(type)}`, {
        body: { topic, data, correlation_id: correlationId, references, round, event_id: eventId }
      })
      show(terminal, options.format, answer, ({ event_id: id, subscriber_count: count, subscribers_notified: names }) =>
        `${id} published under ${answer.topic}; ${count === 0 ? 'nobody was waiting' : `${count} notified: ${names.join(', ')}`}.`)
    })
  examples(publish, 'cco events publish deployment_ready --topic deployment --data \'{"issue_id": "issue-123"}\'')
}

function addSubscribe (group: Command, terminal: Terminal): void {
  const subscribe = calling(group.command('subscribe')
    .description('wait for events by long polling')
    .argument('<type>', 'event type, a comma list, or \'*\' for any')
    .option('--filter <filter>', FILTER)
    .option('--topic <topic>', 'under one topic')
    .addOption(new Option('--group <name>', 'share them with the other members of a consumer group; what is printed is acknowledged').conflicts('since'))
    .option('--since <place>', `${SINCE}; by default behind what this subscriber has seen, at first the oldest`)
    .option('--timeout <ms>', 'how long to wait, or with --continuous one poll', wholeNumber(0, 86_400_000), 30_000)
    .option('--continuous', 'go on until Ctrl-C, and across restarts of the sidecar'))
    .addHelpText('after', '\nEnds with 0 after the first events, with 1 when none came in time, with 0 on Ctrl-C.\nWith --format json each event is one line.')
    .action(async (type: string, options: SubscribeOptions) => {
      const { subscribeUntilStopped } = await import('../../subscribe.js')
      await subscribeUntilStopped(type, options, await connect(options, terminal), terminal)
    })
  examples(subscribe,
    'cco events subscribe agent_completed --filter issue_id:issue-123',
    'cco events subscribe build_wanted --group builders --continuous',
    'cco events subscribe \'*\' --continuous --since latest --format json | jq .event_type')
}
