import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** What a child process of the bench can be asked for, by name. */
export type Handlers = Record<string, (argument: never) => unknown>

interface Call { id: number, name: string, argument: unknown }
type Reply = { id: number, value: unknown } | { id: number, error: string }

/** In the child: answers the parent's calls, and ends with the parent. */
export function answerCalls (handlers: Handlers): void {
  process.on('disconnect', () => process.exit())
  process.on('message', ({ id, name, argument }: Call) => {
    const run = handlers[name] as (argument: unknown) => unknown
    Promise.resolve().then(() => run(argument)).then(
      (value) => process.send!({ id, value } satisfies Reply),
      (error: Error) => process.send!({ id, error: error.message } satisfies Reply)
    )
  })
}

const running = new Set<ChildProcess>()

/** A child that ends with this process at the latest. */
export function track (child: ChildProcess): void {
  running.add(child)
  child.once('exit', () => running.delete(child))
}

export function killChildren (): void {
  for (const child of running) child.kill('SIGKILL')
}

export interface Child<Calls extends Handlers> {
  pid: number
  call<Name extends keyof Calls & string> (name: Name, ...argument: Parameters<Calls[Name]>): Promise<Awaited<ReturnType<Calls[Name]>>>
  close (): Promise<void>
}

const END_MS = 10_000

export function startChild<Calls extends Handlers> (module: URL, args: string[], cwd: string): Child<Calls> {
  const child = fork(module, args, {
    cwd, stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced', env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR }
  })
  track(child)
  const pending = new Map<number, { resolve (value: unknown): void, reject (error: Error): void }>()
  let nextId = 0
  const fail = (reason: string): void => {
    for (const { reject } of pending.values()) reject(new Error(reason))
    pending.clear()
  }
  child.on('error', (error) => fail(error.message))
  child.on('exit', (code, signal) => fail(`A process of the bench ended with ${signal ?? `code ${code}`}.`))
  child.on('message', (reply: Reply) => {
    const call = pending.get(reply.id)
    pending.delete(reply.id)
    if ('error' in reply) call?.reject(new Error(reply.error))
    else call?.resolve(reply.value)
  })
  return {
    pid: child.pid!,
    async call (name, ...[argument]) {
      const id = nextId++
      return await new Promise<never>((resolve, reject) => {
        pending.set(id, { resolve: resolve as (value: unknown) => void, reject })
        child.send({ id, name, argument } satisfies Call)
      })
    },
    async close () {
      if (child.exitCode !== null || child.signalCode !== null) return
      const timer = setTimeout(() => child.kill('SIGKILL'), END_MS)
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
      clearTimeout(timer)
    }
  }
}
