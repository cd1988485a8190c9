/**
 * What a text must show to hold any of the secrets that the rule set and our own forms know. Looking for all of them costs three
 * times as much as for these, and nearly every file of a project shows none. Each is wider than the rules that it stands for, which
 * the tests hold; a rule of the rule set that is not named here is always run.
 */
const HINTS: readonly RegExp[] = [
  // Prefixes with an underscore behind the third, fourth or fifth letter, by which the engine can leap.
  /(?:gh[opsur]|npm|glc|ntn|gsk|vc[piark]|sbp|nfp|ops|lin)_[A-Za-z0-9_+/]{16}/,
  /(?:glsa|figd|shp(?:ss|at|ca|pa)|whsec)_[\w-]{16}/,
  /_pat_[\w-]{16}/,
  /hf_[A-Za-z0-9]{30}/,
  /_(?:live|test)_[A-Za-z0-9]{16}/,
  /_v1_[0-9a-f]{16}/, /rubygems_/, /_authToken=/,
  // Prefixes with a dash or a dot.
  /gl(?:pat|dt|rt|cbt|ptt|ft|agent|soat|imt|oas)-/,
  /xox[a-z]-/, /xapp-/,
  /sk-(?:proj|svcacct|admin|ant)-/, /T3BlbkFJ/,
  /pypi-/, /NRAK-/, /SECRET-KEY-/, /GOCSPX-/,
  /SG\.\w/, /hv[sbr]\.[\w-]{24}/, /ya29\./,
  // Forms without a mark of their own.
  /eyJ[\w-]{8}/,
  /A[3BGIKNRS][A-Z0-9]{18}/,
  /AIza[\w-]{35}/, /ATATT3/,
  /dapi[A-Fa-f0-9]{32}/, /SK[0-9a-f]{32}/, /key-[0-9a-f]{32}/,
  /\dQ~[\w~.-]{31}/,
  /\d:AA[\w-]{33}/,
  /\.[\w-]{6}\.[\w-]{27}/,
  /PRIVATE KEY/,
  /\$(?:apr1|2[abxy]|5|6)\$|\{SHA\}/,
  // Addresses, and values behind names that are no names of fields.
  /:\/\/[^\s:@/"'`]{1,256}:[^\s@/"'`]{1,256}@/, /x-oauth-basic/,
  /(?:mongodb(?:\+srv)?|mysqlx?|postgres(?:ql)?):\/\/[^:/\s]{1,100}:/i,
  /hooks\.slack\.com/i, /\/api\/webhooks\//,
  /secret_?access_?key/i, /AccountKey=/, /[?&;]sig=[\w%+/-]{40}/,
  /"auth\\?"\s{0,10}:|key-data|\bauthorization\\?["']?\s{0,10}[:=,]\s{0,10}\\?["'`]?(?:basic|bearer|token)\s|login\s{1,10}\S{1,200}\s{1,10}password/i
]

/** The rules of the rule set that the hints stand for. */
const HINTED = new Set([
  '1password', 'anthropic', 'aws', 'basicauth', 'database-connection-string', 'databricks', 'docker', 'figma', 'gcp', 'github', 'gitlab', 'grafana', 'groq', 'hashicorp-vault', 'huggingface', 'linear', 'notion',
  'npm', 'openai', 'privatekey', 'sendgrid', 'shopify', 'slack', 'vercel'
].map((name) => `@secretlint/secretlint-rule-${name}`))

export function isHinted (ruleId: string): boolean {
  return HINTED.has(ruleId)
}

/** Whether a text may hold one of those secrets; `false` is certain. */
export function mayHoldSecret (text: string, path: string): boolean {
  // JSON may write any letter of a key as an escape, and one rule parses it.
  return HINTS.some((hint) => hint.test(text)) || (path.endsWith('.json') && /\\u00[2-7]/i.test(text))
}
