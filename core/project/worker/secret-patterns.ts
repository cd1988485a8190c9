import { isPlaceholder, looksRandom } from './secret-values.js'

/** A range of a text, start inclusive and end exclusive. */
export type Range = readonly [start: number, end: number]

// Forms of credentials that the rule set does not know, or of which it gives the wrong place. Group 1, where there is one, is the
// value. None of them can backtrack far: their parts cannot match the same text in two ways, or are bounded.
const FORMS: readonly RegExp[] = [
  // AWS: the identifiers, and the value behind the name (the rule set counts its length from the start of the name).
  /\b(?:A3T[A-Z0-9]|AKIA|ABIA|ACCA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|ASIA)[A-Z0-9]{16}\b/dg,
  /secret_?access_?key\\?["']?\s{0,200}(?:=>|:=|[:=])\s{0,200}\\?["']?([A-Za-z0-9/+=]{40})(?![A-Za-z0-9/+=])/dgi,
  // Google: keys, client secrets, access tokens.
  /\bAIza[\w-]{35}(?![\w-])/dg, /\bGOCSPX-[\w-]{28}(?![\w-])/dg, /\bya29\.[\w-]{40,}/dg,
  // Azure: storage keys, shared access signatures, client secrets.
  /\bAccountKey=([A-Za-z0-9+/]{86}==)/dg, /[?&;]sig=([\w%+/-]{40,}={0,2})/dg, /(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])/dg,
  // Git hosts and registries.
  /\bgithub_pat_\w{36,}/dg, /\bgl(?:pat|dt|rt|cbt|ptt|ft|agent|soat|imt|oas)-[\w-]{20,}/dg, /\bpypi-[\w-]{50,}/dg, /\brubygems_[0-9a-f]{48}\b/dg, /\b_authToken=([^\s$"']{16,})/dg,
  // Payment, mail, telephone and chat.
  /\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}/dg, /\bwhsec_[A-Za-z0-9+/]{24,}/dg, /\bSG\.[\w-]{16,32}\.[\w-]{32,64}/dg, /\bSK[0-9a-f]{32}\b/dg, /\bkey-[0-9a-f]{32}\b/dg,
  /\b\d{8,10}:AA[\w-]{33}(?![\w-])/dg, /\b(?=[A-Za-z]*\d)[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,38}(?![\w-])/dg, /\bdiscord(?:app)?\.com\/api\/webhooks\/(\d{16,20}\/[\w-]{60,})/dg,
  // Models.
  /\bsk-(?:proj|svcacct|admin)-[\w-]{32,}/dg, /\bsk-ant-[a-z]{2,8}\d{2}-[\w-]{32,}/dg, /\bhf_[A-Za-z0-9]{34,}\b/dg,
  // Operations.
  /\bhv[sbr]\.[\w-]{24,}/dg, /\bdo[opr]_v1_[0-9a-f]{64}\b/dg, /\bNRAK-[A-Z0-9]{27}\b/dg, /\bATATT3[\w=-]{50,}/dg, /\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b/dg,
  // A signed JSON Web Token.
  /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}/dg,
  // Files that hold logins: Docker, Kubernetes, .netrc, .htpasswd.
  /\\?"auth\\?"\s{0,10}:\s{0,10}\\?"([A-Za-z0-9+/]{16,}={0,2})\\?"/dg, /\bclient-key-data["']?\s{0,10}:\s{0,10}["']?([A-Za-z0-9+/]{40,}={0,2})/dg,
  /\b(?:machine\s{1,10}\S{1,200}|default)\s{1,10}login\s{1,10}\S{1,200}\s{1,10}password\s{1,10}(?!\S{0,100}(?:example|secret|your))(\S{4,200})/dg, /(?<![\w.@-])[\w.@-]{1,64}:((?:\$(?:apr1|2[abxy]|5|6)\$|\{SHA\})[^\s:"'\\]{13,})/dg,
  // The password in an address of any scheme; placeholders and variables are none.
  /(?<=[a-z0-9+.-]):\/\/[^\s:@/"'`]{1,100}:(?!(?:password|passwd|pass|secret|changeme|user|username|example|postgres|root|admin|x+|\*+)@)([^\s@/"'`${}<>%]{4,200})@/dgi
]

const KEY_BEGINS = /-----BEGIN (?:[A-Z]{2,16} )?PRIVATE KEY(?: BLOCK)?-----/g
const LINE_BREAK = /\n|\\r\\n|\\n/
const LONGEST_LINE = 8192
// How a line of a key is dressed in diffs (`+`, `-`) and in strings of programs.
const DRESS = new Set('-+ \t\r"\'`,\\')
const KEY_TEXT = /^[A-Za-z0-9+/=]*$/
const KEY_HEADER = /^(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset): /
const SHORTEST_KEY = 40

/** Where credentials of the known forms stand in a text. */
export function findCredentials (text: string): Range[] {
  const found: Range[] = []
  for (const form of FORMS) {
    for (const match of text.matchAll(form)) found.push(match.indices![1] ?? match.indices![0]!)
  }
  return [...found, ...findLogins(text), ...findPrivateKeys(text)]
}

const LOGIN = /\bauthorization\\?["']?\s{0,10}[:=,]\s{0,10}\\?["'`]?(basic|bearer|token)\s{1,5}([\w.~+/-]{16,}={0,2})/dgi

/** What follows the scheme of an authorization, where it is no example. */
function findLogins (text: string): Range[] {
  return [...text.matchAll(LOGIN)].filter(([, scheme, value]) => {
    if (scheme!.toLowerCase() !== 'basic') return looksRandom(value!)
    const password = Buffer.from(value!, 'base64').toString('latin1').split(':').slice(1).join(':')
    return password.length >= 6 && !isPlaceholder(password)
  }).map((match) => match.indices![2]!)
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
