import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, FileChange, Logger, WorkProof } from '../../contracts/index.js'
import { messageOf } from '../../errors.js'
import { isNoRepository, type Git } from './git.js'
import { changesBetween, countCommits, type WorkingStatus } from './working-tree.js'

/** How many files are named; a proof is kept in the record and in the result. */
const MAX_FILES = 1000

/** A working tree as it was when an agent was started. */
export interface Baseline {
  head: string | null
  branch: string | null
  /** What was uncommitted already, and what it looked like. */
  uncommitted: Record<string, string>
}

export interface ProofOptions {
  git: Git
  /** What git says of the working tree of a folder; see `createLooks`. */
  look (root: string): Promise<WorkingStatus>
  clock: Clock
  log: Logger
}

/** `null` where there is no git, or where it cannot be asked. */
export async function takeBaseline (options: ProofOptions, root: string): Promise<Baseline | null> {
  return await unlessWithoutGit(options, root, async () => {
    const { head, branch, uncommitted } = await options.look(root)
    const looks = await Promise.all(uncommitted.slice(0, MAX_FILES).map(async ({ path }) => [path, await lookOf(join(root, path))] as const))
    return { head, branch, uncommitted: Object.fromEntries(looks) }
  })
}

/** What came since the baseline. `null` where there is no git, or where it cannot be asked. */
export async function takeProof (options: ProofOptions, root: string, before: Baseline | null): Promise<WorkProof | null> {
  if (before === null) return null
  return await unlessWithoutGit(options, root, async () => {
    const { git, look, clock } = options
    const { branch, head, upstream, ahead, uncommitted } = await look(root)
    const committed = head === null ? [] : await changesBetween(git, root, before.head, head)
    const own: FileChange[] = []
    for (const change of uncommitted) {
      const earlier = before.uncommitted[change.path]
      if (earlier === undefined || earlier !== await lookOf(join(root, change.path))) own.push(change)
    }
    return {
      branch,
      head_before: before.head,
      head_after: head,
      commits: head === null ? 0 : await countCommits(git, root, before.head, head),
      files_committed: committed.slice(0, MAX_FILES),
      files_uncommitted: own.slice(0, MAX_FILES),
      truncated: committed.length > MAX_FILES || own.length > MAX_FILES,
      dirty: uncommitted.length > 0,
      upstream,
      ahead,
      taken_at: new Date(clock()).toISOString()
    }
  })
}

/** Changes whenever somebody writes to the file. */
async function lookOf (path: string): Promise<string> {
  const facts = await lstat(path).catch(() => undefined)
  return facts === undefined ? 'gone' : `${facts.mtimeMs} ${facts.ctimeMs} ${facts.size}`
}

async function unlessWithoutGit<Value> ({ log }: ProofOptions, root: string, ask: () => Promise<Value>): Promise<Value | null> {
  try {
    return await ask()
  } catch (error) {
    // What is not known is not claimed; an agent does its work without it.
    if (!isNoRepository(error)) log.warn({ root, reason: messageOf(error) }, 'git could not say what an agent changed')
    return null
  }
}
