import { once } from 'node:events'
import { createReadStream, readdirSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EventBus, EventDraft } from '../../core/plugin-api.js'
import { createJournal } from '../../plugins/events/journal/journal.js'
import { encodeEvent } from '../../plugins/events/journal/record.js'
import { answerCalls } from '../speed/child.js'
import { heldBytes } from './memory.js'

/** A process that has a journal and nothing else, so that what was there before a measure does not count. */
const PROJECT = 'bench'
const AT_ONCE = 1000
const DEFAULT_SEGMENT_BYTES = 4 * 1024 * 1024

const log = { debug () {}, info () {}, warn: console.error, error: console.error }

function journalIn (directory: string): EventBus {
  return createJournal({
    directory, retention: { age: Infinity, count: Infinity }, segmentBytes: DEFAULT_SEGMENT_BYTES, clock: Date.now, log
  })
}

function draft (number: number): EventDraft {
  return {
    event_type: 'code_ready',
    publisher: `backend-architect-${number % 119}`,
    publisher_type: 'backend-architect',
    topic: 'implementation',
    data: { issue_id: `issue-${number % 1000}`, number, files: ['src/cart.ts', 'test/cart.test.ts'] },
    correlation_id: `work-${number % 5000}`,
    ttl_seconds: 86_400
  }
}

/** Appends so many events, and closes the journal as a server that ends does, or leaves it as one that is killed. */
async function fill ({ directory, events, close }: { directory: string, events: number, close: boolean }): Promise<void> {
  const bus = journalIn(directory)
  await bus.open!()
  for (let first = 0; first < events; first += AT_ONCE) {
    const length = Math.min(AT_ONCE, events - first)
    await Promise.all(Array.from({ length }, async (_, index) => await bus.append(PROJECT, draft(first + index))))
  }
  if (close) await bus.close!()
}

export interface Opened {
  ms: number
  retained: number
  /** What the process holds for all events together, bytes. */
  held: number
  /** From asking for the oldest 500 events until they are there, ms. */
  oldestMs: number
  /** Events of that page. */
  oldest: number
}

async function start ({ directory }: { directory: string }): Promise<Opened> {
  const bus = journalIn(directory)
  const before = heldBytes()
  const started = performance.now()
  await bus.open!()
  const ms = performance.now() - started
  const held = heldBytes() - before
  const { retained } = await bus.stats(PROJECT)
  const asked = performance.now()
  const { items } = await bus.read(PROJECT, { after: (await bus.locate(PROJECT, { at: 'earliest' }))!, limit: 500 })
  const oldestMs = performance.now() - asked
  await bus.close!()
  return { ms, retained, held, oldestMs, oldest: items.length }
}

function logFiles (directory: string): string[] {
  return readdirSync(directory).filter((name) => /^event-log.*\.jsonl$/.test(name)).map((name) => join(directory, name))
}

/** Reads the files of the log, each once and whole: the time and the bytes. */
async function readFiles ({ directory }: { directory: string }): Promise<{ ms: number, bytes: number }> {
  const files = logFiles(directory)
  const started = performance.now()
  let bytes = 0
  for (const file of files) bytes += (await readFile(file)).length
  return { ms: performance.now() - started, bytes }
}

/** Does what a start without an index has to do at the least: splits the log into lines and parses them. */
async function parseFiles ({ directory }: { directory: string }): Promise<{ ms: number }> {
  const started = performance.now()
  for (const file of logFiles(directory)) {
    let rest = ''
    const stream = createReadStream(file, { encoding: 'utf8', highWaterMark: 1 << 20 })
    stream.on('data', (text) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop()!
      for (const line of lines) JSON.parse(line)
    })
    await once(stream, 'end')
  }
  return { ms: performance.now() - started }
}

/** So many writers, each with its next event when the last one was acknowledged: acknowledgements a second. */
async function appendDurably ({ directory, writers, events }: { directory: string, writers: number, events: number }): Promise<number> {
  const bus = journalIn(directory)
  await bus.open!()
  let next = 0
  const started = performance.now()
  await Promise.all(Array.from({ length: writers }, async () => {
    while (next < events) await bus.append(PROJECT, draft(next++))
  }))
  const rate = events / (performance.now() - started) * 1000
  await bus.close!()
  return rate
}

/** One write and one fdatasync for each event, of as many bytes as the journal writes: events a second. */
async function syncEach ({ path, events }: { path: string, events: number }): Promise<number> {
  const line = Buffer.from(encodeEvent({ seq: 1, project_id: PROJECT }, JSON.stringify({ event_id: `evt_${'0'.repeat(26)}`, ...draft(1), timestamp: new Date().toISOString() })))
  const file = await open(path, 'w')
  const started = performance.now()
  for (let event = 0; event < events; event++) {
    await file.write(line)
    await file.datasync()
  }
  const rate = events / (performance.now() - started) * 1000
  await file.close()
  return rate
}

const handlers = { fill, start, readFiles, parseFiles, appendDurably, syncEach }

export type JournalCalls = typeof handlers

answerCalls(handlers)
