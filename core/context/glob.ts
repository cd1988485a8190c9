type Test = (name: string) => boolean

/** `undefined` stands for `**`. */
type Pattern = Test | undefined

/**
 * Whether a `/`-separated path matches a glob of `*` (within a name), `**` (any folders) and `?`.
 * Linear in the product of both lengths whatever the pattern: patterns come from profiles that a repository brings.
 */
export function matchesGlob (path: string, glob: string): boolean {
  return compileGlob(glob)(path)
}

/** `matchesGlob` for many paths: the glob is taken apart once. */
export function compileGlob (glob: string): (path: string) => boolean {
  const patterns = glob.split('/').map((name): Pattern => name === '**' ? undefined : compileName(name))
  return (path) => matchNames(path.split('/'), patterns)
}

/** Greedy with one point of return, the last `**`: an earlier one could take nothing that this one cannot. */
function matchNames (names: readonly string[], patterns: readonly Pattern[]): boolean {
  let at = 0
  let anything = -1
  let resume = 0
  let position = 0
  while (position < names.length) {
    const test = patterns[at]
    if (at < patterns.length && test === undefined) {
      anything = at++
      resume = position
    } else if (test?.(names[position]!) === true) {
      at++
      position++
    } else if (anything >= 0) {
      at = anything + 1
      position = ++resume
    } else {
      return false
    }
  }
  while (at < patterns.length && patterns[at] === undefined) at++
  return at === patterns.length
}

/** Names without a sign, and those with one star, are most of what is asked for. */
function compileName (pattern: string): Test {
  if (pattern.includes('?')) return (name) => matchName(name, pattern)
  const [start, end, more] = pattern.split('*')
  if (end === undefined) return (name) => name === pattern
  if (more !== undefined) return (name) => matchName(name, pattern)
  return (name) => name.length >= pattern.length - 1 && name.startsWith(start!) && name.endsWith(end)
}

/** Greedy with one point of return, which is enough for `*` within a name. */
function matchName (name: string, pattern: string): boolean {
  let at = 0
  let star = -1
  let resume = 0
  let position = 0
  while (position < name.length) {
    if (pattern[at] === '*') {
      star = at++
      resume = position
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[position])) {
      at++
      position++
    } else if (star >= 0) {
      at = star + 1
      position = ++resume
    } else {
      return false
    }
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
