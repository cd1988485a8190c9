import type { Range } from './secret-patterns.js'

// A field of source code, configuration or a command line whose name says that its value is a secret. The name is searched from its
// end, so that it may begin with anything (`DB_PASSWORD`), but not go on (`password_hash`, `tokenizer`).
const FIELD = /(?:passw(?:or)?d|passphrase|pwd|secret|token|credentials?|(?:api|access|auth|secret|private|encryption|signing|master|client|account|shared|storage)[_-]?key)(?:\\?["'])?\]?\s{0,20}(?:=>|:=|[:=])\s{0,20}(?:\\?(["'`]))?([^\s"'`,;<>(){}[\]$\\]{10,200})(\\?["'`])?(?=[\s,;)}\]&\\"'`]|$)/dgi

// What people write where the secret is to stand, and names of variables.
const PLACEHOLDER = /example|sample|placeholder|change[_-]?me|your|dummy|fake|mock|test|demo|xxx|\*\*\*|todo|redact|replace|insert|default|insecure|123456|234567|abcdef|abc123|secret|passw|token|process\.|environ|config|setting|localhost|deadbeef|foobar|hunter2|qwert|letmein|correct-?horse/i

export function isPlaceholder (value: string): boolean {
  return PLACEHOLDER.test(value)
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Values of fields that hold a secret by their name, where they look as if a machine had made them. */
export function findNamedValues (text: string): Range[] {
  const found: Range[] = []
  FIELD.lastIndex = 0
  for (let match = FIELD.exec(text); match !== null; match = FIELD.exec(text)) {
    const [whole, quote, value, closing] = match
    const isQuoted = quote !== undefined && closing?.endsWith(quote) === true
    // Without quotes it is a variable as often as a value, and those have few digits.
    const isValue = isQuoted || (quote === undefined && (digitsOf(value!) >= 3 || (digitsOf(value!) > 0 && mixOf(value!) >= MIX)))
    // Tokens are identifiers, too, and those are written in this form.
    const isIdentifier = UUID.test(value!) && /^token/i.test(whole)
    if (isValue && !isIdentifier && looksRandom(value!)) found.push(match.indices![2]!)
    // What was taken for a value may be the next name.
    else FIELD.lastIndex = match.indices![2]![0]
  }
  return found
}

// Words change between capitals, small letters and digits in about every fifth place, random letters in more than every second.
const MIX = 0.35
const LEAST_ENTROPY = 3

/** Whether a value mixes letters and digits as only a generator does. */
export function looksRandom (value: string): boolean {
  if (!/[A-Za-z]/.test(value) || isPlaceholder(value)) return false
  // Addresses, paths, digests, versions and dates.
  if (/:\/\/|\.{3}|^urn:|^\.{0,2}\/|^sha\d{1,3}[-:]|^v?\d+\.\d+\.|^\d{4}-\d\d-\d\d/i.test(value)) return false
  const isMixed = mixOf(value) >= MIX
  return entropyOf(value) >= LEAST_ENTROPY && (isMixed || (value.length >= LONG && digitsOf(value) >= 2))
}

// Shorter ones with a few digits are names with a number.
const LONG = 16

function digitsOf (value: string): number {
  return value.replace(/\D/g, '').length
}

/** Share of the places at which one class of letters follows another. */
function mixOf (value: string): number {
  let changes = 0
  for (let at = 1; at < value.length; at++) if (classOf(value.charCodeAt(at)) !== classOf(value.charCodeAt(at - 1))) changes++
  return changes / (value.length - 1)
}

function classOf (code: number): number {
  if (code >= 97 && code <= 122) return 0
  if (code >= 65 && code <= 90) return 1
  return code >= 48 && code <= 57 ? 2 : 3
}

/** Shannon's, in bits per character. */
function entropyOf (value: string): number {
  const counts = new Map<string, number>()
  for (const sign of value) counts.set(sign, (counts.get(sign) ?? 0) + 1)
  let entropy = 0
  for (const count of counts.values()) entropy -= count / value.length * Math.log2(count / value.length)
  return entropy
}
