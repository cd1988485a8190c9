import type { FastifyServerOptions } from 'fastify'
import type { Settings } from '../config/settings.js'
import { redactSecrets } from '../secret-text.js'

interface Destination { write (line: string): void }

/** What the server logs with: no header of authorization, and in each line what looks like a secret hidden. Standard output unless a destination is given. */
export async function loggerOf ({ log_level: level, log_format: format }: Pick<Settings, 'log_level' | 'log_format'>, stream?: Destination): Promise<Exclude<FastifyServerOptions['logger'], undefined>> {
  if (level === 'silent') return false
  const options = { level, redact: ['req.headers.authorization', 'headers.authorization'], hooks: { streamWrite: redactSecrets } }
  if (stream !== undefined) return { ...options, stream }
  if (format === 'json') return options
  const { default: pretty } = await import('pino-pretty')
  return { ...options, stream: pretty({ translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname', colorize: process.stdout.isTTY }) }
}
