import { createHash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { readCommits, readGitFacts, type GitFacts } from './git-facts.js'
import { decodeText, readGuarded, type ReadRefusal } from './guarded-read.js'
import { closeGit } from './git.js'
import { buffersOf, list, type ListReply, type ListRequest } from './listings.js'
import type { Commit } from '../../contracts/context-strategy.js'

export interface PreparedFile {
  path: string
  /** Redacted. */
  content: string
  size: number
  modified: number
  /** `sha256:` and the hash of the file's own bytes. */
  checksum: string
  /** Of the content as it stands in a JSON document, escapes included. */
  tokens: number
  redactions: number
}

export type Preparation = PreparedFile | { path: string, refused: ReadRefusal }

/** What the worker does for the sidecar. All disk and git work on projects happens here, off the event loop of the server. */
export interface ProjectOperations {
  /** Lists the files as they are on the disk now; see `ListReply`. */
  list (root: string, request: ListRequest): Promise<ListReply>
  prepare (root: string, paths: string[], maxBytes: number): Promise<Preparation[]>
  facts (root: string): Promise<GitFacts | undefined>
  commits (root: string, limit: number): Promise<Commit[]>
  redact (texts: string[]): Promise<{ text: string, count: number }[]>
  countTokens (texts: string[]): Promise<number[]>
  /** Ends what the worker has started. */
  end (): Promise<void>
}

// The rule set and the vocabulary are loaded when the first file needs them, not when the server starts.
const redaction = async () => await import('./redact.js')
const tokenizer = async () => await import('gpt-tokenizer/encoding/o200k_base')

async function clean (text: string, path: string): Promise<string> {
  return (await (await redaction()).redact(text, path)).text
}

async function prepare (root: string, path: string, maxBytes: number): Promise<Preparation> {
  const raw = readGuarded(root, path, maxBytes)
  if (typeof raw === 'string') return { path, refused: raw }
  const text = decodeText(raw.bytes)
  if (text === undefined) return { path, refused: 'binary' }
  const { text: content, count: redactions } = await (await redaction()).redact(text, path)
  return {
    path,
    content,
    size: raw.size,
    modified: raw.modified,
    checksum: `sha256:${createHash('sha256').update(raw.bytes).digest('hex')}`,
    tokens: (await countTokens([JSON.stringify(content)]))[0]!,
    redactions
  }
}

// The tokenizer takes time in the square of the longest run of letters, of signs or of spaces (measured: 16 s for 64,000 characters
// of Chinese), so long runs are counted in pieces. That gives at most a token or two more for each.
const LONG_RUN = /(\S{256}|\s{256})/u

async function countTokens (texts: string[]): Promise<number[]> {
  const { countTokens: count } = await tokenizer()
  // Texts that look like the model's own control tokens are counted as the text they are.
  const options = { disallowedSpecial: new Set<string>() }
  return texts.map((text) => text.split(LONG_RUN).reduce((sum, piece) => sum + (piece === '' ? 0 : count(piece, options)), 0))
}

const operations: ProjectOperations = {
  list,
  prepare: async (root, paths, maxBytes) => await Promise.all(paths.map(async (path) => await prepare(root, path, maxBytes))),
  facts: async (root) => await readGitFacts(root, clean),
  commits: async (root, limit) => await readCommits(root, limit, clean),
  async redact (texts) {
    const { redact } = await redaction()
    return await Promise.all(texts.map(async (text) => await redact(text, 'text.txt')))
  },
  countTokens,
  end: closeGit
}

export interface WorkerCall { id: number, operation: keyof ProjectOperations, args: unknown[] }
export type WorkerReply = { id: number, value: unknown } | { id: number, error: { message: string, code?: string } }

parentPort?.on('message', ({ id, operation, args }: WorkerCall) => {
  const run = operations[operation] as (...args: unknown[]) => Promise<unknown>
  run(...args).then(
    (value) => { parentPort?.postMessage({ id, value } satisfies WorkerReply, operation === 'list' ? buffersOf(value as ListReply) : []) },
    (error: Error & { code?: string }) => {
      parentPort?.postMessage({ id, error: { message: error.message, ...(typeof error.code === 'string' ? { code: error.code } : {}) } } satisfies WorkerReply)
    }
  )
})
