import { randomUUID } from 'node:crypto'
import { relative, sep } from 'node:path'
import type { Commit, UncommittedChange } from '../../contracts/context-strategy.js'
import { codeOf } from '../../errors.js'
import { holdsSecrets } from '../secret-files.js'
import { git, splitNames } from './git.js'
import { discover, readHead } from './git-directory.js'
import { readSettings, type GitSettings } from './git-settings.js'

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

// Cut before secrets are looked for, for the sake of memory, and far behind what is shown.
const MAX_READ_CHARACTERS = 1_000_000
const MAX_DIFF_CHARACTERS = 16_000
const MAX_DIFFS = 100
const MAX_DIFF_BYTES = 64 * 1024 * 1024

type Cleaner = (text: string, path: string) => Promise<string>

/** Branch, head, remote and changes; texts pass through `clean`, which takes secrets out. `undefined` where no git can be run. */
export async function readGitFacts (root: string, clean: Cleaner): Promise<GitFacts | undefined> {
  let settings: GitSettings
  try {
    settings = await readSettings(root)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
  const found = discover(root)
  // What can be read without git saves it from comparing the branch with its remote one.
  const known = typeof found === 'object' ? { ...readHead(found), prefix: relative(found.top, root).split(sep).join('/') } : undefined
  const [status, prefix] = await Promise.all([
    git(root, ['status', '--porcelain=v2', ...(known === undefined ? ['--branch', '--no-ahead-behind'] : []), '--untracked-files=all', '--ignore-submodules=all', '--no-renames', '-z', '--', '.'], { config: settings.noFilters }),
    known === undefined ? git(root, ['rev-parse', '--show-prefix']).then((text) => text.toString('utf8').replace(/\n$/, '')) : known.prefix === '' ? '' : `${known.prefix}/`
  ])
  const told = parseStatus(splitNames(status).names, prefix)
  const [branch, head] = known === undefined ? [told.branch, told.head] : [known.branch, known.commit]
  const tracked = told.changes.filter((change) => change.status !== 'untracked').slice(0, MAX_DIFFS)
  const diffs = head === null ? new Map<string, string>() : await readDiffs(root, tracked.map((change) => change.path), settings.noFilters)
  for (const change of tracked) {
    const diff = diffs.get(change.path)
    // Cut only when clean: half a secret is not found any more.
    change.diff = diff === undefined ? null : shorten(await clean(diff, change.path))
  }
  return {
    branch,
    head,
    remote: settings.remote,
    remote_url: settings.remoteUrl === null ? null : await clean(withoutCredentials(settings.remoteUrl), 'url.txt'),
    changes: told.changes
  }
}

function shorten (diff: string): string {
  return diff.length > MAX_DIFF_CHARACTERS ? `${diff.slice(0, MAX_DIFF_CHARACTERS)}\n… ${diff.length - MAX_DIFF_CHARACTERS} more characters` : diff
}

/** `prefix` is the project's folder within its repository, which git puts before every path of a status. */
function parseStatus (records: readonly string[], prefix: string): Pick<GitFacts, 'branch' | 'head' | 'changes'> {
  let branch: string | null = null
  let head: string | null = null
  const changes: UncommittedChange[] = []
  for (const record of records) {
    if (record.startsWith('# branch.oid ')) head = record.endsWith('(initial)') ? null : record.slice('# branch.oid '.length)
    else if (record.startsWith('# branch.head ')) branch = record.endsWith('(detached)') ? null : record.slice('# branch.head '.length)
    else if (record.startsWith('? ')) changes.push({ path: record.slice(2), status: 'untracked', diff: null })
    else if (record.startsWith('1 ')) {
      const [, code] = record.split(' ', 2)
      changes.push({ path: record.split(' ').slice(8).join(' '), status: statusOf(code!), diff: null })
    } else if (record.startsWith('u ')) changes.push({ path: record.split(' ').slice(10).join(' '), status: 'conflicted', diff: null })
  }
  const own = changes.filter(({ path }) => path.startsWith(prefix) && !holdsSecrets(path))
  return { branch, head, changes: own.map((change) => ({ ...change, path: change.path.slice(prefix.length) })) }
}

function statusOf (code: string): UncommittedChange['status'] {
  if (code.includes('A')) return 'added'
  return code.includes('D') ? 'deleted' : 'modified'
}

/** The diffs of files against the head, by path. One that cannot be had (a file changing under git's hands) is unknown, not empty. */
async function readDiffs (root: string, paths: readonly string[], config: GitSettings['noFilters']): Promise<Map<string, string>> {
  if (paths.length === 0) return new Map()
  const read = async (some: readonly string[], maxBytes: number): Promise<Map<string, string>> => {
    const output = await git(root, ['diff', '--no-ext-diff', '--no-textconv', '--no-color', '--no-renames', '--ignore-submodules=all', '--src-prefix=a/', '--dst-prefix=b/', '--relative', 'HEAD', '--', ...some], { config, maxBytes })
    return splitDiffs(output.toString('utf8'), some)
  }
  try {
    return await read(paths, MAX_DIFF_BYTES)
  } catch {
    // One of them is enormous, or fails: the others are still to be had.
    const single = await Promise.all(paths.map(async (path) => await read([path], MAX_DIFF_BYTES).catch(() => new Map<string, string>())))
    return new Map(single.flatMap((diffs) => [...diffs]))
  }
}

/** Takes the diffs of several files apart. Only a header begins with `diff`: lines of files begin with a space or a sign. */
function splitDiffs (output: string, paths: readonly string[]): Map<string, string> {
  const byHeader = new Map(paths.map((path) => [`diff --git ${quote(`a/${path}`)} ${quote(`b/${path}`)}`, path]))
  const diffs = new Map<string, string>()
  const starts = [...output.matchAll(/^diff --git /gm)].map((match) => match.index)
  starts.forEach((start, index) => {
    const text = output.slice(start, starts[index + 1] ?? output.length)
    const path = byHeader.get(text.slice(0, text.indexOf('\n')))
    // A file that became a link, or the reverse, is told as deleted and as added.
    if (path !== undefined) diffs.set(path, `${diffs.get(path) ?? ''}${text}`.slice(0, MAX_READ_CHARACTERS))
  })
  return diffs
}

const ESCAPES: Record<string, string> = { '\u0007': '\\a', '\b': '\\b', '\t': '\\t', '\n': '\\n', '\v': '\\v', '\f': '\\f', '\r': '\\r', '"': '\\"', '\\': '\\\\' }

/** A name as git writes it with `core.quotePath` off. */
function quote (name: string): string {
  // eslint-disable-next-line no-control-regex
  const quoted = name.replace(/[\x00-\x1f\x7f"\\]/g, (character) => ESCAPES[character] ?? `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`)
  return quoted === name ? name : `"${quoted}"`
}

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
      hash: hash!,
      author: author!,
      timestamp: timeOf(Number(seconds)),
      message: await clean(message!.trim(), 'commit.txt'),
      files_changed: (files ?? '').split('\0').map((path) => path.replace(/^\n/, '')).filter((path) => path !== '' && !holdsSecrets(path))
    }
  }))
}

const LATEST_SECONDS = Date.UTC(9999, 11, 31) / 1000

/** Anybody may write any number into a commit. */
function timeOf (seconds: number): string {
  return new Date(Math.max(0, Math.min(seconds, LATEST_SECONDS)) * 1000).toISOString()
}
