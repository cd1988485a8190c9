import type { Command } from 'commander'
import { examples, segment, wholeNumber } from '../../command-line.js'
import { confirm } from '../../confirm.js'
import { calling, connect, type CallingOptions } from '../../connect.js'
import type { EventFacts } from '../../event-facts.js'
import { Failure, wrongUsage } from '../../failure.js'
import { counted, show, table, time } from '../../output.js'
import type { Terminal } from '../../terminal.js'

interface Letter { event: EventFacts, reason: string, attempts: number, last_error: string, timestamp: string, target?: string }
interface Choosing extends CallingOptions { target?: string, all?: boolean }
interface Redriven { redriven: number, failed: { event_id: string, target?: string, message: string }[], not_found: string[] }

const PATH = '/api/events/dead-letters'
const TARGET = 'of one target, for example group:builders'

/** `cco events dead-letters`: what could not be handed over. */
export function addDeadLetters (group: Command, terminal: Terminal): void {
  const letters = group.command('dead-letters').description('events that could not be handed over; for the operator')
  addList(letters, terminal)
  addRedrive(letters, terminal)
  addPurge(letters, terminal)
  examples(letters, 'cco events dead-letters list', 'cco events dead-letters redrive --all')
}

function addList (letters: Command, terminal: Terminal): void {
  const list = calling(letters.command('list', { isDefault: true })
    .description('dead letters, oldest first')
    .option('--target <target>', TARGET)
    .option('--limit <n>', 'how many', wholeNumber(1, 1000), 100))
    .action(async ({ target, limit, ...options }: CallingOptions & { target?: string, limit: number }) => {
      const client = await connect(options, terminal)
      const answer = await client.call<{ dead_letters: Letter[], next_cursor?: string }>('GET', PATH, { query: { target, limit } })
      show(terminal, options.format, answer, ({ dead_letters: found, next_cursor: more }, colors) => {
        if (found.length === 0) return 'No dead letters.'
        return table(found, [
          { title: 'EVENT', value: ({ event }) => event.event_id },
          { title: 'TYPE', value: ({ event }) => event.event_type },
          { title: 'TARGET', value: ({ target: whom }) => whom },
          { title: 'TRIES', value: ({ attempts }) => attempts, align: 'right' },
          { title: 'SINCE', value: ({ timestamp }) => time(timestamp) },
          { title: 'WHY', value: ({ reason, last_error: error }) => (error === '' ? reason : `${reason}: ${error}`) }
        ], colors) + (more === undefined ? '' : colors.dim('\nThere are later ones; see --limit.'))
      })
    })
  examples(list, 'cco events dead-letters list', 'cco events dead-letters list --target group:builders --format json')
}

function addRedrive (letters: Command, terminal: Terminal): void {
  const redrive = calling(letters.command('redrive')
    .description('hand dead letters over once more')
    .argument('[event_ids...]', 'of these events')
    .option('--target <target>', TARGET)
    .option('--all', 'all of them'))
    .action(async (ids: string[], { target, all, ...options }: Choosing) => {
      checkChoice(ids, target, all)
      const client = await connect(options, terminal)
      const answer = await client.call<Redriven>('POST', `${PATH}/redrive`, { body: all === true ? { all } : { target, event_ids: ids.length === 0 ? undefined : ids }, timeoutMs: 120_000 })
      show(terminal, options.format, answer, ({ redriven, failed, not_found: missing }) => [
        `${counted(redriven, 'dead letter')} handed over once more.`,
        ...failed.map(({ event_id: id, message }) => `${id} was not: ${message}`),
        ...missing.map((id) => `${id} is no dead letter.`)
      ].join('\n'))
      if (answer.failed.length + answer.not_found.length > 0) throw new Failure('')
    })
  examples(redrive, 'cco events dead-letters redrive --target webhook:whk_1', 'cco events dead-letters redrive --all')
}

function addPurge (letters: Command, terminal: Terminal): void {
  const purge = calling(letters.command('purge')
    .description('throw dead letters away, for good')
    .argument('[event_ids...]', 'of these events')
    .option('--target <target>', TARGET)
    .option('--before <time>', 'that are older than a time (RFC 3339)')
    .option('--all', 'all of them')
    .option('--yes', 'do not ask'))
    .action(async (ids: string[], { target, before, all, yes, ...options }: Choosing & { before?: string, yes?: boolean }) => {
      checkChoice(ids, target ?? before, all)
      if (ids.length > 0 && before !== undefined) throw wrongUsage('--before does not go with event ids.')
      if (yes !== true && !await confirm('Throw these dead letters away?', 'add --yes.', terminal)) throw new Failure('Nothing was thrown away.')
      const client = await connect(options, terminal)
      let purged = 0
      for (const path of ids.length === 0 ? [PATH] : ids.map((id) => `${PATH}/${segment(id)}`)) {
        purged += (await client.call<{ purged: number }>('DELETE', path, { query: { target, before, all } })).purged
      }
      show(terminal, options.format, { purged }, () => `${counted(purged, 'dead letter')} thrown away.`)
    })
  examples(purge, 'cco events dead-letters purge --before 2026-11-01T00:00:00Z', 'cco events dead-letters purge --all --yes')
}

function checkChoice (ids: readonly string[], narrowed: string | undefined, all: boolean | undefined): void {
  const isChosen = ids.length > 0 || narrowed !== undefined
  if (isChosen === (all === true)) throw wrongUsage(isChosen ? '--all does not go with a choice.' : 'Say which: event ids, --target, or --all.')
}
