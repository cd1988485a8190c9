import { readdir, readFile, readlink } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:net'
import { json } from 'node:stream/consumers'
import { codeOf } from '../../errors.js'
import { check } from '../check.js'
import type { Check } from '../finding.js'

const ANSWER_MS = 2000

/** Whether one can listen where the settings say; and if not, who does. */
export const port: Check = check('port', async ({ settings: { host, port: number, tls } }) => {
  const at = `port ${number} on ${host}`
  const code = await new Promise<string | undefined>((resolve) => {
    const server = createServer()
    server.once('error', (error) => { resolve(codeOf(error) ?? 'unknown') })
    server.listen({ host, port: number }, () => { server.close(() => { resolve(undefined) }) })
  })
  if (code === undefined) return [{ state: 'ok', text: `One can listen at ${at}.` }]
  if (code === 'EACCES') return [{ state: 'problem', text: `This user may not listen at ${at}.`, advice: 'Choose a port above 1023 with --port.' }]
  if (code !== 'EADDRINUSE') return [{ state: 'problem', text: `One cannot listen at ${at} (${code}).`, advice: 'Choose an address of this machine with --host.' }]
  const version = await sidecarAt(host, number, tls.cert !== undefined)
  if (version !== undefined) return [{ state: 'ok', text: `A sidecar of version ${version} listens at ${at}.` }]
  const holder = await listenerOf(number)
  return [{ state: 'problem', text: `${at[0]!.toUpperCase()}${at.slice(1)} is taken by ${holder ?? 'another program'}.`, advice: 'End that program, or choose another port with --port.' }]
})

/** The version of the sidecar that answers there. It is asked who it is and told nothing, so that any certificate will do. */
async function sidecarAt (host: string, number: number, isSecure: boolean): Promise<string | undefined> {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  const { request } = isSecure ? await import('node:https') : await import('node:http')
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ host: name, port: number, path: '/health', signal: AbortSignal.timeout(ANSWER_MS), agent: false, rejectUnauthorized: false }, resolve).once('error', reject).end()
    })
    const { service, version } = await json(answer) as { service?: unknown, version?: unknown }
    return service === 'orchestration-sidecar' ? String(version) : undefined
  } catch {
    // Whatever it is, it is no sidecar.
    return undefined
  }
}

/** Name and number of the process that listens at a port, where the system shows it: Linux, and processes of the same user. */
async function listenerOf (number: number): Promise<string | undefined> {
  const tables = await Promise.all(['tcp', 'tcp6'].map(async (table) => await readFile(`/proc/net/${table}`, 'utf8').catch(() => '')))
  const wanted = number.toString(16).toUpperCase().padStart(4, '0')
  // local address, remote address, state (0A listens), queues, timer, retransmissions, user, time-out, inode
  const sockets = new Set(tables.join('\n').split('\n').map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(`:${wanted}`) === true && state === '0A').map((cells) => `socket:[${cells[9]!}]`))
  if (sockets.size === 0) return undefined
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => [])
    const targets = await Promise.all(descriptors.map(async (descriptor) => await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')))
    if (targets.some((target) => sockets.has(target))) return `${(await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'a process')).trim()} (process ${pid})`
  }
  return undefined
}
