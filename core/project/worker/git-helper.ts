// A small process that git.ts starts, and the only one that starts git: starting a process from one with a large heap stops its event
// loop for as long as the system copies its page tables. It ends with its parent, and when nothing was asked of it for a while.
import { execFile, type ChildProcess } from 'node:child_process'
import { devNull } from 'node:os'

export interface GitRequest {
  id: number
  cwd: string
  args: readonly string[]
  config: readonly (readonly [string, string])[]
  maxBytes: number
  timeoutMs: number
  /** Exit codes that are an answer beside 0. */
  accept: readonly number[]
  /** Transports that may be used; none by default. */
  protocols: string
}

export type GitReply = { id: number, output: Uint8Array } | { id: number, message: string, code: string | number | null }

const IDLE_MS = 5 * 60_000
const AT_ONCE = 8

/** Settings that win over whatever a repository's own configuration says: nothing in it may run a command. */
const SAFE_CONFIG: readonly (readonly [string, string])[] = [
  ['core.fsmonitor', 'false'],
  ['core.hooksPath', devNull],
  ['core.pager', 'cat'],
  ['core.askPass', ''],
  ['core.sshCommand', 'false'],
  ['core.attributesFile', devNull],
  // Rules that belong to a person, or lie outside of the repository, are no part of the project.
  ['core.excludesFile', devNull],
  ['core.untrackedCache', 'false'],
  ['core.quotePath', 'false'],
  ['diff.external', ''],
  ['credential.helper', ''],
  ['protocol.allow', 'never'],
  ['submodule.recurse', 'false'],
  ['log.showSignature', 'false'],
  // The sidecar reads on behalf of the user who started it, with every command above switched off.
  ['safe.directory', '*']
]

function environment (config: GitRequest['config'], protocols: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: devNull,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: devNull,
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    // Wins over `protocol.<name>.allow`, with which a repository could bring a transport back that runs a command.
    GIT_ALLOW_PROTOCOL: protocols,
    GIT_PAGER: 'cat',
    GIT_CONFIG_COUNT: String(config.length)
  }
  config.forEach(([name, value], index) => {
    env[`GIT_CONFIG_KEY_${index}`] = name
    env[`GIT_CONFIG_VALUE_${index}`] = value
  })
  return env
}

const queue: GitRequest[] = []
const running = new Set<ChildProcess>()
let idle = setTimeout(leave, IDLE_MS)

function leave (): void {
  for (const child of running) child.kill('SIGKILL')
  process.exit()
}

function reply (message: GitReply): void {
  // Whoever has gone in the meantime needs no answer.
  if (process.connected) process.send?.(message)
}

function next (): void {
  while (running.size < AT_ONCE) {
    const request = queue.shift()
    if (request === undefined) break
    run(request)
  }
  clearTimeout(idle)
  if (running.size === 0) idle = setTimeout(leave, IDLE_MS)
}

function run ({ id, cwd, args, config, maxBytes, timeoutMs, accept, protocols }: GitRequest): void {
  const child = execFile('git', ['--no-pager', ...args], {
    cwd,
    env: environment([...SAFE_CONFIG, ...config], protocols),
    encoding: 'buffer',
    timeout: timeoutMs,
    maxBuffer: maxBytes,
    killSignal: 'SIGKILL',
    windowsHide: true
  }, (error, output, complaint) => {
    running.delete(child)
    if (error === null || (typeof error.code === 'number' && accept.includes(error.code))) reply({ id, output })
    else if (error.killed === true && error.code == null) reply({ id, message: `no answer within ${timeoutMs / 1000} s`, code: 'ETIMEDOUT' })
    else reply({ id, message: complaint.toString('utf8').trim().split('\n')[0] || error.message, code: error.code ?? null })
    next()
  })
  running.add(child)
}

process.on('disconnect', leave)
// An interrupt at the terminal reaches the whole group; the server ends in its own time, and this process with it.
process.on('SIGINT', () => {})
process.on('message', (request: GitRequest) => {
  queue.push(request)
  next()
})
