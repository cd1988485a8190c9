/**
 * Remembers what a function says of an object: what a path is does not change, and many strategies ask it of every file.
 * On the object itself: a weak map of some ten thousand entries makes every collection of garbage slow.
 */
export function remembered<Key extends object, Value extends NonNullable<unknown>> (compute: (key: Key) => Value): (key: Key) => Value {
  const slot = Symbol('remembered')
  return key => {
    const holder = key as { [slot]?: Value }
    holder[slot] ??= compute(key)
    return holder[slot]
  }
}
