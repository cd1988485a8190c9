import { git } from '../git.js'
import { ownCopy } from '../own-copy.js'
import { indexOfHash, wordSet, type QueryTerm } from './terms.js'

/** Commits that the ranking looks back over. More add little: files move, and so does what words mean. */
const MAX_COMMITS = 1500
/** A commit that touches more files than that is a sweep over the project and says nothing of any one of them. */
const MAX_FILES = 40
const MAX_MESSAGE = 2000

export interface PastCommit {
  /** Words of its message. */
  words: Uint32Array
  files: string[]
}

/** The last commits of a project, newest first; empty without git or commits. */
export async function readHistory (root: string): Promise<PastCommit[]> {
  let output: Buffer
  try {
    output = await git(root, ['log', `--max-count=${MAX_COMMITS}`, '--no-merges', '--name-only', '-z', '--no-renames', '--no-ext-diff', '--no-textconv', '--no-show-signature', '--relative', '--encoding=UTF-8', '--format=%x01%B%x02', '--', '.'])
  } catch {
    // Not under git, or no commit yet.
    return []
  }
  // Commits touch the same files again and again, and a name cut from the output would keep all of it.
  const known = new Map<string, string>()
  const own = (path: string): string => {
    const copy = known.get(path) ?? ownCopy(path)
    known.set(copy, copy)
    return copy
  }
  return output.toString('utf8').split('\x01').slice(1).flatMap((record) => {
    const [message = '', names = ''] = record.split('\x02')
    // One more than counts, with what stands before the first and behind the last: of a sweep over the project the rest is not looked at.
    const files = names.split('\0', MAX_FILES + 3).map((path) => path.replace(/^\n/, '')).filter((path) => path !== '')
    return files.length === 0 || files.length > MAX_FILES ? [] : [{ words: wordSet([message.slice(0, MAX_MESSAGE)]), files: files.map(own) }]
  })
}

/** How well the messages of the commits that touched a file answer a task: path → sum over commits, not normalised. */
export function messageMatch (commits: readonly PastCommit[], query: readonly QueryTerm[]): Map<string, number> {
  const holders = query.map(({ hash }) => commits.reduce((count, { words }) => count + (indexOfHash(words, hash) < 0 ? 0 : 1), 0))
  const weights = query.map(({ weight }, index) => weight * Math.log(1 + (commits.length - holders[index]! + 0.5) / (holders[index]! + 0.5)))
  const found = new Map<string, number>()
  commits.forEach(({ words, files }, age) => {
    let match = 0
    query.forEach(({ hash }, index) => { if (indexOfHash(words, hash) >= 0) match += weights[index]! })
    if (match === 0) return
    // A long message matches by chance, and a large commit says less of each of its files; what is old says less of today.
    const share = match * match / (Math.sqrt(words.length + 8) * Math.sqrt(files.length)) / (1 + age / 500)
    for (const file of files) found.set(file, (found.get(file) ?? 0) + share)
  })
  return found
}

/** What changed together with one file. */
interface Company {
  /** In how many commits the file changed. */
  changes: number
  /** The other files of these, each with the sum of what a commit of so many files says of it. */
  others: ReadonlyMap<string, number>
}

const MOST_COMPANIES = 1000

/** By file; what it was is not counted again for each task and after each edit. */
const companies = new WeakMap<readonly PastCommit[], Map<string, Company>>()

function companyOf (commits: readonly PastCommit[], seed: string): Company {
  const known = companies.get(commits) ?? new Map<string, Company>()
  companies.set(commits, known)
  const held = known.get(seed)
  if (held !== undefined) return held
  let changes = 0
  const others = new Map<string, number>()
  for (const { files } of commits) {
    if (!files.includes(seed)) continue
    changes++
    for (const file of files) if (file !== seed) others.set(file, (others.get(file) ?? 0) + 1 / Math.sqrt(files.length))
  }
  if (known.size >= MOST_COMPANIES) known.clear()
  const company = { changes, others }
  known.set(seed, company)
  return company
}

/** Files that changed together with `seeds` (path → weight): path → how likely a change of the seeds brings one of it, 0…1 for each seed. */
export function changedTogether (commits: readonly PastCommit[], seeds: ReadonlyMap<string, number>): Map<string, number> {
  const found = new Map<string, number>()
  for (const [seed, weight] of seeds) {
    const { changes, others } = companyOf(commits, seed)
    // Two commits are no habit.
    for (const [file, count] of others) found.set(file, (found.get(file) ?? 0) + weight * count / (changes + 4))
  }
  return found
}

/** How often and how lately each file changed: path → sum over its commits, halved every 150 commits. */
export function changeRate (commits: readonly PastCommit[]): Map<string, number> {
  const rates = new Map<string, number>()
  commits.forEach(({ files }, age) => {
    const share = 2 ** (-age / 150) / Math.sqrt(files.length)
    for (const file of files) rates.set(file, (rates.get(file) ?? 0) + share)
  })
  return rates
}
