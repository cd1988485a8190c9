/** Runs what bears the same key one after the other, in order of calling, whether the earlier succeeded or not. */
export type Queues = <Result>(key: string, work: () => Promise<Result>) => Promise<Result>

export function createQueues (): Queues {
  const tails = new Map<string, Promise<void>>()
  return (key, work) => {
    const result = (tails.get(key) ?? Promise.resolve()).then(work)
    const tail = result.then(() => {}, () => {}).then(() => {
      if (tails.get(key) === tail) tails.delete(key)
    })
    tails.set(key, tail)
    return result
  }
}
