import { apiError, codeOf, isApiError } from '../../../core/plugin-api.js'

// The system's own texts name paths, which are nobody's business on the wire.
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'the storage folder does not permit it; give it to the user of the sidecar',
  EPERM: 'the file system does not permit it; it must offer hard links',
  ENOTSUP: 'the file system offers no hard links; use another storage folder',
  EOPNOTSUPP: 'the file system offers no hard links; use another storage folder',
  EMFILE: 'too many files are open; raise `ulimit -n`',
  ENFILE: 'too many files are open on this machine',
  EIO: 'the device reports an input/output error; check the disk',
  ENOENT: 'a folder of the storage was removed while in use',
  ENOTDIR: 'a file stands where the storage wants a folder; move it away',
  EISDIR: 'a folder stands where the storage wants a file; move it away',
  EEXIST: 'something else stands in the place of the file; move it away',
  ENOTEMPTY: 'something else stands in the place of the file; move it away'
}

const FULL: readonly (string | undefined)[] = ['ENOSPC', 'EDQUOT']

export type Subject = 'Results' | 'Issues'

function reasonOf (error: unknown): string {
  const code = codeOf(error)
  return code === undefined ? 'an unexpected fault' : REASONS[code] ?? `the system says ${code}`
}

export function writeFailure (subject: Subject, error: unknown): Error {
  if (isApiError(error)) return error
  return apiError('STR_001', `${subject} cannot be written: ${reasonOf(error)}.`, { cause: error })
}

export function readFailure (subject: Subject, error: unknown): Error {
  if (isApiError(error)) return error
  return apiError('STR_002', `${subject} cannot be read: ${reasonOf(error)}.`, { cause: error })
}

/** Runs something that changes the storage; what it throws becomes `STR_001`. */
export async function writing<Result> (subject: Subject, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw writeFailure(subject, error)
  }
}

/** Runs something that reads the storage; what it throws becomes `STR_002`. */
export async function reading<Result> (subject: Subject, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw readFailure(subject, error)
  }
}

/** Whether the error says that what was written before may not be on the disk, and never will be. */
export function isSyncFailure (error: unknown): boolean {
  const { syscall } = error as { syscall?: unknown }
  return (syscall === 'fsync' || syscall === 'fdatasync') && !FULL.includes(codeOf(error))
}
