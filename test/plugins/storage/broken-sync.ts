import { open, type FileHandle } from 'node:fs/promises'

type Sync = 'sync' | 'datasync'

/** Replaces a sync of all files that are opened from now on; returns what puts the real one back. */
export async function replaceSync (name: Sync, replacement: (handle: FileHandle, real: () => Promise<void>) => Promise<void>): Promise<() => void> {
  const handle = await open('/dev/null')
  const prototype = Object.getPrototypeOf(handle) as Record<Sync, (this: FileHandle) => Promise<void>>
  await handle.close()
  const original = prototype[name]
  prototype[name] = function () {
    return replacement(this, () => original.call(this))
  }
  return () => { prototype[name] = original }
}

/** What Node throws when the device fails to keep what was written. */
export function ioError (syscall: 'fsync' | 'fdatasync'): Error {
  return Object.assign(new Error(`EIO: i/o error, ${syscall}`), { code: 'EIO', errno: -5, syscall })
}
