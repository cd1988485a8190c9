import { open, type FileHandle } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { apiError, messageOf } from '../../../core/plugin-api.js'

interface Waiting<Item> {
  item: Item
  resolve (): void
  reject (error: Error): void
}

export interface GroupCommitOptions<Item> {
  /** Renders a batch; called when it is about to be written. */
  encode (items: readonly Item[]): Buffer | Promise<Buffer>
  /** Called when a batch is durable, before those who wait for it are told; `at` is where it begins in the file. */
  committed (items: readonly Item[], at: number): void
  /** Called between batches, the only time at which the file may be exchanged for a new one. */
  between? (handle: FileHandle, size: number): Promise<FileHandle | undefined>
}

const MAX_WAITING = 100_000

/**
 * An append-only file. What gathered while the last sync ran is written and synced together, without a timer:
 * the natural group commit. A write that fails is taken back and refused; a sync that fails closes the file for good,
 * because what the system then still holds in memory is unknown.
 */
export class GroupCommitFile<Item> {
  #handle: FileHandle
  #size: number
  readonly #options: GroupCommitOptions<Item>
  #waiting: Waiting<Item>[] = []
  #running: Promise<void> | undefined
  #broken: string | undefined
  #closed = false

  private constructor (handle: FileHandle, size: number, options: GroupCommitOptions<Item>) {
    this.#handle = handle
    this.#size = size
    this.#options = options
  }

  static async open<Item> (path: string, options: GroupCommitOptions<Item>): Promise<GroupCommitFile<Item>> {
    const handle = await openAppendable(path)
    return new GroupCommitFile(handle, (await handle.stat()).size, options)
  }

  get size (): number {
    return this.#size
  }

  get pending (): number {
    return this.#waiting.length
  }

  /** Why the file takes nothing any more, or `undefined`. */
  get broken (): string | undefined {
    return this.#broken ?? (this.#closed ? 'the log is closed' : undefined)
  }

  append (item: Item): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      if (this.broken !== undefined) throw unavailable(this.broken)
      if (this.#waiting.length >= MAX_WAITING) throw unavailable('too many events wait to be written')
      this.#waiting.push({ item, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Writes what waits and takes nothing more. */
  async close (): Promise<void> {
    this.#closed = true
    await this.#running
    await this.#handle.close()
  }

  async #run (): Promise<void> {
    while (this.#waiting.length > 0) {
      // Who was told of the last batch writes again within this turn of the event loop: else one of them would have a sync alone.
      await setImmediate()
      const batch = this.#waiting
      this.#waiting = []
      try {
        await this.#commit(batch.map((entry) => entry.item))
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(unavailable(messageOf(error)))
      }
    }
    this.#running = undefined
  }

  async #commit (items: readonly Item[]): Promise<void> {
    if (this.#broken !== undefined) throw new Error(this.#broken)
    const exchanged = await this.#options.between?.(this.#handle, this.#size)
    if (exchanged !== undefined) {
      this.#handle = exchanged
      this.#size = (await exchanged.stat()).size
    }
    const bytes = await this.#options.encode(items)
    try {
      for (let written = 0; written < bytes.length;) {
        written += (await this.#handle.write(bytes, written, bytes.length - written, this.#size + written)).bytesWritten
      }
    } catch (error) {
      // A short write before the failure must not be found by the next start.
      await this.#handle.truncate(this.#size).catch((reason: unknown) => { this.#broken = `a failed write could not be taken back: ${messageOf(reason)}` })
      throw error
    }
    try {
      await this.#handle.datasync()
    } catch (error) {
      this.#broken = `the disk did not confirm a write (${messageOf(error)}); restart the sidecar when the disk is sound`
      throw error
    }
    const at = this.#size
    this.#size += bytes.length
    this.#options.committed(items, at)
  }
}

/** Opens for writing at any offset, which appending mode would not allow. */
export async function openAppendable (path: string): Promise<FileHandle> {
  return await open(path, 'r+').catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return await open(path, 'wx+', 0o600)
  })
}

function unavailable (reason: string): Error {
  return apiError('EVT_001', `The event was not taken: ${reason}.`)
}
