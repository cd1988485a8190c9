/**
 * A copy that equals what its JSON says: `JSON.parse(JSON.stringify(value))`, without the text in between, which costs several times as much.
 * For what `JSON.stringify` takes: a value without cycles.
 */
export function copyJson<Value> (value: Value): Value {
  return isPlain(value) ? copyObject(value) as Value : copyAny(value) as Value
}

function copyAny (value: unknown): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      // JSON knows no -0, and numbers that are not finite become null.
      return Number.isFinite(value) ? value + 0 : null
    case 'undefined':
    case 'function':
    case 'symbol':
      return undefined
  }
  if (value === null) return null
  if (isPlain(value)) return copyObject(value)
  if (Array.isArray(value) && Object.getPrototypeOf(value) === Array.prototype && !('toJSON' in value)) {
    const copy: unknown[] = []
    for (let index = 0; index < value.length; index++) copy.push(copyAny(value[index]) ?? null)
    return copy
  }
  // It says itself what it is as JSON.
  const text = JSON.stringify(value) as string | undefined
  return text === undefined ? undefined : JSON.parse(text)
}

function isPlain (value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function copyObject (value: Record<string, unknown>): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const name of Object.keys(value)) {
    const own = copyAny(value[name])
    if (own === undefined) continue
    // Assigned, it would be the prototype.
    if (name === '__proto__') Object.defineProperty(copy, name, { value: own, writable: true, enumerable: true, configurable: true })
    else copy[name] = own
  }
  return copy
}
