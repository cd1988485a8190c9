import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { InvalidArgumentError, Option, type Command } from 'commander'
import type { AuditRecord } from '../../core/contracts/index.js'
import { examples, instant, wholeNumber } from '../command-line.js'
import { loadConfiguration } from '../configuration.js'
import { withFormat } from '../connect.js'
import { Failure } from '../failure.js'
import { counted, printable, show, table, time, type Format } from '../output.js'
import type { Colors, Terminal } from '../terminal.js'
import { untilInterrupted } from '../until-interrupted.js'

interface Options { storage?: string, format: Format }
interface Search extends Options {
  action?: string
  outcome?: string
  actor?: string
  project?: string
  resource?: string
  address?: string
  requestId?: string
  since?: Date
  until?: Date
  text?: string
  limit: number
}

const FOLLOW_MS = 500

/** `cco audit`: who did what; reads the files, so it needs no running sidecar. */
export function addAudit (program: Command, terminal: Terminal): void {
  const group = program.command('audit').description('who did what: verify, follow and search the audit log')
  addVerify(group, terminal)
  addTail(group, terminal)
  addSearch(group, terminal)
  examples(group, 'cco audit verify', 'cco audit search --outcome refused --since 1d')
}

function addVerify (group: Command, terminal: Terminal): void {
  const verify = reading(group.command('verify')
    .description('prove that nothing was cut off, edited, reordered or dropped; ends with 1 where something was')
    .addOption(new Option('--head <seq:hash>', 'end of the log as it was noted elsewhere').argParser(link)))
    .action(async ({ head, ...options }: Options & { head?: { seq: number, hash: string } }) => {
      const { verifyAuditLog } = await import('../../core/audit/verify.js')
      const answer = await verifyAuditLog(await directoryOf(options, terminal), head)
      if (answer.files === 0 && answer.faults.length === 0) throw new Failure('There is no audit log in this storage.')
      show(terminal, options.format, { whole: answer.faults.length === 0, ...answer }, ({ records, files, faults, head: end, unfinished_bytes: unfinished }, colors) => [
        ...faults.map(({ kind, file, line, message }) => `${colors.red(kind)}  ${file}:${line}  ${message}`),
        faults.length === 0 ? colors.green(`Whole: ${counted(records, 'record')} in ${counted(files, 'file')}.`) : `${counted(records, 'record')} in ${counted(files, 'file')} could be read.`,
        ...(unfinished > 0 ? [`The last line is being written, or was never finished: ${counted(unfinished, 'byte')}.`] : []),
        ...(end === null ? [] : [`It ends with ${end.seq}:${end.hash}`])
      ].join('\n'))
      if (answer.faults.length > 0) throw new Failure('')
    })
  examples(verify, 'cco audit verify', 'cco audit verify --head 1204:9f2c…e1 --format json')
}

function addTail (group: Command, terminal: Terminal): void {
  const tail = reading(group.command('tail')
    .description('the last records')
    .option('-n, --lines <n>', 'how many', wholeNumber(0, 10_000), 20)
    .option('-f, --follow', 'go on with what is written'))
    .action(async ({ lines, follow = false, ...options }: Options & { lines: number, follow?: boolean }) => {
      const directory = await directoryOf(options, terminal)
      const { endOf, newestFirst, recordsSince } = await import('../../core/audit/read.js')
      const print = printer(options.format, terminal)
      let position = follow ? await endOf(directory).catch(() => ({ file: 1, offset: 0 })) : undefined
      const last: AuditRecord[] = []
      for await (const record of newestFirst(directory)) {
        if (last.length >= lines) break
        last.unshift(record)
      }
      for (const record of last) print(record)
      if (position === undefined) return
      let shown = last.at(-1)?.seq ?? 0
      await untilInterrupted(async (signal) => {
        for (;;) {
          const news = await recordsSince(directory, position!)
          position = news.position
          for (const record of news.records.filter(({ seq }) => seq > shown)) print(record)
          shown = Math.max(shown, news.records.at(-1)?.seq ?? 0)
          await sleep(FOLLOW_MS, undefined, { signal })
        }
      })
    })
  examples(tail, 'cco audit tail', 'cco audit tail -n 0 --follow --format json')
}

