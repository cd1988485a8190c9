import { languageOf } from '../../core/project/languages.js'
import type { Hunk } from './hunks.js'

/** Lines around a change that somebody needs to see where it goes. */
const AROUND = 2
const DEEPEST_DEFINITION = 8

const HASH_COMMENTS = new Set(['python', 'ruby', 'shell', 'r', 'perl', 'elixir', 'powershell'])
const DASH_COMMENTS = new Set(['sql', 'lua', 'haskell'])

interface Line {
  text: string
  /** Blank, or wholly a comment: what a version without comments leaves out. */
  kind: 'code' | 'comment' | 'blank'
}

/** A file as it is on the disk, ready to be looked for in answers. */
export interface Original {
  text: string
  lines: readonly Line[]
  definitions: readonly string[]
}

const MODIFIER = '(?:export|default|declare|pub(?:\\([^)]*\\))?|public|private|protected|internal|static|abstract|final|override|virtual|async|unsafe|const|extern|inline|sealed|open|data|partial|readonly|synchronized|suspend)'
const NOT_A_NAME = '(?!(?:if|for|while|switch|catch|return|else|do|with|await|match|loop|using|lock|synchronized|try|throw|new|super|assert|function|yield|typeof|elif|unless|until|when|guard)\\b)'
const NO_NESTED_FUNCTION = '(?!.*(?:=>|\\bfunction\\b))'

/** Lines that begin a function, method, class or type, in the languages that programs are written in. */
const DEFINITIONS: readonly RegExp[] = [
  new RegExp(`^\\s*(?:${MODIFIER}\\s+)*(?:function\\b\\*?|func\\b|fn\\b|impl\\b)\\s*[\\w$(<*'"]`),
  new RegExp(`^\\s*(?:${MODIFIER}\\s+)*(?:class|interface|@interface|trait|struct|enum|union|record|type|def|fun|module|namespace|mod|macro_rules!|protocol|extension|actor|object)\\s+[\\w$<'"\`]`),
  // const handler = async (request) => …, exports.handler = function …, Reply.prototype.send = function …
  /^\s*(?:export\s+)?(?:(?:const|let|var|val)\s+[\w$]+|[\w$]+(?:\.[\w$]+)+)\s*(?::[^=]+)?=\s*(?:async\s+)?(?:function\b|class\b|\([^()]*\)\s*(?::[^=]+)?=>|[\w$]+\s*=>)/,
  // Methods: name (…) {, get name () {, Type<Other> name (…) throws Failure {
  new RegExp(`^\\s*${NOT_A_NAME}${NO_NESTED_FUNCTION}(?:[\\w$<>\\[\\],.*&:?~]+\\s+)*[*&#~]?[\\w$]+\\s*(?:<[^>]*>\\s*)?\\([^'"\`]*\\)\\s*(?::[^={]+|throws\\s[^{]+|const\\s*|noexcept\\s*)?\\{\\s*$`),
  // The first line of a method whose parameters follow on others.
  new RegExp(`^\\s*(?:public|private|protected|internal)\\s+(?:${MODIFIER}\\s+)*(?:<[^>]*>\\s*)?[\\w$<>\\[\\],.?]+\\s+[\\w$]+\\s*\\(`)
]

export function isDefinition (line: string): boolean {
  const indent = line.length - line.trimStart().length
  return indent <= DEEPEST_DEFINITION && DEFINITIONS.some((pattern) => pattern.test(line))
}

export function readOriginal (path: string, text: string): Original {
  const written = text.split('\n')
  const lines = classify(written, languageOf(path))
  return { text, lines, definitions: written.filter((line, index) => lines[index]!.kind === 'code' && isDefinition(line)).map(bare) }
}

