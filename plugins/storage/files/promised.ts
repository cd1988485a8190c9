/** What `make` resolves to for a key, made once for all who ask; a failure is forgotten, so that the next who asks tries again. */
export function promised<Value> (known: Map<string, Promise<Value>>, key: string, make: (key: string) => Promise<Value>): Promise<Value> {
  let making = known.get(key)
  if (making === undefined) {
    making = make(key)
    known.set(key, making)
    making.catch(() => known.delete(key))
  }
  return making
}
