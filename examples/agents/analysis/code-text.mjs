// A copy of source text in which comments and strings are spaces, so that brackets and keywords in it are code.
// Line breaks stay: positions and line numbers are those of the original.

const HASH_COMMENTS = new Set(['python', 'ruby', 'shell', 'elixir', 'php'])
const NO_SLASH_COMMENTS = new Set(['python', 'ruby', 'shell', 'elixir'])
const SCRIPT = new Set(['javascript', 'typescript', 'vue', 'svelte'])
const QUOTED_STRINGS = new Set(['javascript', 'typescript', 'vue', 'svelte', 'python', 'ruby', 'shell', 'elixir', 'php', 'dart'])
const BEFORE_REGEX = /(^|[(,=:[!&|?{};+\-*%<>~^]|\b(return|typeof|case|in|of|delete|void|throw|new|await|yield))\s*$/
// Bounds, so that no text can make the scan slow: a longer regular expression, or a deeper template, is taken for a mistake.
const LONGEST_REGEX = 2000
const DEEPEST_TEMPLATE = 20
const CHARACTER = /'(\\[^']{1,10}|[^\\'\n])'/y

export function blankText (text, language) {
  const code = text.split('')
  const slashes = !NO_SLASH_COMMENTS.has(language)
  const script = SCRIPT.has(language)
  let at = 0
  while (at < text.length) {
    const end = skipped(at)
    if (end === at) {
      at++
      continue
    }
    for (let i = at; i < end; i++) if (code[i] !== '\n') code[i] = ' '
    at = end
  }
  return code.join('')

  /** Where the comment or string that starts at `i` ends; `i` where none does. */
  function skipped (i) {
    const character = text[i]
    if (character === '/' && slashes) {
      if (text[i + 1] === '/') return endOfLine(i)
      if (text[i + 1] === '*') return after('*/', i + 2)
      if (script && BEFORE_REGEX.test(lineBefore(i))) return endOfRegex(i)
    }
    if (character === '#' && HASH_COMMENTS.has(language)) return endOfLine(i)
    if (character === '"' || character === "'") {
      if (text.startsWith(character.repeat(3), i)) return after(character.repeat(3), i + 3)
      if (character === '"' || QUOTED_STRINGS.has(language)) return endOfString(i)
      // Elsewhere a single quote is one character, or a lifetime in Rust.
      CHARACTER.lastIndex = i
      return CHARACTER.test(text) ? CHARACTER.lastIndex : i
    }
    if (character === '`' && script) return endOfTemplate(i)
    if (character === '`' && language === 'go') return after('`', i + 1)
    return i
  }

  function lineBefore (i) {
    const near = text.slice(Math.max(0, i - 40), i)
    return near.slice(near.lastIndexOf('\n') + 1)
  }

  function endOfLine (i) {
    const end = text.indexOf('\n', i)
    return end < 0 ? text.length : end
  }

  function after (mark, from) {
    const end = text.indexOf(mark, from)
    return end < 0 ? text.length : end + mark.length
  }

  /** A string ends with its line even where the quote is missing, so that one mistake does not blank the rest of the file. */
  function endOfString (start) {
    for (let i = start + 1; i < text.length; i++) {
      if (text[i] === '\\') i++
      else if (text[i] === text[start]) return i + 1
      else if (text[i] === '\n') return i
    }
    return text.length
  }

  function endOfRegex (start) {
    let inClass = false
    for (let i = start + 1; i < start + LONGEST_REGEX && i < text.length && text[i] !== '\n'; i++) {
      if (text[i] === '\\') i++
      else if (text[i] === '[') inClass = true
      else if (text[i] === ']') inClass = false
      else if (text[i] === '/' && !inClass) return i + 1
    }
    return start
  }

  function endOfTemplate (start, depth = 0) {
    if (depth > DEEPEST_TEMPLATE) return text.length
    let braces = 0
    for (let i = start + 1; i < text.length; i++) {
      if (text[i] === '\\') i++
      else if (braces === 0 && text[i] === '`') return i + 1
      else if (braces === 0 && text.startsWith('${', i)) { braces = 1; i++ } else if (braces > 0) {
        if (text[i] === '{') braces++
        else if (text[i] === '}') braces--
        else if (text[i] === '`') i = endOfTemplate(i, depth + 1) - 1
      }
    }
    return text.length
  }
}

/** The line number, from 1, of a position: `lines = lineStarts(text)` once, then `lineAt(lines, position)`. */
export function lineStarts (text) {
  const starts = [0]
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) starts.push(i + 1)
  return starts
}

export function lineAt (starts, position) {
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (starts[middle] <= position) low = middle
    else high = middle - 1
  }
  return low + 1
}
