import { wildmatch } from './wildmatch.js'

/** One ignore file. Paths and patterns hold one byte per character. */
export interface IgnoreList {
  /** Folder of the file relative to the top of the repository: empty, or with a slash at its end. */
  readonly base: string
  /** Position of the last pattern that is just this name: for anything, and for folders. */
  readonly names: ReadonlyMap<string, { any: number, folder: number }>
  /** All other patterns, in their order. */
  readonly patterns: readonly Pattern[]
  readonly negative: readonly boolean[]
}

/** Ignore files that hold in a folder, the nearest first. */
export interface IgnoreChain {
  readonly list: IgnoreList
  readonly outer: IgnoreChain | undefined
}

interface Pattern {
  position: number
  folderOnly: boolean
  matches (path: string, name: string): boolean
}

/** A path with one character for each of its bytes, as git compares it. */
export function bytesOf (path: string): string {
  // eslint-disable-next-line no-control-regex
  return /^[\x00-\x7f]*$/.test(path) ? path : Buffer.from(path, 'utf8').toString('latin1')
}

const WILD = /[*?[\\]/

/** Reads an ignore file as git does (dir.c). */
export function parseIgnoreFile (content: Buffer, base: string): IgnoreList {
  const names = new Map<string, { any: number, folder: number }>()
  const patterns: Pattern[] = []
  const negative: boolean[] = []
  const text = content.toString('latin1').replace(/^\u00EF\u00BB\u00BF/, '')
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue
    // What stands behind a NUL is not seen by git.
    const whole = trimSpaces(line.replace(/\r$/, '').split('\0', 1)[0]!)
    const isNegative = whole.startsWith('!')
    const marked = isNegative ? whole.slice(1) : whole
    const folderOnly = marked.endsWith('/')
    const pattern = folderOnly ? marked.slice(0, -1) : marked
    if (pattern === '') continue
    const position = negative.push(isNegative) - 1
    if (pattern.includes('/')) patterns.push({ position, folderOnly, matches: pathMatcher(pattern) })
    else if (WILD.test(pattern)) patterns.push({ position, folderOnly, matches: nameMatcher(pattern) })
    else {
      const known = names.get(pattern) ?? { any: -1, folder: -1 }
      names.set(pattern, folderOnly ? { ...known, folder: position } : { any: position, folder: position })
    }
  }
  return { base, names, patterns, negative }
}

/** Takes spaces from the end of a line, except those that a backslash guards. */
function trimSpaces (line: string): string {
  let end = 0
  for (let index = 0; index < line.length; index++) {
    if (line[index] === '\\') {
      // A backslash at the very end guards nothing, and nothing is trimmed.
      if (++index >= line.length) return line
    } else if (line[index] === ' ') continue
    end = index + 1
  }
  return line.slice(0, end)
}

function nameMatcher (pattern: string): Pattern['matches'] {
  const rest = pattern.slice(1)
  if (pattern.startsWith('*') && !WILD.test(rest)) return (_path, name) => name.endsWith(rest)
  return (_path, name) => wildmatch(pattern, name, false)
}

function pathMatcher (pattern: string): Pattern['matches'] {
  const anchored = pattern.startsWith('/') ? pattern.slice(1) : pattern
  const wild = anchored.search(WILD)
  if (wild < 0) return (path) => path === anchored
  // The part before the first wildcard is compared as it is, and what follows is a pattern of its own.
  const [prefix, rest] = [anchored.slice(0, wild), anchored.slice(wild)]
  return (path) => path.startsWith(prefix) && wildmatch(rest, path.slice(prefix.length), true)
}

/** Whether the last pattern that matches says so; folders above the path are the caller's business. `path` is relative to the top. */
export function isIgnored (path: string, isFolder: boolean, chain: IgnoreChain | undefined): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1)
  for (let link = chain; link !== undefined; link = link.outer) {
    const position = lastMatch(link.list, path.slice(link.list.base.length), name, isFolder)
    if (position >= 0) return !link.list.negative[position]!
  }
  return false
}

function lastMatch ({ names, patterns }: IgnoreList, path: string, name: string, isFolder: boolean): number {
  const literal = names.get(name)
  const known = literal === undefined ? -1 : isFolder ? literal.folder : literal.any
  for (let index = patterns.length - 1; index >= 0; index--) {
    const { position, folderOnly, matches } = patterns[index]!
    if (position < known) break
    if ((isFolder || !folderOnly) && matches(path, name)) return position
  }
  return known
}
