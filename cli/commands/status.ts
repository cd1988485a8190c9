import type { Command } from 'commander'
import { examples } from '../command-line.js'
import { calling, connect, type CallingOptions } from '../connect.js'
import { counted, duration, pairs, show } from '../output.js'
import type { Colors, Terminal } from '../terminal.js'

interface Status {
  agents: { active: number, completed: number, failed: number, spawned_total: number, by_type: Record<string, number>, avg_execution_time_ms: number | null }
  storage: { context_cache_entries: number, cache_hit_rate: number, results_stored: number, total_size_mb: number, storage_path: string }
  events: { total_published: number, total_delivered: number, active_subscriptions: number, queue_depth: number, dead_letter_queue_size: number, avg_delivery_time_ms: number }
  performance: { avg_response_time_ms: number, p95_response_time_ms: number, p99_response_time_ms: number, requests_per_second: number, errors_per_minute: number }
}

/** `cco status`: what the sidecar does and has done. */
export function addStatus (program: Command, terminal: Terminal): void {
  const command = calling(program.command('status').description('agents, results, events and response times of a running sidecar'))
    .action(async (options: CallingOptions) => {
      const client = await connect(options, terminal)
      show(terminal, options.format, await client.call<Status>('GET', '/status'), describe)
    })
  examples(command, 'cco status', 'cco status --format json | jq .agents.active')
}

function describe ({ agents, storage, events, performance }: Status, colors: Colors): string {
  const types = Object.entries(agents.by_type).map(([type, count]) => `${count} ${type}`).join(', ')
  const average = agents.avg_execution_time_ms
  return pairs([
    ['agents', `${agents.active} active${types === '' ? '' : ` (${types})`}, ${agents.completed} completed, ${agents.failed} failed, ${agents.spawned_total} spawned${average === null || average === 0 ? '' : `, ${duration(average)} on average`}`],
    ['results', `${storage.results_stored} stored`],
    ['events', `${events.total_published} published, ${events.total_delivered} delivered in ${round(events.avg_delivery_time_ms)} ms on average, ${events.active_subscriptions} waiting, ${events.queue_depth} queued, ${counted(events.dead_letter_queue_size, 'dead letter')}`],
    ['context cache', `${counted(storage.context_cache_entries, 'entry', 'entries')}, ${Math.round(storage.cache_hit_rate * 100)} % hits`],
    ['storage', `${round(storage.total_size_mb)} MiB in ${storage.storage_path}`],
    ['responses', `${round(performance.avg_response_time_ms)} ms on average, ${round(performance.p95_response_time_ms)} ms p95, ${round(performance.p99_response_time_ms)} ms p99`],
    ['load', `${round(performance.requests_per_second)} requests/s, ${round(performance.errors_per_minute)} errors/min`]
  ], colors)
}

function round (value: number): number {
  return Math.round(value * 10) / 10
}
