import { copyFile, rename, rm, stat, truncate } from 'node:fs/promises'
import { codeOf } from '../../errors.js'

/**
 * Moves what a log holds to `<file>.1`, the older ones to `.2` and so on, and begins it anew. It is copied and cut to
 * nothing, because the agent keeps the file open; what is written between the two is lost. Gives the bytes that were moved.
 */
export async function rotate (file: string, keep: number): Promise<number> {
  for (let number = keep - 1; number >= 1; number--) {
    try {
      await rename(`${file}.${number}`, `${file}.${number + 1}`)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
  }
  await copyFile(file, `${file}.1`)
  const { size } = await stat(file)
  await truncate(file)
  return size
}

export async function removeOlder (file: string, keep: number): Promise<void> {
  for (let number = 1; number <= keep; number++) await rm(`${file}.${number}`, { force: true })
}
