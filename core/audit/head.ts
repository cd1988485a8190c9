import { createHash } from 'node:crypto'
import { open, readFile, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { FILE_MODE } from '../durable-file.js'
import { codeOf } from '../errors.js'
import type { Link } from './record.js'

const NAME = 'head'
const SLOT_BYTES = 256
const SLOTS = 2

/** The last record that was written, and the number of its file. */
export interface Head extends Link { file: number }

/**
 * Says beside the log how far it goes, so that an end that was cut off is missed. Two slots take turns, so that a write
 * that a crash tears leaves the one before; it is not synced, because after a power cut a head that lags is no fault.
 */
export class HeadFile {
  readonly #handle: FileHandle
  #writes = 0

  private constructor (handle: FileHandle) {
    this.#handle = handle
  }

  static async open (directory: string): Promise<HeadFile> {
    const path = join(directory, NAME)
    const handle = await open(path, 'r+').catch(async (error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error
      return await open(path, 'wx+', FILE_MODE)
    })
    const file = new HeadFile(handle)
    // The older slot is the next to be overwritten.
    const slots = slotsOf(await handle.readFile())
    if ((slots[0]?.seq ?? -1) > (slots[1]?.seq ?? -1)) file.#writes = 1
    return file
  }

  async write (head: Head): Promise<void> {
    const slot = this.#writes++ % SLOTS
    const text = JSON.stringify({ ...head, check: checkOf(head) })
    await this.#handle.write(`${text.padEnd(SLOT_BYTES - 1)}\n`, slot * SLOT_BYTES)
  }

  async close (): Promise<void> {
    await this.#handle.close()
  }
}

/** `undefined` where there is none that is whole. */
export async function readHead (directory: string): Promise<Head | undefined> {
  let content: Buffer
  try {
    content = await readFile(join(directory, NAME))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
  return slotsOf(content).reduce((newest, slot) => (slot !== undefined && slot.seq > (newest?.seq ?? -1) ? slot : newest), undefined)
}

function slotsOf (content: Buffer): (Head | undefined)[] {
  return Array.from({ length: SLOTS }, (_, slot) => {
    try {
      const { check, ...head } = JSON.parse(content.toString('utf8', slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES)) as Head & { check: string }
      return checkOf(head) === check ? head : undefined
    } catch {
      // Empty, or torn: the other one counts.
      return undefined
    }
  })
}

function checkOf ({ seq, hash, file }: Head): string {
  return createHash('sha256').update(`${seq} ${hash} ${file}`).digest('hex').slice(0, 16)
}