function addSearch (group: Command, terminal: Terminal): void {
  const search = reading(group.command('search')
    .description('records that meet all conditions, newest first')
    .option('--action <action>', 'for example token.issued, or token. for all of tokens')
    .addOption(new Option('--outcome <outcome>', 'what became of it').choices(['success', 'refused', 'failed']))
    .option('--actor <id>', 'agent that acted, or operator, sidecar, cli')
    .option('--project <id>', 'project')
    .option('--resource <text>', 'what it was done to, for example agent/test-engineer-1')
    .option('--address <ip>', 'address that the request came from')
    .option('--request-id <id>', 'request')
    .option('--since <age|date>', 'an age like 1d or 12h, or a date like 2026-11-01', instant)
    .option('--until <age|date>', 'the same', instant)
    .option('--text <text>', 'anywhere in the record')
    .option('--limit <n>', 'how many', wholeNumber(1, 100_000), 100))
    .action(async (options: Search) => {
      const { newestFirst } = await import('../../core/audit/read.js')
      const found: AuditRecord[] = []
      for await (const record of newestFirst(await directoryOf(options, terminal))) {
        if (found.length >= options.limit) break
        if (meets(record, options)) found.push(record)
      }
      show(terminal, options.format, { records: found }, ({ records }, colors) => (records.length === 0 ? 'No such records.' : describe(records, colors)))
    })
  examples(search, 'cco audit search --action token. --actor operator', 'cco audit search --outcome refused --since 1d', 'cco audit search --resource agent/test-engineer-1 --format json')
}

function reading (command: Command): Command {
  return withFormat(command.option('--storage <dir>', 'the storage; as for cco start by default'))
}

async function directoryOf ({ storage }: Options, terminal: Terminal): Promise<string> {
  const { settings } = await loadConfiguration(storage === undefined ? {} : { storage: resolve(terminal.cwd, storage) }, terminal)
  return join(settings.storage, 'audit')
}

function meets (record: AuditRecord, { action, outcome, actor, project, resource, address, requestId, since, until, text }: Search): boolean {
  const is = (value: unknown, wanted: string | undefined): boolean => wanted === undefined || value === wanted
  const at = Date.parse(record.time)
  return (action === undefined || record.action === action || (action.endsWith('.') && record.action.startsWith(action))) &&
    is(record.outcome, outcome) && is(record.actor, actor) && is(record.project, project) && is(record.resource, resource) &&
    is(record.address, address) && is(record.request_id, requestId) &&
    (since === undefined || at >= since.getTime()) && (until === undefined || at < until.getTime()) &&
    (text === undefined || JSON.stringify(record).includes(text))
}

function printer (format: Format, terminal: Terminal): (record: AuditRecord) => void {
  return (record) => { terminal.out(format === 'json' ? JSON.stringify(record) : line(record, terminal.colors)) }
}

function line ({ time: at, action, count, outcome, code, actor, resource = '', address }: AuditRecord, colors: Colors): string {
  const what = `${action}${count === undefined ? '' : ` ×${count}`}`
  const became = printable(outcome === 'success' ? '' : `${outcome} ${code ?? ''}`.trim())
  const who = printable(`${actor ?? 'somebody'}${address === undefined ? '' : ` at ${address}`}`)
  return [colors.dim(time(at)), what, colors.yellow(became), who, printable(resource)].filter((part) => part !== '' && part !== colors.yellow('')).join('  ')
}

function describe (records: readonly AuditRecord[], colors: Colors): string {
  return table(records, [
    { title: 'TIME', value: (record) => time(record.time) },
    { title: 'ACTION', value: ({ action, count }) => (count === undefined ? action : `${action} ×${count}`) },
    { title: 'OUTCOME', value: ({ outcome, code }) => (code === undefined ? outcome : `${outcome} ${code}`), paint: (text, { outcome }) => (outcome === 'success' ? text : colors.yellow(text)) },
    { title: 'ACTOR', value: ({ actor }) => actor },
    { title: 'RESOURCE', value: ({ resource }) => resource },
    { title: 'ADDRESS', value: ({ address }) => address },
    { title: 'REQUEST', value: ({ request_id: id }) => id }
  ], colors)
}

function link (text: string): { seq: number, hash: string } {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text)
  if (match === null) throw new InvalidArgumentError('It must look like 1204:<64 digits>, as the last line of cco audit verify.')
  return { seq: Number(match[1]), hash: match[2]! }
}
