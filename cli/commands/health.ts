import type { Command } from 'commander'
import { examples } from '../command-line.js'
import { calling, connect, type CallingOptions } from '../connect.js'
import { Failure } from '../failure.js'
import { duration, pairs, paintState, show } from '../output.js'
import type { Terminal } from '../terminal.js'

interface Health {
  status: string
  version: string
  uptime_seconds: number
  checks: Record<string, unknown>
}

/** `cco health`: exit code 0 only when the sidecar is healthy. */
export function addHealth (program: Command, terminal: Terminal): void {
  const command = calling(program.command('health').description('whether the sidecar is healthy; exit code 1 when it is not'))
    .action(async (options: CallingOptions) => {
      const client = await connect(options, terminal)
      const { status, body } = await client.answer<Health>('GET', '/health', { accept: [503], timeoutMs: 10_000 })
      show(terminal, options.format, body, (health, colors) => [
        `${paintState(health.status, health.status, colors)}  ${client.url}  version ${health.version}, up ${duration(health.uptime_seconds * 1000)}`,
        pairs(Object.entries(health.checks ?? {}).map(([name, value]) => [name.replaceAll('_', ' '), textOf(value)]), colors)
      ].join('\n'))
      if (status === 503) throw new Failure('')
    })
  examples(command, 'cco health', 'cco health --url http://127.0.0.1:3002 --format json')
}

function textOf (value: unknown): string | number {
  return typeof value === 'number' || typeof value === 'string' ? value : JSON.stringify(value)
}
