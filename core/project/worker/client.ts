import { setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { apiError } from '../../errors.js'
import { createRemembered } from './remembered-texts.js'
import type { ProjectOperations, WorkerCall, WorkerReply, WorkerSettings } from './worker.js'

type Redaction = Awaited<ReturnType<ProjectOperations['redact']>>[number]

interface Pending {
  resolve (value: unknown): void
  reject (error: Error): void
}

/** The project worker as seen from the server; it is started with the first call and again after a crash. */
export type ProjectWorker = Omit<ProjectOperations, 'end'> & {
  /** Called when the worker is closed. */
  onClose (listener: () => void): void
  close (): Promise<void>
}

// A crash loop must not become a fork loop of threads.
const MAX_PENDING = 10_000
const END_MS = 500
/**
 * Where new objects lie. The usual 48 MB are filled before anything is collected there. With 8 a first index takes up to 5 % more of a
 * processor, and an answer as long as before.
 */
const YOUNG_MB = 8

export function createProjectWorker (settings: WorkerSettings = { cache: undefined }): ProjectWorker {
  let worker: Worker | undefined
  let nextId = 0
  let closed = false
  const closeListeners: (() => void)[] = []
  const pending = new Map<number, Pending>()

  const failAll = (reason: string): void => {
    worker = undefined
    for (const { reject } of pending.values()) reject(apiError('CTX_001', `The project could not be read: ${reason}.`))
    pending.clear()
  }

  const start = (): Worker => {
    const started = new Worker(new URL('./worker.js', import.meta.url), { stdin: false, workerData: settings, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } })
    started.unref()
    started.on('message', (reply: WorkerReply) => {
      const call = pending.get(reply.id)
      if (call === undefined) return
      pending.delete(reply.id)
      if (pending.size === 0) started.unref()
      // What the system says may name paths of this machine: it is for the log, not for the answer.
      if ('error' in reply) call.reject(apiError('CTX_001', `The project could not be read${reply.error.code === undefined ? '' : ` (${reply.error.code})`}.`, { cause: new Error(reply.error.message) }))
      else call.resolve(reply.value)
    })
    started.on('error', (error) => { if (worker === started) failAll(error.message) })
    started.on('exit', (code) => { if (worker === started) failAll(`the reader ended with code ${code}`) })
    return started
  }

  const call = async <Result>(operation: keyof ProjectOperations, ...args: unknown[]): Promise<Result> => {
    if (closed) throw apiError('SRV_002', 'The sidecar is shutting down.')
    if (pending.size >= MAX_PENDING) throw apiError('SRV_002', 'Too many contexts are being gathered; try again in a moment.', { headers: { 'retry-after': '1' } })
    worker ??= start()
    worker.ref()
    const id = nextId++
    return await new Promise<Result>((resolve, reject) => {
      pending.set(id, { resolve: resolve as (value: unknown) => void, reject })
      worker!.postMessage({ id, operation, args } satisfies WorkerCall)
    })
  }

  /** Lets the worker end the process that it started. */
  const end = async (running: Worker): Promise<void> => {
    const id = nextId++
    await new Promise<void>((resolve) => {
      pending.set(id, { resolve: () => resolve(), reject: () => resolve() })
      running.ref()
      running.once('exit', () => resolve())
      running.postMessage({ id, operation: 'end', args: [] } satisfies WorkerCall)
    })
  }

  return {
    list: async (root, request) => await call('list', root, request),
    prepare: async (root, paths, maxBytes) => await call('prepare', root, paths, maxBytes),
    facts: async (root) => await call('facts', root),
    commits: async (root, limit) => await call('commits', root, limit),
    git: async (cwd, args, options) => await call('git', cwd, args, options),
    search: async (root, title, description, limit, maxBytes) => await call('search', root, title, description, limit, maxBytes),
    index: async (root, maxBytes) => await call('index', root, maxBytes),
    select: async (root, request) => await call('select', root, request),
    symbols: async (root, path, maxBytes) => await call('symbols', root, path, maxBytes),
    redact: createRemembered(async (texts) => await call<Redaction[]>('redact', texts), ({ text }) => text.length),
    onClose (listener) {
      closeListeners.push(listener)
    },
    async close () {
      closed = true
      for (const listener of closeListeners.splice(0)) listener()
      const running = worker
      failAll('the sidecar is shutting down')
      if (running === undefined) return
      await Promise.race([end(running), wait(END_MS, undefined, { ref: false })])
      await running.terminate()
    }
  }
}
