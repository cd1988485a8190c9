import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { provideKeys } from './keys.js'
import type { Answer } from './sidecar.js'

interface Teardown { teardown (handler: () => Promise<void>): unknown }

export interface SidecarProcess {
  pid: number
  address: string
  operator: string
  /** Asks over a real socket; rejects when there is no whole answer. */
  ask (method: string, path: string, options?: { token?: string, body?: unknown, headers?: Record<string, string>, signal?: AbortSignal }): Promise<Answer>
  /** SIGKILL. */
  kill (): Promise<void>
  /** SIGTERM; gives the exit code. */
  stop (): Promise<number | null>
  /** What it has logged so far. */
  log (): string
}

/** Starts a sidecar as a process of its own and waits until it listens; killed when the test ends. */
export async function startSidecarProcess (t: Teardown, { storage, root, settings = {}, environment = {}, program = fileURLToPath(new URL('sidecar-program.js', import.meta.url)), descriptors }: {
  storage: string
  root: string
  /** By flag name. */
  settings?: Record<string, string>
  environment?: Record<string, string>
  /** That of a copy which lacks a safeguard. */
  program?: string
  /** As many files and connections as the process may have open: `ulimit -n`. */
  descriptors?: number
}): Promise<SidecarProcess> {
  await provideKeys(storage)
  const limited = descriptors === undefined ? {} : { execPath: 'sh', execArgv: ['-c', `ulimit -n ${descriptors}; exec "$0" "$@"`, process.execPath] }
  const child = fork(program, [JSON.stringify({ storage, root, settings: { port: '0', 'log-level': 'debug', ...settings } })], {
    env: { ...process.env, ...environment }, silent: true, ...limited
  })
  let output = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => { output += text })
  child.stderr!.setEncoding('utf8').on('data', (text: string) => { output += text })
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  t.teardown(kill)
  const address = await Promise.race([
    once(child, 'message').then(([message]) => message as string),
    exited.then(([code]) => { throw new Error(`The sidecar ended with ${code} before it listened:\n${output}`) })
  ])
  const operator = (await readFile(join(storage, 'operator.token'), 'utf8')).trim()
  return {
    pid: child.pid!,
    address,
    operator,
    kill,
    async stop () {
      child.kill('SIGTERM')
      return (await exited)[0]
    },
    log: () => output,
    async ask (method, path, { token = operator, body, headers = {}, signal } = {}) {
      const answer = await fetch(address + path, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal })
      })
      const text = await answer.text()
      return { status: answer.status, headers: Object.fromEntries(answer.headers), body: text === '' ? undefined : JSON.parse(text) as unknown, text }
    }
  }
}
