const SEPARATOR = '.'

/** The `jti` of a token that continues a chain: that of the first one, and when this one was issued. */
export function continuing (chain: string, jti: string): string {
  return `${chain}${SEPARATOR}${jti}`
}

/** The first token of its chain: known from every one of them, so that one which nobody has seen can be revoked with all others. */
export function chainOf (jti: string): string {
  const end = jti.indexOf(SEPARATOR)
  return end === -1 ? jti : jti.slice(0, end)
}

/** The part that sorts by the time of issue. */
export function momentOf (jti: string): string {
  return jti.slice(jti.indexOf(SEPARATOR) + 1)
}
