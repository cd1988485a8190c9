/** A range of a text, start inclusive and end exclusive. */
export type Range = readonly [start: number, end: number]

// Forms of credentials that the rule set does not know, or of which it gives the wrong place. Group 1, where there is one, is the
// value. None of them can backtrack: their parts cannot match the same text in two ways.
const FORMS: readonly RegExp[] = [
  // AWS: the identifiers, and the value behind the name (the rule set counts its length from the start of the name).
  /\b(?:A3T[A-Z0-9]|AKIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|ASIA)[A-Z0-9]{16}\b/dg,
  /secret_?access_?key\\?["']?\s{0,200}(?:=>|:=|[:=])\s{0,200}\\?["']?([A-Za-z0-9/+=]{40})(?![A-Za-z0-9/+=])/dgi,
  // Google, Stripe, GitHub, OpenAI, SendGrid, Vault, Azure storage.
  /\bAIza[\w-]{35}(?![\w-])/dg,
  /\b[sr]k_live_[A-Za-z0-9]{16,}/dg,
  /\bgithub_pat_\w{36,}/dg,
  /\bsk-(?:proj|svcacct|admin)-[\w-]{32,}/dg,
  /\bSG\.[\w-]{16,32}\.[\w-]{32,64}/dg,
  /\bhv[sbr]\.[\w-]{24,}/dg,
  /\bAccountKey=([A-Za-z0-9+/]{86}==)/dg,
  // A signed JSON Web Token.
  /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}/dg,
  // The password in an address of any scheme; placeholders and variables are none.
  /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:@/"'`]{1,100}:(?!(?:password|passwd|pass|secret|changeme|user|username|example|postgres|root|admin|x+|\*+)@)([^\s@/"'`${}<>%]{4,200})@/dgi
]

const KEY_BEGINS = /-----BEGIN (?:[A-Z]{2,16} )?PRIVATE KEY(?: BLOCK)?-----/g
const LINE_BREAK = /\n|\\r\\n|\\n/
const LONGEST_LINE = 8192
// How a line of a key is dressed in diffs (`+`, `-`) and in strings of programs.
const DRESS = new Set('-+ \t\r"\'`,')
const KEY_TEXT = /^[A-Za-z0-9+/=]*$/
const KEY_HEADER = /^(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset): /
const SHORTEST_KEY = 40

/** Where credentials of the known forms stand in a text. */
export function findCredentials (text: string): Range[] {
  const found: Range[] = []
  for (const form of FORMS) {
    for (const match of text.matchAll(form)) found.push(match.indices![1] ?? match.indices![0]!)
  }
  return [...found, ...findPrivateKeys(text)]
}

/** Private keys between their marks, also those that a diff marks line by line or that are cut off before their end. */
function findPrivateKeys (text: string): Range[] {
  const found: Range[] = []
  for (const { index, 0: { length } } of text.matchAll(KEY_BEGINS)) {
    const start = index + length
    let end = start
    let bytes = 0
    for (let line = lineAt(text, end); line !== undefined; line = line.isLast ? undefined : lineAt(text, end)) {
      bytes += line.keyText
      end = line.end
    }
    // Less is a mention of a key, as in this file.
    if (bytes >= SHORTEST_KEY) found.push([start, end])
  }
  return found
}

/** The line of a key that starts here, `undefined` when it is none. */
function lineAt (text: string, start: number): { end: number, keyText: number, isLast: boolean } | undefined {
  const rest = text.slice(start, start + LONGEST_LINE)
  const lineBreak = LINE_BREAK.exec(rest)
  const whole = lineBreak === null ? rest : rest.slice(0, lineBreak.index)
  const mark = whole.indexOf('-----END')
  const line = undress(mark < 0 ? whole : whole.slice(0, mark))
  const isHeader = KEY_HEADER.test(line)
  if (!isHeader && !KEY_TEXT.test(line)) return undefined
  const length = mark >= 0 ? mark : whole.length + (lineBreak?.[0].length ?? 0)
  return { end: start + length, keyText: isHeader ? 0 : line.length, isLast: mark >= 0 || lineBreak === null }
}

function undress (line: string): string {
  let start = 0
  let end = line.length
  while (start < end && DRESS.has(line[start]!)) start++
  while (end > start && DRESS.has(line[end - 1]!)) end--
  return line.slice(start, end)
}
