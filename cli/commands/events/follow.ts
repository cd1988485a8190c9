import type { Command } from 'commander'
import { examples, wholeNumber } from '../../command-line.js'
import { calling, connect, type CallingOptions } from '../../connect.js'
import { eventLine } from '../../event-facts.js'
import { Failure } from '../../failure.js'
import { show } from '../../output.js'
import type { Terminal } from '../../terminal.js'
import { FILTER } from './options.js'

interface TailOptions extends CallingOptions { lines: number, topic?: string, filter?: string, follow: boolean }

/** `cco events trace`: how one thing led to another. */
export function addTrace (group: Command, terminal: Terminal): void {
  const trace = calling(group.command('trace')
    .description('a conversation as a tree: what followed from what, and when')
    .argument('<correlation_id>', 'the conversation'))
    .action(async (correlation: string, options: CallingOptions) => {
      const { drawTrace, readTrace } = await import('../../trace.js')
      const found = await readTrace(await connect(options, terminal), correlation)
      if (found.events.length === 0) throw new Failure(`No event of the conversation '${correlation}' is kept.`)
      show(terminal, options.format, found, drawTrace)
    })
  examples(trace, 'cco events trace release-7', 'cco events trace release-7 --format json')
}

/** `cco events tail`: the last events, and those that come. */
export function addTail (group: Command, terminal: Terminal): void {
  const tail = calling(group.command('tail')
    .description('the last events and then those that come, until Ctrl-C')
    .argument('[type]', 'event type, a comma list, or \'*\' for any', '*')
    .option('-n, --lines <n>', 'how many of the last', wholeNumber(0, 10_000), 10)
    .option('--topic <topic>', 'under one topic')
    .option('--filter <filter>', FILTER)
    .option('--no-follow', 'end after the last ones'))
    .addHelpText('after', '\nWith --format json each event is one line. No position of anybody moves.')
    .action(async (type: string, { lines, follow, ...options }: TailOptions) => {
      const client = await connect(options, terminal)
      const { lastOf } = await import('../../history.js')
      const { events, next_cursor: since } = await lastOf(client, { type, topic: options.topic, filter: options.filter }, lines)
      for (const event of events) terminal.out(options.format === 'json' ? JSON.stringify(event) : eventLine(event, terminal.colors))
      if (!follow) return
      const { subscribeUntilStopped } = await import('../../subscribe.js')
      await subscribeUntilStopped(type, { ...options, since, continuous: true, timeout: 30_000 }, client, terminal)
    })
  examples(tail, 'cco events tail', 'cco events tail agent_completed,agent_failed -n 20', 'cco events tail --no-follow --format json | jq .data')
}
