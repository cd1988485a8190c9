import { randomUUID } from 'node:crypto'
import type { Commit, UncommittedChange } from '../../contracts/context-strategy.js'
import { holdsSecrets } from '../secret-files.js'
import { git } from './git.js'
import { ownCopy } from './own-copy.js'

export interface GitFacts {
  /** `null` when the head is detached. */
  branch: string | null
  /** `null` before the first commit. */
  head: string | null
  remote: string | null
  /** Without credentials. */
  remote_url: string | null
  changes: UncommittedChange[]
}

/** More are what a whole tree brings in: of 100,000 each thread would hold megabytes, and an answer shows 200. */
const MOST_FILES_CHANGED = 1000

/** Takes secrets out of a text; the path says of what kind it is. */
export type Cleaner = (text: string, path: string) => Promise<string>

/** Takes user and password out of a remote's address. */
export function withoutCredentials (url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1')
}

export async function readCommits (root: string, limit: number, clean: Cleaner): Promise<Commit[]> {
  // Marks that no message can hold, as it would have to know them.
  const nonce = randomUUID()
  const [record, field] = [`\x1e${nonce}`, `\x1f${nonce}`]
  const format = `--format=${record}%H${field}%an${field}%at${field}%B${field}`
  let output: Buffer
  try {
    output = await git(root, ['log', `--max-count=${limit}`, '--no-ext-diff', '--no-textconv', '--name-only', '-z', '--no-renames', '--no-show-signature', '--relative', '--encoding=UTF-8', format, '--', '.'])
  } catch {
    // No commit yet.
    return []
  }
  return await Promise.all(output.toString('utf8').split(record).slice(1).map(async (text) => {
    const [hash, author, seconds, message, files] = text.split(field)
    return {
      hash: ownCopy(hash!),
      author: ownCopy(author!),
      timestamp: timeOf(Number(seconds)),
      message: await clean(ownCopy(message!.trim()), 'commit.txt'),
      files_changed: firstPaths(files ?? '')
    }
  }))
}

/** Names end with a NUL; a line break stands before the first. */
function firstPaths (names: string): string[] {
  const paths: string[] = []
  for (let at = 0; at < names.length && paths.length < MOST_FILES_CHANGED;) {
    const found = names.indexOf('\0', at)
    const end = found < 0 ? names.length : found
    const path = names.slice(at, end).replace(/^\n/, '')
    if (path !== '' && !holdsSecrets(path)) paths.push(ownCopy(path))
    at = end + 1
  }
  return paths
}

const LATEST_SECONDS = Date.UTC(9999, 11, 31) / 1000

/** Anybody may write any number into a commit. */
function timeOf (seconds: number): string {
  return new Date(Math.max(0, Math.min(seconds, LATEST_SECONDS)) * 1000).toISOString()
}
