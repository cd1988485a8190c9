import { fork, type ChildProcess } from 'node:child_process'
import { CircuitBreakers } from '../../circuit-breakers.js'
import { codeOf } from '../../errors.js'
import type { GitReply, GitRequest } from './git-helper.js'

const MAX_OUTPUT = 256 * 1024 * 1024
const TIMEOUT_MS = 20_000
/** In one folder, in a row. */
const TIMEOUTS = 3
const PAUSE_MS = 30_000

export interface GitOptions {
  config?: readonly (readonly [string, string])[]
  /** Whether paths mean just themselves; `true` by default, and not understood by every command. */
  literal?: boolean
  /** Output beyond this is a failure. */
  maxBytes?: number
  /** How long it may take; 20 s by default. */
  timeoutMs?: number
  /** Exit codes that are an answer beside 0; none by default. */
  accept?: readonly number[]
  /** Transports that it may use, as in `GIT_ALLOW_PROTOCOL`; none by default. */
  protocols?: string
}

interface Pending {
  request: GitRequest
  /** Tried once more when the helper ends under it. */
  isSecond: boolean
  resolve (output: Buffer): void
  reject (error: Error): void
}

let helper: ChildProcess | undefined
let nextId = 0
const pending = new Map<number, Pending>()
/** By folder. Where git hangs, as on a file system that does not answer, each call would hold one of few places for all of its time. */
const breakers = new CircuitBreakers({ failures: TIMEOUTS, pauseMs: PAUSE_MS, clock: () => performance.now(), onChange () {} })

/**
 * Runs git in a folder, by way of the helper, and gives its output; rejects with git's own message, with the code ETIMEDOUT when it took too
 * long, and at once with EAGAIN for 30 s after it did so three times in a row in that folder.
 */
export async function git (cwd: string, args: readonly string[], { config = [], literal = true, maxBytes = MAX_OUTPUT, timeoutMs = TIMEOUT_MS, accept = [], protocols = 'none' }: GitOptions = {}): Promise<Buffer> {
  const request = { id: nextId++, cwd, args: [...(literal ? ['--literal-pathspecs'] : []), ...args], config, maxBytes, timeoutMs, accept, protocols }
  if (breakers.blockedUntil(cwd) !== undefined) throw fault(request, `gave no answer here ${TIMEOUTS} times in a row, and is left alone for a while`, 'EAGAIN')
  const who = String(request.id)
  breakers.pass(cwd, who)
  try {
    const output = await new Promise<Buffer>((resolve, reject) => send({ request, isSecond: false, resolve, reject }))
    breakers.succeeded(cwd)
    return output
  } catch (error) {
    // A refusal is an answer. When the helper ends, that says nothing of git.
    const code = codeOf(error)
    if (code === 'ETIMEDOUT') breakers.failed(cwd, who)
    else if (code === 'HELPER_ENDED') breakers.passedOver(cwd, who)
    else breakers.succeeded(cwd)
    throw error
  }
}

function send (call: Pending): void {
  helper ??= start()
  if (pending.size === 0) helper.channel?.ref()
  pending.set(call.request.id, call)
  helper.send(call.request)
}

function start (): ChildProcess {
  const child = fork(new URL('./git-helper.js', import.meta.url), {
    // Nothing of the server's environment but where git is found.
    env: { PATH: process.env.PATH },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced'
  })
  child.unref()
  child.channel?.unref()
  child.on('message', (reply: GitReply) => {
    const call = take(reply.id)
    if (call === undefined) return
    if ('output' in reply) {
      const { buffer, byteOffset, byteLength } = reply.output
      call.resolve(Buffer.from(buffer, byteOffset, byteLength))
    } else call.reject(fault(call.request, reply.message, reply.code))
  })
  const fail = (reason: string): void => {
    if (helper !== child) return
    helper = undefined
    const calls = [...pending.values()]
    pending.clear()
    for (const call of calls) {
      if (call.isSecond) call.reject(fault(call.request, reason, 'HELPER_ENDED'))
      else send({ ...call, isSecond: true })
    }
  }
  child.on('error', (error) => fail(error.message))
  child.on('exit', () => fail('the process that runs git ended'))
  return child
}

function take (id: number): Pending | undefined {
  const call = pending.get(id)
  pending.delete(id)
  if (pending.size === 0) helper?.channel?.unref()
  return call
}

function fault ({ args }: GitRequest, message: string, code: string | number | null): Error {
  return Object.assign(new Error(`git ${args.find((arg) => !arg.startsWith('--')) ?? ''}: ${message}`), { code })
}

/** Ends the helper; a later call starts another. */
export async function closeGit (): Promise<void> {
  const child = helper
  if (child === undefined) return
  helper = undefined
  for (const { request, reject } of pending.values()) reject(fault(request, 'the sidecar is shutting down', 'HELPER_ENDED'))
  pending.clear()
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.ref()
  // It ends what it runs, and then itself.
  if (child.connected) child.disconnect()
  await ended
}

/** The strings of a NUL-separated listing that are valid UTF-8, and how many were not. */
export function splitNames (output: Buffer): { names: string[], unreadable: number } {
  const names: string[] = []
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let unreadable = 0
  let start = 0
  while (start < output.length) {
    const end = output.indexOf(0, start)
    const stop = end < 0 ? output.length : end
    try {
      if (stop > start) names.push(decoder.decode(output.subarray(start, stop)))
    } catch {
      // A name that is no UTF-8 cannot be written in JSON; it is counted and said.
      unreadable++
    }
    start = stop + 1
  }
  return { names, unreadable }
}
