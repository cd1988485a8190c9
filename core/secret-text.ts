export const MASK = '•••'

/**
 * What looks like a secret in a text that is to be read by others; none takes a quote or half of an escape, so that JSON stays JSON. Every pattern begins where it cannot begin again within itself, and is bounded
 * or eats what it looked at: so a text costs time by its length, whoever wrote it.
 */
const PATTERNS: readonly [pattern: RegExp, replacement: string][] = [
  [/-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:\\{1,8}[nr]|[\w+/=\s])*(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?/g, MASK],
  // JSON Web Tokens (RFC 7519): the base64url of {"
  [/(?<=^|[^\w-]|%[0-9A-Fa-f]{2})eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*){0,3}/g, MASK],
  [/(?<=\b(?:bearer|basic) {1,8})[\w.~+/-]{8,}=*/gi, MASK],
  // Keys by the names that their makers gave them: GitHub, GitLab, npm, Slack, AWS, Google, OpenAI and its like, Stripe, Standard Webhooks.
  [/(?<![\w-])(?:gh[oprsu]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|npm_\w{30,}|xox[abeprs]-[\w-]{10,}|A(?:KIA|SIA)[0-9A-Z]{16}|AIza[\w-]{30,}|[rs]k[-_][\w-]{20,}|whsec_[\w+/=]{16,})/g, MASK],
  [/(?<=:\/\/)[^\s/@"'\\]{1,256}@/g, `${MASK}@`],
  // A member of JSON, also of JSON within JSON, and a parameter or assignment.
  [/((?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|authorization|cookie)\\{0,8}"\s{0,4}:\s{0,4}\\{0,8}")[^"\\]{4,}/gi, `$1${MASK}`],
  [/((?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)=)[^\s&"'\\,;]{4,}/gi, `$1${MASK}`]
]

/** The same text with what looks like a secret hidden. Not for files of a project, which a whole rule set looks at. */
export function redactSecrets (text: string): string {
  let shown = text
  for (const [pattern, replacement] of PATTERNS) shown = shown.replace(pattern, replacement)
  return shown
}
