// Patterns that deserve a second look, by language. `code` rules look at text without strings and comments.
// A rule is a reason to read the line, not a proof: severity says how urgent that is.

const SCRIPT = ['javascript', 'typescript', 'vue', 'svelte']
const SQL = String.raw`(SELECT\s[^'"]{1,200}\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b`

export const RULES = [
  { id: 'eval', severity: 'high', languages: [...SCRIPT, 'php', 'ruby'], code: true, pattern: /(?<![.\w$])eval\s*\(/, detail: 'runs text as code' },
  { id: 'function-constructor', severity: 'medium', languages: SCRIPT, code: true, pattern: /\bnew\s+Function\s*\(|(?<![.\w$])Function\s*\(/, detail: 'compiles text to a function' },
  { id: 'command-from-template', severity: 'high', languages: SCRIPT, pattern: /(?:(?<![\w.)])|\b(?:cp|child_?[pP]rocess)\.)(?:exec|execSync|spawnSync?)\s*\(\s*(?:`[^`]*\$\{|['"][^'"]*['"]\s*\+)/, detail: 'builds a shell command from values' },
  { id: 'shell-option', severity: 'medium', languages: SCRIPT, code: true, pattern: /\bshell\s*:\s*true\b/, detail: 'starts a process through a shell' },
  { id: 'tls-verification-off', severity: 'high', languages: SCRIPT, pattern: /rejectUnauthorized\s*:\s*false|NODE_TLS_REJECT_UNAUTHORIZED/, detail: 'accepts any TLS certificate' },
  { id: 'raw-html', severity: 'medium', languages: SCRIPT, code: true, pattern: /\.innerHTML\s*\+?=(?!=)|dangerouslySetInnerHTML|\bdocument\.write\s*\(/, detail: 'puts text into a page as HTML' },
  { id: 'weak-random', severity: 'medium', languages: SCRIPT, code: true, pattern: /(token|secret|password|nonce|session|salt)\w*\s*[=:(].*Math\.random/i, detail: 'makes a secret of predictable numbers' },
  { id: 'jwt-none', severity: 'high', languages: null, pattern: /alg(orithm)?s?['"]?\s*[:=]\s*\[?\s*['"]none['"]/i, detail: 'accepts unsigned tokens' },

  { id: 'eval', severity: 'high', languages: ['python'], code: true, pattern: /(?<![.\w])(eval|exec)\s*\(/, detail: 'runs text as code' },
  { id: 'shell-command', severity: 'high', languages: ['python'], code: true, pattern: /\bshell\s*=\s*True\b/, detail: 'starts a process through a shell' },
  { id: 'shell-command', severity: 'medium', languages: ['python'], code: true, pattern: /\bos\.(system|popen)\s*\(/, detail: 'starts a process through a shell' },
  { id: 'unsafe-deserialisation', severity: 'high', languages: ['python'], code: true, pattern: /\b(c?pickle|dill|marshal|shelve)\.(loads?|open)\s*\(/, detail: 'reads data that can run code' },
  { id: 'unsafe-yaml', severity: 'high', languages: ['python'], code: true, pattern: /\byaml\.(load|load_all|unsafe_load)\s*\((?!.*Safe)/, detail: 'reads YAML that can make any object' },
  { id: 'tls-verification-off', severity: 'high', languages: ['python'], code: true, pattern: /\bverify\s*=\s*False\b|_create_unverified_context|\bCERT_NONE\b/, detail: 'accepts any TLS certificate' },
  { id: 'guessable-file', severity: 'medium', languages: ['python'], code: true, pattern: /\btempfile\.mktemp\s*\(/, detail: 'names a temporary file that others can take first' },
  { id: 'debug-server', severity: 'medium', languages: ['python'], code: true, pattern: /\.run\(.*\bdebug\s*=\s*True/, detail: 'serves a debugger' },

  { id: 'tls-verification-off', severity: 'high', languages: ['go', 'rust', 'java', 'kotlin'], code: true, pattern: /InsecureSkipVerify\s*:\s*true|danger_accept_invalid_(certs|hostnames)\(true|ALLOW_ALL_HOSTNAME_VERIFIER|TrustAllCerts/, detail: 'accepts any TLS certificate' },
  { id: 'shell-command', severity: 'medium', languages: ['go'], pattern: /exec\.Command(Context)?\(.*"(ba)?sh",\s*"-c"/, detail: 'starts a process through a shell' },
  { id: 'shell-command', severity: 'medium', languages: ['java', 'kotlin'], code: true, pattern: /getRuntime\(\)\.exec\s*\(/, detail: 'starts a process from a text' },
  { id: 'unsafe-deserialisation', severity: 'high', languages: ['java', 'kotlin'], code: true, pattern: /new\s+ObjectInputStream\s*\(|\.readObject\s*\(\)/, detail: 'reads data that can make any object' },
  { id: 'unsafe-block', severity: 'low', languages: ['rust'], code: true, pattern: /\bunsafe\s*(\{|fn\b|impl\b)/, detail: 'leaves memory safety to the author', manyAt: 10 },
  { id: 'transmute', severity: 'medium', languages: ['rust'], code: true, pattern: /\btransmute(::<[^>]*>)?\s*\(/, detail: 'reinterprets memory' },
  { id: 'unsafe-pointer', severity: 'low', languages: ['go'], code: true, pattern: /\bunsafe\.Pointer\b/, detail: 'goes around the type system', manyAt: 10 },
  { id: 'unbounded-copy', severity: 'medium', languages: ['c', 'cpp'], code: true, pattern: /(?<![.\w])(gets|strcpy|strcat|sprintf|vsprintf)\s*\(/, detail: 'writes without a bound', manyAt: 10 },
  { id: 'shell-command', severity: 'medium', languages: ['c', 'cpp', 'php', 'ruby'], code: true, pattern: /(?<![.\w>:])(system|popen|shell_exec|passthru)\s*\(/, detail: 'starts a process through a shell' },
  { id: 'unsafe-deserialisation', severity: 'high', languages: ['ruby', 'php'], code: true, pattern: /\bMarshal\.load\b|\bYAML\.unsafe_load\b|(?<!\w)unserialize\s*\(\s*\$_/, detail: 'reads data that can make any object' },
  { id: 'unsafe-yaml', severity: 'low', languages: ['ruby'], code: true, pattern: /\bYAML\.load\b/, detail: 'reads YAML that can make any object where Psych is older than 4' },
  { id: 'piped-installer', severity: 'medium', languages: ['shell'], pattern: /\b(curl|wget)\b[^|#]*\|\s*(sudo\s+)?(ba|z)?sh\b/, detail: 'runs what a server sends' },

  { id: 'weak-hash-of-password', severity: 'high', languages: null, pattern: /(?=.*passw)(createHash\(\s*['"](md5|sha-?1)|hashlib\.(md5|sha1)|getInstance\(\s*"(MD5|SHA-?1)|\b(md5|sha1)(\.(New|Sum))?\s*\()/i, detail: 'hashes a password with a fast, broken function' },
  { id: 'weak-hash', severity: 'low', languages: null, pattern: /createHash\(\s*['"](md5|sha-?1)|hashlib\.(md5|sha1)|getInstance\(\s*"(MD5|SHA-?1)|\b(md5|sha1)\.(New|Sum)\(/i, detail: 'uses a broken hash; harmless where nothing secret depends on it' },
  { id: 'sql-from-values', severity: 'high', languages: null, pattern: new RegExp(String.raw`(['"])${SQL}[^'"]{0,200}\1\s*(\+|%\s*[\w(]|\.\s*\$|\.format\()`, 'i'), detail: 'builds SQL from values' },
  { id: 'sql-from-values', severity: 'high', languages: null, pattern: new RegExp(String.raw`(\x60${SQL}[^\x60]{0,200}\$\{|\bf['"]{1,3}${SQL}[^'"]{0,200}\{|Sprintf\(\s*"${SQL}[^"]{0,200}%)`, 'i'), detail: 'builds SQL from values' },
  { id: 'plain-http', severity: 'low', languages: null, pattern: /['"`]http:\/\/(?!localhost|127\.|0\.0\.0\.0|\[::|\$|%|\{|['"`]|[^/'"`]*\b(example|test|invalid|local|internal)\b|www\.w3\.org|[^/'"`]*(schema|xmlns|purl|apache\.org\/licenses))/i, detail: 'speaks to a host without encryption' },
  { id: 'secret-in-source', severity: 'high', languages: null, hidden: true, pattern: /\b(password|passwd|secret|api_?key|auth_?token|private_?key)\b['"]?\s*[:=]\s*['"](?!.*(example|change|placeholder|your|redacted|dummy|test|xxx|\*\*\*|<|\$\{|\{\{|process\.env))[^'"\s]{8,}['"]/i, detail: 'looks like a secret written into the source' }
]
