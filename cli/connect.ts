import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Option, type Command } from 'commander'
import type { Settings } from '../core/config/settings.js'
import { isLoopbackHost } from '../core/connection.js'
import { codeOf, messageOf } from '../core/errors.js'
import { readAnnouncement } from './announcement.js'
import { createClient, type Client } from './client.js'
import { socketOf } from './exchange.js'
import { Failure } from './failure.js'
import type { Format } from './output.js'
import type { Terminal } from './terminal.js'

export interface AddressingOptions {
  url?: string
  port?: string
  token?: string
  ca?: string
  storage?: string
}

export interface CallingOptions extends AddressingOptions {
  format: Format
}

export const TOKEN_FILE = 'operator.token'

/** Adds the option that every command with an answer has. */
export function withFormat (command: Command): Command {
  return command
    .addOption(new Option('--format <format>', 'how the answer is printed').choices(['human', 'json']).default('human'))
    .addOption(new Option('--json', 'the same as --format json').implies({ format: 'json' }))
}

/** Adds the options that say which sidecar is meant. */
export function addressing (command: Command): Command {
  return command.optionsGroup('Which sidecar:')
    .option('--url <url>', 'address of the sidecar, or unix:/path of its socket (CCO_SIDECAR_URL; else the one that runs, or the host and port of the settings)')
    .option('--port <port>', 'port of the sidecar on this machine (CCO_SIDECAR_PORT)')
    .option('--token <token>', 'token to present (CCO_SIDECAR_TOKEN; else the operator\'s, from the storage folder)')
    .option('--ca <file>', 'certificate of the authority that signed the sidecar\'s, PEM (CCO_SIDECAR_CA; else that of the settings)')
    .option('--storage <dir>', 'storage folder of the sidecar (CCO_SIDECAR_STORAGE)')
}

/** Adds the options of every command that calls a running sidecar. */
export function calling (command: Command): Command {
  return withFormat(addressing(command).optionsGroup('Output:'))
}

/** A client of the sidecar that options, environment, its own announcement and configuration name, in this order. */
export async function connect (options: AddressingOptions, terminal: Terminal): Promise<Client> {
  const { env } = terminal
  const url = options.port === undefined ? options.url ?? given(env.CCO_SIDECAR_URL) : options.url
  const token = options.token ?? given(env.CCO_SIDECAR_TOKEN)
  const named = options.ca ?? given(env.CCO_SIDECAR_CA)
  if (url !== undefined && token !== undefined) return createClient({ url, ca: named, token: async () => token })
  const { loadConfiguration } = await import('./configuration.js')
  const { settings } = await loadConfiguration({ port: options.port, storage: options.storage }, terminal)
  const isPlaceGiven = options.port !== undefined || given(env.CCO_SIDECAR_PORT) !== undefined || given(env.CCO_SIDECAR_HOST) !== undefined
  const announced = url === undefined && !isPlaceGiven ? await readAnnouncement(settings.storage) : undefined
  const target = url ?? (announced === undefined ? sidecarUrl(settings, settings.port) : announced.socket === null ? announced.url : `unix:${announced.socket}`)
  const ca = named ?? announced?.ca ?? settings.tls.ca ?? settings.tls.cert
  if (token !== undefined) return createClient({ url: target, ca, token: async () => token })
  // The operator's token opens everything; it goes to this machine only.
  if (url !== undefined && !isLoopback(url)) {
    return createClient({ url, ca, token: async () => undefined, tokenHint: 'Give one with --token or CCO_SIDECAR_TOKEN; the operator token of this machine is sent to loopback addresses only.' })
  }
  const file = join(settings.storage, TOKEN_FILE)
  return createClient({ url: target, ca, token: () => readToken(file), tokenHint: `Give one with --token or CCO_SIDECAR_TOKEN; there is no ${file}.` })
}

/** Where commands on this machine reach a sidecar of these settings; a certificate is for names, mostly. */
export function sidecarUrl ({ host, tls, access }: Pick<Settings, 'host' | 'tls' | 'access'>, port: number): string {
  return tls.cert === undefined ? `http://${addressOf(host)}:${port}` : `https://${access.hosts[0] ?? addressOf(host)}:${port}`
}

function given (value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}

/** Where a sidecar that listens on `host` is reached from here. */
export function addressOf (host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

function isLoopback (url: string): boolean {
  if (socketOf(url) !== undefined) return true
  return URL.canParse(url) && isLoopbackHost(new URL(url).hostname)
}

export async function readToken (file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
    throw new Failure(`The operator token ${file} cannot be read: ${messageOf(error)}.`, { cause: error })
  }
}
