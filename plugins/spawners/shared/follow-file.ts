import { watch, type FSWatcher } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

const CHUNK_BYTES = 64 * 1024
/** Least time between a look that found something and the next: a flood of output costs no more than this, and what comes after a silence is seen at once. */
const GAP_MS = 20
/** The system tells most changes at once; where it does not, this is how late they are seen. */
const POLL_MS = 500

export interface Reader {
  onBytes (chunk: Buffer): void
  /** The file has become shorter, as after a rotation by copying and cutting: what follows is its new content. */
  onRestart (): void
}

export interface Follower {
  /** Reads what is still there, then tells nothing any more. To be called when nobody writes. Rejects with what kept the file from being read. */
  finish (): Promise<void>
  /** Stops where it is. */
  close (): Promise<void>
}

/**
 * Tells what a file holds and what is added to it, from its beginning. A file that was cut and has outgrown its former length
 * between two looks is read on in its middle, so a reader must bear a line that begins anywhere. Keeps no process alive.
 */
export function followFile (path: string, reader: Reader): Follower {
  const alarm = createAlarm()
  let end: 'finish' | 'close' | undefined
  const read = async (): Promise<void> => {
    const file = await open(path, 'r')
    const watcher = watchIfPossible(path, alarm.ring)
    try {
      const state = { position: 0, buffer: Buffer.allocUnsafe(CHUNK_BYTES) }
      for (;;) {
        // Asked before the look: what is there when the end is asked for is still read.
        const last = end
        const found = last !== 'close' && await look(file, state, reader, () => end === 'close')
        if (last !== undefined) return
        await alarm.sleep(found ? GAP_MS : 0)
      }
    } finally {
      watcher?.close()
      await file.close()
    }
  }
  const reading = read()
  // Who finishes hears of it; until then nobody does.
  reading.catch(() => {})
  return {
    async finish () {
      end ??= 'finish'
      alarm.finish()
      await reading
    },
    async close () {
      end = 'close'
      alarm.finish()
      await reading.catch(() => {})
    }
  }
}

/** Whether there was anything new. */
async function look (file: FileHandle, state: { position: number, buffer: Buffer }, reader: Reader, closed: () => boolean): Promise<boolean> {
  if ((await file.stat()).size < state.position) {
    state.position = 0
    reader.onRestart()
  }
  const before = state.position
  while (!closed()) {
    const { bytesRead } = await file.read(state.buffer, 0, CHUNK_BYTES, state.position)
    if (bytesRead === 0) break
    state.position += bytesRead
    reader.onBytes(state.buffer.subarray(0, bytesRead))
  }
  return state.position > before
}

/** `undefined` where the system offers no watch for the file, or has none left. */
function watchIfPossible (path: string, onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(path, { persistent: false }, onChange)
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return undefined
  }
}

/** A sleep that a change ends, also one since the last sleep, though not before the gap is over, and that `finish` ends at once. */
function createAlarm (): { ring (): void, finish (): void, sleep (gapMs: number): Promise<void> } {
  let rung = false
  let finished = false
  let wake: (() => void) | undefined
  return {
    ring () {
      rung = true
      wake?.()
    },
    finish () {
      finished = true
      wake?.()
    },
    sleep: async (gapMs) => await new Promise((resolve) => {
      let gapOver = gapMs === 0
      const done = (): void => {
        clearTimeout(gap)
        clearTimeout(poll)
        wake = undefined
        rung = false
        resolve()
      }
      const gap = gapOver
        ? undefined
        : setTimeout(() => {
          gapOver = true
          if (rung) done()
        }, gapMs).unref()
      const poll = setTimeout(done, POLL_MS).unref()
      wake = () => { if (finished || gapOver) done() }
      if (finished || (gapOver && rung)) done()
    })
  }
}
