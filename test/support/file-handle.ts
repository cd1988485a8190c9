import { open, type FileHandle } from 'node:fs/promises'

type Call = (this: FileHandle, ...args: unknown[]) => Promise<unknown>

interface Teardown { teardown (handler: () => void): unknown }

const probe = await open('/dev/null')
const prototype = Object.getPrototypeOf(probe) as Record<string, Call>
await probe.close()

/**
 * Puts something in the way of a method of all file handles, as a bad disk would. `act` gets the method itself and
 * its arguments. Undone by the returned function, and when the test ends.
 */
export function interceptFileHandles (t: Teardown, method: 'read' | 'write' | 'writeFile' | 'datasync' | 'sync' | 'truncate', act: (original: () => Promise<unknown>, handle: FileHandle, args: unknown[]) => Promise<unknown>): () => void {
  const original = prototype[method]!
  const restore = (): void => { prototype[method] = original }
  prototype[method] = async function (...args) {
    return await act(async () => await original.apply(this, args), this, args)
  }
  t.teardown(restore)
  return restore
}

export function diskError (code: 'ENOSPC' | 'EIO' | 'EROFS', syscall?: 'fsync' | 'fdatasync'): Error {
  return Object.assign(new Error(`${code}: the test's disk`), { code, ...(syscall === undefined ? {} : { syscall }) })
}