function classify (lines: readonly string[], language: string | undefined): Line[] {
  const hash = language !== undefined && HASH_COMMENTS.has(language)
  const dash = language !== undefined && DASH_COMMENTS.has(language)
  let inBlock = false
  return lines.map((line) => {
    const text = line.trim()
    if (text === '') return { text, kind: 'blank' }
    if (hash || dash) return { text, kind: text.startsWith(hash ? '#' : '--') && !text.startsWith('#!') ? 'comment' : 'code' }
    if (inBlock) {
      inBlock = !text.includes('*/')
      return { text, kind: 'comment' }
    }
    if (text.startsWith('//')) return { text, kind: 'comment' }
    if (!text.startsWith('/*')) return { text, kind: 'code' }
    const end = text.indexOf('*/', 2)
    inBlock = end < 0
    return { text, kind: end < 0 || end === text.length - 2 ? 'comment' : 'code' }
  })
}

/** A declaration without what opens or stands for its body, which an outline may write in its own way. */
function bare (line: string): string {
  return line.trim().replace(/(?:[\s{}…;:,]|\.\.\.)+$/, '')
}

/** Whether an answered content shows at least half of what the file defines, or of its lines where it defines nothing. */
export function showsHalf (original: Original, content: string): boolean {
  const shown = content.split('\n')
  if (original.definitions.length > 0) {
    const lines = new Set(shown.map(bare))
    return original.definitions.filter((definition) => lines.has(definition)).length * 2 >= original.definitions.length
  }
  const lines = new Set(shown.map((line) => line.trim()))
  const written = original.lines.filter((line) => line.kind !== 'blank')
  return written.filter((line) => lines.has(line.text)).length * 2 >= written.length
}

/** The lines that must be seen of a change: its own, and those around it. */
function windowOf ({ start, count }: Hunk, lines: readonly Line[]): { from: number, to: number } {
  // 0-based, `to` exclusive. An insertion comes between the lines `start` and `start + 1`.
  const first = count === 0 ? start : start - 1
  return { from: Math.max(0, first - AROUND), to: Math.min(lines.length, first + count + AROUND) }
}

interface Wanted {
  text: string
  /** May be missing from the answer. */
  optional: boolean
}

function wantedLines (hunk: Hunk, lines: readonly Line[]): Wanted[] {
  const { from, to } = windowOf(hunk, lines)
  const changed = hunk.count === 0 ? [] : lines.slice(hunk.start - 1, hunk.start - 1 + hunk.count)
  // Who is to change a comment has to see it; around code it may be missing.
  const aboutComments = changed.some((line) => line.kind === 'comment') && changed.every((line) => line.kind !== 'code')
  const isOptional = (line: Line): boolean => line.kind === 'blank' || (line.kind === 'comment' && !aboutComments)
  const tells = (line: Line): boolean => !isOptional(line) && /[\p{L}\p{N}]/u.test(line.text)
  let begin = from
  let end = to
  // Closing braces alone would be found anywhere.
  while (begin > 0 && !lines.slice(begin, end).some(tells)) begin--
  while (end < lines.length && !lines.slice(begin, end).some(tells)) end++
  const wanted = lines.slice(begin, end)
  const nothing = !wanted.some(tells)
  return wanted.map((line) => ({ text: line.text, optional: line.kind === 'blank' || (!nothing && isOptional(line)) }))
}

/** Whether an answered content shows the lines of a change and those around it one after the other, comments and blank lines apart. */
export function showsHunk (original: Original, content: string, hunk: Hunk): boolean {
  if (content === original.text) return true
  const wanted = wantedLines(hunk, original.lines)
  const shown = content.split('\n').map((line) => line.trim())
  return shown.some((_line, at) => followsAt(shown, at, wanted))
}

function followsAt (shown: readonly string[], at: number, wanted: readonly Wanted[]): boolean {
  let next = at
  for (const { text, optional } of wanted) {
    let here = next
    if (text !== '') while (shown[here] === '') here++
    if (shown[here] === text) next = here + 1
    else if (!optional) return false
  }
  return true
}
