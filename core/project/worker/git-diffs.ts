import { git } from './git.js'
import type { GitSettings } from './git-settings.js'
import type { StatusEntry } from './git-status.js'

// Cut before secrets are looked for, for the sake of memory, and far behind what is shown.
const MAX_READ_CHARACTERS = 1_000_000
const MAX_DIFF_CHARACTERS = 16_000
const MAX_DIFF_BYTES = 64 * 1024 * 1024

/** Content of a blob. */
export async function readBlob (root: string, hash: string): Promise<Buffer> {
  return await git(root, ['cat-file', 'blob', hash])
}

/** A change of which nothing is in the index: what is there is as in the head. */
const UNSTAGED = new Set(['.M', '.D'])

/** The diffs of files against the head, by path. One that cannot be had (a file changing under git's hands) is unknown, not empty. */
export async function readDiffs (root: string, entries: readonly StatusEntry[], config: GitSettings['noFilters']): Promise<Map<string, string>> {
  // To compare one file with the head, git takes time in the square of all files (measured: 4 s of 100,000); with the index it takes none.
  const isUnstaged = ({ code }: StatusEntry): boolean => UNSTAGED.has(code)
  const [unstaged, others] = await Promise.all([
    readDiffsFrom(root, [], entries.filter(isUnstaged), config),
    readDiffsFrom(root, ['HEAD'], entries.filter((entry) => !isUnstaged(entry)), config)
  ])
  return new Map([...unstaged, ...others])
}

async function readDiffsFrom (root: string, base: readonly string[], entries: readonly StatusEntry[], config: GitSettings['noFilters']): Promise<Map<string, string>> {
  if (entries.length === 0) return new Map()
  const paths = entries.map(({ path }) => path)
  const read = async (some: readonly string[], maxBytes: number): Promise<Map<string, string>> => {
    const output = await git(root, ['diff', '--no-ext-diff', '--no-textconv', '--no-color', '--no-renames', '--ignore-submodules=all', '--src-prefix=a/', '--dst-prefix=b/', '--relative', ...base, '--', ...some], { config, maxBytes })
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

/** As much of a diff as is shown. Cut only when clean: half a secret is not found any more. */
export function shortened (diff: string): string {
  return diff.length > MAX_DIFF_CHARACTERS ? `${diff.slice(0, MAX_DIFF_CHARACTERS)}\n… ${diff.length - MAX_DIFF_CHARACTERS} more characters` : diff
}
