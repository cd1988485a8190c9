import { MASK, redactSecrets } from '../secret-text.js'

const SECRET_OPTION = /secret|token|pass(word|phrase)?$|pwd|credential|key|dsn|connection_?string|ur[il]s?$/i

/** Hides every text under a name that speaks of secrets, however deep, and what looks like one under any other. */
export function mask (value: unknown, isSecret = false): unknown {
  if (typeof value === 'string') return isSecret ? MASK : redactSecrets(value)
  if (Array.isArray(value)) return value.map((entry) => mask(entry, isSecret))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, mask(member, isSecret || SECRET_OPTION.test(name))]))
}
