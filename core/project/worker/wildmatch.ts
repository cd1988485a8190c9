/**
 * The pattern matching of git's wildmatch.c, on strings that hold one byte per character: what git calls `?` is a byte.
 * A library of regular expressions comes close; git is the truth, and its cases at the edges are easier to follow than to imitate.
 */
const [MATCH, NO_MATCH, ABORT_ALL, ABORT_TO_STARSTAR] = [0, 1, -1, -2]

const [STAR, QUESTION, OPEN, CLOSE, BACKSLASH, SLASH, BANG, CARET, DASH, COLON] = [42, 63, 91, 93, 92, 47, 33, 94, 45, 58]

// From here on, what was tried is remembered: a hostile pattern would take time that grows exponentially with its stars.
const MANY_STEPS = 500
// Longer than any path, and no match for one.
const MAX_PATTERN = 4096

interface Matching {
  pattern: string
  text: string
  /** Whether `/` is matched by nothing but itself and `**`. */
  isPath: boolean
  steps: number
  /** Results by place in the pattern and in the text. */
  known: Map<number, number>
}

export function wildmatch (pattern: string, text: string, isPath: boolean): boolean {
  return pattern.length <= MAX_PATTERN && match({ pattern, text, isPath, steps: 0, known: new Map() }, 0, 0) === MATCH
}

const isSpecial = (code: number): boolean => code === STAR || code === QUESTION || code === OPEN || code === BACKSLASH

/** Code at a place, 0 behind the end. */
const at = (text: string, index: number): number => (index < text.length ? text.charCodeAt(index) : 0)

function match (matching: Matching, from: number, start: number): number {
  if (++matching.steps < MANY_STEPS) return matchFrom(matching, from, start)
  const place = from * (matching.text.length + 1) + start
  const result = matching.known.get(place) ?? matchFrom(matching, from, start)
  matching.known.set(place, result)
  return result
}

function matchFrom (matching: Matching, from: number, start: number): number {
  const { pattern, text, isPath } = matching
  let p = from
  let t = start
  for (; p < pattern.length; p++, t++) {
    const code = at(pattern, p)
    const letter = at(text, t)
    if (letter === 0 && code !== STAR) return ABORT_ALL
    if (code === STAR) {
      const found = matchStar(matching, from, p, t)
      if (typeof found === 'number') return found
      p = found.p
      t = found.t
    } else if (code === OPEN) {
      const set = matchSet(pattern, p, letter)
      if (set === undefined) return ABORT_ALL
      if (!set.isMatch || (isPath && letter === SLASH)) return NO_MATCH
      p = set.end
    } else if (code === QUESTION) {
      if (isPath && letter === SLASH) return NO_MATCH
    } else {
      const literal = code === BACKSLASH ? at(pattern, ++p) : code
      if (letter !== literal) return NO_MATCH
    }
  }
  return t < text.length ? NO_MATCH : MATCH
}

/** What a run of stars decides, or where pattern and text go on behind it (both before the step of the caller's loop). */
function matchStar (matching: Matching, from: number, star: number, start: number): number | { p: number, t: number } {
  const { pattern, text, isPath } = matching
  let p = star + 1
  let crossesSlash = !isPath
  if (at(pattern, p) === STAR) {
    while (at(pattern, p) === STAR) p++
    const before = star - 1
    const isAlone = before < from || at(pattern, before) === SLASH
    if (isPath && isAlone && (p >= pattern.length || at(pattern, p) === SLASH || (at(pattern, p) === BACKSLASH && at(pattern, p + 1) === SLASH))) {
      // `a/**/b` matches `a/b`, too.
      if (at(pattern, p) === SLASH && match(matching, p + 1, start) === MATCH) return MATCH
      crossesSlash = true
    }
  }
  if (p >= pattern.length) return !crossesSlash && text.includes('/', start) ? ABORT_TO_STARSTAR : MATCH
  if (!crossesSlash && at(pattern, p) === SLASH) {
    const slash = text.indexOf('/', start)
    return slash < 0 ? ABORT_ALL : { p, t: slash }
  }
  for (let t = start; ; t++) {
    const next = at(pattern, p)
    if (at(text, t) === 0) return ABORT_ALL
    if (!isSpecial(next)) {
      t = find(text, t, next, crossesSlash)
      if (at(text, t) !== next) return crossesSlash ? ABORT_ALL : ABORT_TO_STARSTAR
    }
    const found = match(matching, p, t)
    if (found !== NO_MATCH) {
      if (!crossesSlash || found !== ABORT_TO_STARSTAR) return found
    } else if (!crossesSlash && at(text, t) === SLASH) return ABORT_TO_STARSTAR
  }
}

/** Where a letter comes next, or where the search ends: at the end of the text or of this part of the path. */
function find (text: string, start: number, letter: number, crossesSlash: boolean): number {
  const part = crossesSlash ? -1 : text.indexOf('/', start)
  const end = part < 0 ? text.length : part
  const found = text.indexOf(String.fromCharCode(letter), start)
  return found < 0 || found > end ? end : found
}

/** A bracket expression at `open`; `undefined` where it is malformed, which makes the pattern match nothing. */
function matchSet (pattern: string, open: number, letter: number): { isMatch: boolean, end: number } | undefined {
  let p = open + 1
  const isNegated = at(pattern, p) === BANG || at(pattern, p) === CARET
  if (isNegated) p++
  let isMatch = false
  let previous = 0
  let code = at(pattern, p)
  do {
    if (code === 0) return undefined
    if (code === BACKSLASH) {
      code = at(pattern, ++p)
      if (code === 0) return undefined
      if (letter === code) isMatch = true
    } else if (code === DASH && previous !== 0 && at(pattern, p + 1) !== 0 && at(pattern, p + 1) !== CLOSE) {
      code = at(pattern, ++p)
      if (code === BACKSLASH) {
        code = at(pattern, ++p)
        if (code === 0) return undefined
      }
      if (letter <= code && letter >= previous) isMatch = true
      code = 0
    } else if (code === OPEN && at(pattern, p + 1) === COLON) {
      const name = p + 2
      const end = pattern.indexOf(']', name)
      if (end < 0) return undefined
      if (end - name < 1 || at(pattern, end - 1) !== COLON) {
        // Without `:]` it is a member like any other.
        if (letter === OPEN) isMatch = true
      } else {
        const members = CLASSES[pattern.slice(name, end - 1)]
        if (members === undefined) return undefined
        if (members.test(String.fromCharCode(letter))) isMatch = true
        p = end
        code = 0
      }
    } else if (letter === code) isMatch = true
    previous = code
    code = at(pattern, ++p)
  } while (code !== CLOSE)
  return { isMatch: isMatch !== isNegated, end: p }
}

/** As git counts them, in ASCII alone. */
const CLASSES: Record<string, RegExp> = Object.assign(Object.create(null) as Record<string, RegExp>, {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  cntrl: /[\0-\x1f\x7f]/, // eslint-disable-line no-control-regex
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[ \t\n\r]/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/
})
