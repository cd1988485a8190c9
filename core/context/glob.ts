/**
 * Whether a `/`-separated path matches a glob of `*` (within a name), `**` (any folders) and `?`.
 * Linear in the product of both lengths whatever the pattern: patterns come from profiles that a repository brings.
 */
export function matchesGlob (path: string, glob: string): boolean {
  return matchNames(path.split('/'), glob.split('/'))
}

function matchNames (names: string[], patterns: string[]): boolean {
  // reachable[i]: the patterns so far match the first i names.
  let reachable = names.map(() => false)
  reachable = [true, ...reachable]
  for (const pattern of patterns) {
    const next: boolean[] = reachable.map(() => false)
    if (pattern === '**') {
      let open = false
      for (let index = 0; index < next.length; index++) {
        open ||= reachable[index]!
        next[index] = open
      }
    } else {
      for (let index = 0; index < names.length; index++) {
        if (reachable[index]! && matchName(names[index]!, pattern)) next[index + 1] = true
      }
    }
    reachable = next
  }
  return reachable[names.length]!
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
