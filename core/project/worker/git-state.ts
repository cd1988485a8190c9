import { join, relative, sep } from 'node:path'
import type { Commit, UncommittedChange } from '../../contracts/context-strategy.js'
import { codeOf } from '../../errors.js'
import { look } from './folder.js'
import { createDiffs, type Diffs } from './known-diffs.js'
import { discover, readHead, readText, type GitDirectory } from './git-directory.js'
import { readCommits, withoutCredentials, type Cleaner, type GitFacts } from './git-facts.js'
import { git } from './git.js'
import { readSettings, type GitSettings } from './git-settings.js'
import { hasHiddenAttributes, plainnessOf, readStatus, statusOf, updateStatus, type GitStatus, type KnownEntries, type Plainness, type StatusEntry } from './git-status.js'
import { standingOf, type Standing } from './listings.js'
import { stampOf } from './stamp.js'

/** What git says of one project. Keeps what an edit of a file does not change, so that a process is started only for the rest. */
export interface GitState {
  /** Branch, head, remote and changes; `undefined` where no git can be run. */
  facts (): Promise<GitFacts | undefined>
  /** The last commits, newest first. */
  commits (limit: number): Promise<Commit[]>
}

/** More changes at once are left to git, which compares them faster. */
const MAX_CHANGED = 100
const MAX_LIMITS = 8
const MAX_INDEXED = 1000

/** A status that git told, brought up to date since. */
interface Known {
  key: string
  version: number
  marks: string
  isPlain: Plainness
  entries: StatusEntry[]
  /** Entries of the index that were looked for. */
  indexed: KnownEntries
  diffs: Diffs
}

/** Texts pass through `clean`. */
export function createGitState (root: string, clean: Cleaner): GitState {
  let settings: { text: string, settings: GitSettings } | undefined
  let known: Known | undefined
  let history: { key: string, commits: Map<number, Promise<Commit[]>> } | undefined
  let last: Promise<unknown> = Promise.resolve()

  const settingsOf = async (directory: GitDirectory | undefined): Promise<GitSettings> => {
    const text = directory?.configText
    if (text !== undefined && settings?.text === text) return settings.settings
    const read = await readSettings(root)
    // As it was read before and after.
    if (text !== undefined && directoryOf(root)?.configText === text) settings = { text, settings: read }
    return read
  }

  const statusNow = async (directory: GitDirectory, prefix: string, config: GitSettings['noFilters']): Promise<{ entries: StatusEntry[], standing: Standing | undefined }> => {
    const standing = standingOf(root)
    const key = keyOf(directory, standing)
    const kept = known
    const changed = standing === undefined || kept?.key !== key || kept.marks !== standing.marks ? undefined : standing.changedSince(kept.version)
    if (standing !== undefined && kept !== undefined && changed !== undefined && changed.size <= MAX_CHANGED && kept.isPlain.files && isOrdinary(root, [...changed, ...kept.entries.flatMap(({ path, code }) => (code === '?' ? [] : [path]))], standing)) {
      if (kept.indexed.size > MAX_INDEXED) kept.indexed.clear()
      const entries = await updateStatus(root, prefix, directory, standing.files, kept.entries, changed, kept.indexed)
      if (entries !== undefined) {
        known = { ...kept, version: standing.version, entries }
        return { entries, standing }
      }
    }
    const { entries } = await readStatus(root, prefix, false, config)
    const isSame = standing !== undefined && keyOf(directory, standing) === key
    const isPlain = standing === undefined ? { files: false, diffs: false } : plainnessOf(root, directory, standing.files, entries)
    known = isSame ? { key, version: standing.version, marks: standing.marks, isPlain, entries, indexed: new Map(), diffs: createDiffs(root, clean, isPlain.diffs) } : undefined
    return { entries, standing }
  }

  /** For a repository that only git can read. */
  const askAll = async (config: GitSettings['noFilters']): Promise<GitStatus & { standing: undefined }> => {
    known = undefined
    const prefix = (await git(root, ['rev-parse', '--show-prefix'])).toString('utf8').replace(/\n$/, '')
    return { ...await readStatus(root, prefix, true, config), standing: undefined }
  }

  const changesOf = async (entries: readonly StatusEntry[], hasHead: boolean, config: GitSettings['noFilters'], standing: Standing | undefined): Promise<UncommittedChange[]> => {
    const changes = entries.map(({ path, code }): UncommittedChange => ({ path, status: statusOf(code), diff: null }))
    // Diffs against the head, of which there is none yet.
    if (!hasHead) return changes
    const diffs = known?.diffs ?? createDiffs(root, clean, false)
    const found = await diffs.of(entries.filter(({ code }) => code !== '?'), config, standing?.files)
    for (const change of changes) change.diff = found.get(change.path) ?? null
    return changes
  }

  const read = async (): Promise<GitFacts | undefined> => {
    const directory = directoryOf(root)
    let found: GitSettings
    try {
      found = await settingsOf(directory)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    }
    const { branch, head, entries, standing } = directory === undefined ? await askAll(found.noFilters) : { ...headOf(directory), ...await statusNow(directory, prefixOf(root, directory), found.noFilters) }
    return {
      branch,
      head,
      remote: found.remote,
      remote_url: found.remoteUrl === null ? null : await clean(withoutCredentials(found.remoteUrl), 'url.txt'),
      changes: await changesOf(entries, head !== null, found.noFilters, standing)
    }
  }

  return {
    async facts () {
      // One after the other: each begins with what the one before has found.
      const turn = last.then(read)
      last = turn.catch(() => {})
      return await turn
    },
    async commits (limit) {
      const directory = directoryOf(root)
      if (directory === undefined) return await readCommits(root, limit, clean)
      const key = historyKeyOf(directory)
      if (history?.key !== key) history = { key, commits: new Map() }
      const { commits } = history
      const present = commits.get(limit)
      if (present !== undefined) return await present
      const reading = readCommits(root, limit, clean)
      commits.set(limit, reading)
      if (commits.size > MAX_LIMITS) commits.delete(commits.keys().next().value!)
      const found = await reading.catch((error: unknown) => {
        commits.delete(limit)
        throw error
      })
      // What was read while the head moved may be of either, and none at all may be a failure.
      if (found.length === 0 || historyKeyOf(directory) !== key) commits.delete(limit)
      return found
    }
  }
}

