import { setImmediate as nextTurn } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { createContextOperations, type ContextOperations, type Found } from './context-operations.js'
import type { GitFacts } from './git-facts.js'
import { createGitState, type GitState } from './git-state.js'
import { closeGit, type GitOptions } from './git.js'
import { guardedGit } from './guarded-git.js'
import { buffersOf, headOf, list, listedFiles, standingOf, type ListReply, type ListRequest } from './listings.js'
import { prepareText, redactText, type Preparation } from './prepare.js'
import type { Selection } from './select.js'
import type { Commit } from '../../contracts/context-strategy.js'

/** What the worker does for the sidecar. All disk and git work on projects happens here, off the event loop of the server. */
export interface ProjectOperations extends ContextOperations {
  /** Lists the files as they are on the disk now; see `ListReply`. */
  list (root: string, request: ListRequest): Promise<ListReply>
  prepare (root: string, paths: string[], maxBytes: number): Promise<Preparation[]>
  facts (root: string): Promise<GitFacts | undefined>
  commits (root: string, limit: number): Promise<Commit[]>
  /** Runs git with every command of the repository's configuration switched off, and gives its output. */
  git (cwd: string, args: readonly string[], options?: GitOptions): Promise<Uint8Array>
  redact (texts: string[]): Promise<{ text: string, count: number }[]>
  /** Ends what the worker has started. */
  end (): Promise<void>
}

export interface WorkerSettings {
  /** Folder for what is kept between starts; `undefined` keeps nothing. */
  cache: string | undefined
}

async function clean (text: string, path: string): Promise<string> {
  return (await redactText(text, path)).text
}

const states = new Map<string, GitState>()

function gitOf (root: string): GitState {
  const state = states.get(root) ?? createGitState(root, clean)
  states.set(root, state)
  return state
}

const { cache } = workerData as WorkerSettings
const { flush, follow, ...context } = createContextOperations(async (root) => {
  if (listedFiles(root) === undefined) await list(root, { since: undefined, dirty: undefined, isTrusted: false })
  return { files: listedFiles(root)!, head: headOf(root), standing: standingOf(root) }
}, cache)

function followListing (root: string): void {
  const standing = standingOf(root)
  // What goes wrong goes wrong again for whoever asks, and is told then.
  if (standing !== undefined) follow(root, standing).catch(() => {})
}

/** What git says is wanted when an answer is put together; who searches at the same time has work to do with what is found, and goes first. */
async function behindSearches<Result> (ask: () => Promise<Result>): Promise<Result> {
  await nextTurn()
  return await ask()
}

const operations: ProjectOperations = {
  async list (root, request) {
    const reply = await list(root, request)
    // Once the reply is on its way.
    setImmediate(followListing, root)
    return reply
  },
  ...context,
  prepare: async (root, paths, maxBytes) => await Promise.all(paths.map(async (path) => await prepareText(root, path, maxBytes))),
  facts: async (root) => await behindSearches(async () => await gitOf(root).facts()),
  commits: async (root, limit) => await behindSearches(async () => await gitOf(root).commits(limit)),
  git: async (cwd, args, options) => await guardedGit(cwd, args, options),
  redact: async (texts) => await Promise.all(texts.map(async (text) => await redactText(text, 'text.txt'))),
  async end () {
    await flush()
    await closeGit()
  }
}

export interface WorkerCall { id: number, operation: keyof ProjectOperations, args: unknown[] }
export type WorkerReply = { id: number, value: unknown } | { id: number, error: { message: string, code?: string } }

/** What is handed over instead of copied. */
function transfersOf (operation: keyof ProjectOperations, value: unknown): ArrayBuffer[] {
  switch (operation) {
    case 'list': return buffersOf(value as ListReply)
    case 'select': return [(value as Selection).json.buffer as ArrayBuffer]
    case 'search': {
      const { paths, scores } = value as Found
      return [paths.bytes.buffer, paths.groups.buffer, scores.buffer] as ArrayBuffer[]
    }
    default: return []
  }
}

parentPort?.on('message', ({ id, operation, args }: WorkerCall) => {
  const run = operations[operation] as (...args: unknown[]) => Promise<unknown>
  run(...args).then(
    (value) => { parentPort?.postMessage({ id, value } satisfies WorkerReply, transfersOf(operation, value)) },
    (error: Error & { code?: string }) => {
      parentPort?.postMessage({ id, error: { message: error.message, ...(typeof error.code === 'string' ? { code: error.code } : {}) } } satisfies WorkerReply)
    }
  )
})
