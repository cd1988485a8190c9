const WORD = /\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lo}+/gu

/** The words of an identifier, path or sentence: `HTTPServer_users` gives `http`, `server`, `user`. */
export function wordsOf (text: string): string[] {
  const words = text.match(WORD) ?? []
  return words.filter(word => word.length > 1).map(stem)
}

/** Only the plural goes: more would join words that mean different things in code (`parse` and `parser`). */
export function stem (word: string): string {
  const lower = word.toLowerCase()
  if (lower.length > 4 && lower.endsWith('ies')) return `${lower.slice(0, -3)}y`
  if (lower.length > 3 && /[^sui]s$/.test(lower)) return lower.slice(0, -1)
  return lower
}

/** Words of an issue that say nothing about which file is meant, and names that every project gives to some files. Stemmed. */
export const STOP_WORDS: ReadonlySet<string> = new Set([
  'the', 'and', 'for', 'with', 'from', 'into', 'that', 'this', 'then', 'than', 'when', 'where', 'which', 'what', 'who',
  'how', 'why', 'are', 'was', 'were', 'been', 'being', 'has', 'have', 'had', 'not', 'but', 'all', 'any', 'can', 'cannot',
  'could', 'should', 'would', 'will', 'shall', 'must', 'may', 'might', 'our', 'your', 'their', 'there', 'they', 'you',
  'its', 'out', 'off', 'per', 'via', 'also', 'only', 'just', 'more', 'most', 'some', 'such', 'same', 'other', 'each',
  'add', 'added', 'adding', 'fix', 'fixed', 'fixing', 'bug', 'error', 'issue', 'problem', 'change', 'update', 'remove',
  'delete', 'create', 'implement', 'improve', 'refactor', 'support', 'feature', 'task', 'make', 'use', 'used', 'using',
  'need', 'want', 'work', 'working', 'new', 'old', 'get', 'set', 'let', 'see', 'please', 'code', 'file', 'line', 'way',
  'index', 'main', 'src', 'lib', 'app', 'mod', 'init', 'util', 'common', 'helper', 'type', 'test', 'spec', 'package',
  'does', 'doe', 'done', 'here', 'now', 'one', 'two', 'after', 'before', 'instead', 'without', 'because', 'between'
])
