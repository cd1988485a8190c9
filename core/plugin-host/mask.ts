const SECRET_OPTION = /secret|token|pass(word|phrase)?$|pwd|credential|key|dsn|connection_?string|ur[il]s?$/i
const CREDENTIALS_IN_URL = /^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i
const MASK = '•••'

/** Hides every text under a name that speaks of secrets, however deep, and user and password of any address. */
export function mask (value: unknown, isSecret = false): unknown {
  if (typeof value === 'string') return isSecret ? MASK : value.replace(CREDENTIALS_IN_URL, `$1${MASK}@`)
  if (Array.isArray(value)) return value.map((entry) => mask(entry, isSecret))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, mask(member, isSecret || SECRET_OPTION.test(name))]))
}
