/** Remembers what a function says of an object: what a path is does not change, and many strategies ask it of every file. */
export function remembered<Key extends object, Value> (compute: (key: Key) => Value): (key: Key) => Value {
  const known = new WeakMap<Key, { value: Value }>()
  return key => {
    let entry = known.get(key)
    if (entry === undefined) {
      entry = { value: compute(key) }
      known.set(key, entry)
    }
    return entry.value
  }
}