function directoryOf (root: string): GitDirectory | undefined {
  const found = discover(root)
  return typeof found === 'object' ? found : undefined
}

function prefixOf (root: string, { top }: GitDirectory): string {
  const path = relative(top, root).split(sep).join('/')
  return path === '' ? '' : `${path}/`
}

function headOf (directory: GitDirectory): Pick<GitStatus, 'branch' | 'head'> {
  const { branch, commit } = readHead(directory)
  return { branch, head: commit }
}

/** Whether files are no rules of git themselves, and no rules hold for them that are not listed. */
function isOrdinary (root: string, paths: readonly string[], { files }: Standing): boolean {
  return paths.every((path) => !/(?:^|\/)\.git(?:attributes|modules)$/.test(path) && !hasHiddenAttributes(root, path, files))
}

function stampsOf (paths: readonly string[]): string {
  return paths.map((path) => {
    const facts = look(path)
    return facts === undefined ? '' : stampOf(facts)
  }).join('\0')
}

/** Tells one head, index and configuration from another, also when one has given way to another and come back. */
function keyOf (directory: GitDirectory, standing: Standing | undefined): string {
  const { own, common } = directory
  const { reference } = readHead(directory)
  const paths = [join(own, 'index'), join(own, 'HEAD'), ...(reference === null ? [] : [join(common, reference)]), join(common, 'info', 'attributes')]
  return [standing?.repository, stampsOf(paths), historyKeyOf(directory)].join('\0')
}

/** Tells one history from another: by its head, and by what makes git see other commits behind it. */
function historyKeyOf (directory: GitDirectory): string {
  const { common, configText } = directory
  const { commit } = readHead(directory)
  return [commit, configText, readText(join(common, 'shallow')), stampsOf(['refs/replace', 'packed-refs', 'info/grafts'].map((path) => join(common, path)))].join('\0')
}
