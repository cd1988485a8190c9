import { InvalidArgumentError, type Command } from 'commander'
import { examples } from '../../command-line.js'
import { calling, connect, type CallingOptions } from '../../connect.js'
import { Failure } from '../../failure.js'
import { counted, show } from '../../output.js'
import type { Terminal } from '../../terminal.js'
import { FILTER, SINCE } from './options.js'

interface Options extends CallingOptions {
  from: string, to?: string, type?: string, topic?: string, filter?: string, correlationId?: string, into: string, speed: number, dryRun?: boolean
}

/** `cco events replay`: what has happened, once more. */
export function addReplay (group: Command, terminal: Terminal): void {
  const command = calling(group.command('replay')
    .description('emit events of the history again, each marked replay_of its original; for the operator')
    .requiredOption('--into <project>', 'project that they are emitted to')
    .option('--from <place>', SINCE, 'earliest')
    .option('--to <time>', 'before which they were published (RFC 3339); the beginning of the replay by default')
    .option('--type <type>', 'of one event type, or a comma list')
    .option('--topic <topic>', 'under one topic')
    .option('--filter <filter>', FILTER)
    .option('--correlation-id <id>', 'of one conversation')
    .option('--speed <factor>', '1 as they came, 10 ten times as fast, or max', speed, 1)
    .option('--dry-run', 'only show what would be emitted'))
    .addHelpText('after', '\nReferences between the events are kept. Ctrl-C says how far it came, and ends with 1.')
    .action(async ({ from, to, type, topic, filter, correlationId, into, speed: factor, dryRun, ...options }: Options) => {
      const client = await connect(options, terminal)
      const [{ replay }, { untilInterrupted }] = await Promise.all([import('../../replay.js'), import('../../until-interrupted.js')])
      // What is emitted into the same project must not be replayed in its turn.
      const until = to ?? (await client.call<{ timestamp: string }>('GET', '/api/events', { query: { since: 'latest', limit: 1 } })).timestamp
      const query = { type, topic, filter, correlation_id: correlationId, since: from, until }
      let outcome = { into, replayed: 0, last_event_id: null as string | null, dry_run: dryRun === true }
      const isWhole = await untilInterrupted(async (signal) => {
        await replay({ query, into, speed: factor, dryRun: dryRun === true }, client, terminal, signal, (told) => { outcome = told })
      })
      show(terminal, options.format, outcome, ({ replayed }) => `${counted(replayed, 'event')} ${dryRun === true ? 'would be replayed' : 'replayed'} into ${into}.`)
      if (!isWhole) throw new Failure(outcome.last_event_id === null ? 'Interrupted before the first event.' : `Interrupted behind ${outcome.last_event_id}; go on with --from ${outcome.last_event_id} --to ${until}.`)
    })
  examples(command,
    'cco events replay --into shop --correlation-id release-7 --dry-run',
    'cco events replay --into staging --from 2026-11-20T08:00:00Z --to 2026-11-20T09:00:00Z --speed 10')
}

function speed (text: string): number {
  if (text === 'max') return Infinity
  const factor = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && factor > 0) return factor
  throw new InvalidArgumentError('It must be a number above 0, or max.')
}
