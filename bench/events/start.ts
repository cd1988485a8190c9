import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { median, most, plain, ratio } from '../speed/figures.js'
import { inJournal, isMain, runAlone } from './alone.js'
import type { Opened } from './journal-process.js'
import type { Subject } from '../shared/parts.js'

const EVENTS = 1_000_000
const QUICK_EVENTS = 20_000
const ROUNDS = 7
/** About two of the four MiB at which a segment is closed. */
const HALF_SEGMENT_EVENTS = 5000

/** Opening a journal that holds a million events, against reading its files once. Each in a process of its own, the files in the system's cache. */
export async function measureStart (subject: Subject, events = subject.quick ? QUICK_EVENTS : EVENTS): Promise<void> {
  const directory = join(subject.folder, 'start')
  subject.say(`writing ${events} events`)
  await inJournal(subject, 'fill', { directory, events, close: true })
  const read: { ms: number, bytes: number }[] = []
  const afterStop: Opened[] = []
  const afterKill: Opened[] = []
  for (let round = 0; round < (subject.quick ? 1 : ROUNDS); round++) {
    subject.say(`starts with ${events} events, ${round + 1}`)
    read.push(await inJournal(subject, 'readFiles', { directory }))
    afterStop.push(await inJournal(subject, 'start', { directory }))
    await inJournal(subject, 'fill', { directory, events: HALF_SEGMENT_EVENTS, close: false })
    afterKill.push(await inJournal(subject, 'start', { directory }))
    if (afterStop[round]!.retained !== events + round * HALF_SEGMENT_EVENTS) subject.faults.push(`a start found ${afterStop[round]!.retained} events instead of ${events + round * HALF_SEGMENT_EVENTS}`)
    if (afterKill[round]!.retained !== events + (round + 1) * HALF_SEGMENT_EVENTS) subject.faults.push('a start after a kill did not find all events')
    if (afterKill[round]!.oldest === 0) subject.faults.push('the oldest events could not be read')
  }
  const parsed = await inJournal(subject, 'parseFiles', { directory })
  const limits = read.map(({ ms }) => ms)
  const count = events.toLocaleString('en')
  subject.figures.push(
    ratio(`start with ${count} events, against reading their files once`, afterStop.map(({ ms }) => ms), limits, 'ms', { aim: most(2), note: `${Math.round(read[0]!.bytes / 1e6)} MB` }),
    ratio('the same after a kill, half a segment to parse', afterKill.map(({ ms }) => ms), limits, 'ms', { aim: most(2) }),
    ratio('against parsing all lines', afterStop.map(({ ms }) => ms), [parsed.ms], 'ms'),
    plain('held for each of the events', median(afterStop.map(({ held }) => held)) / events / 1000, 'kB'),
    plain('their first page, from the disk', median(afterStop.map(({ oldestMs }) => oldestMs)), 'ms')
  )
  await rm(directory, { recursive: true, force: true })
}

if (isMain(import.meta.url)) await runAlone((subject) => measureStart(subject, process.argv[2] === undefined ? undefined : Number(process.argv[2])))
