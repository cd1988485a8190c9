import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { PlacedEvent } from '../../../../core/contracts/index.js'
import { messageOf } from '../../../../core/errors.js'
import { createTestClock } from '../../../../core/testing/clock.js'
import { appendRange, numbersOf, PROJECT, range, readAll } from '../../../../core/testing/event-bus/events.js'
import type { createJournal } from '../../../../plugins/events/journal/journal.js'
import { quickFolder } from '../../../support/temporary.js'
import { DAMAGED, LOG, openJournal } from './open-journal.js'

/** A closed log of six events, as bytes, with the place where each line begins (the first is the numbering), and its end. */
export interface SampleLog {
  bytes: Buffer
  starts: number[]
  placed: PlacedEvent[]
  /** A new folder with that log, but for other bytes. */
  folderWith (bytes: Buffer): string
}

type Create = typeof createJournal

/** Each byte is flipped by the first or the third, and by the second or the fourth of them. */
const MASKS = [0x01, 0x20, 0x80, 0x46]
const AT_ONCE = 8
/** The log is opened a second time after each such number of cuts or flips. */
const EACH_REOPENED = 7

export async function sampleLog (t: Test): Promise<SampleLog> {
  const original = await quickFolder(t)
  const { bus } = await openJournal(t, original)
  const placed = await appendRange(bus, PROJECT, 1, 6)
  await bus.savePosition(PROJECT, 'reader', placed[5]!.position)
  await bus.close!()
  const bytes = readFileSync(join(original, LOG))
  const starts = [0]
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) starts.push(at + 1)
  const parent = await quickFolder(t, 'damaged')
  let folders = 0
  return {
    bytes,
    starts,
    placed,
    folderWith (damaged) {
      const folder = join(parent, String(++folders))
      mkdirSync(folder)
      for (const name of ['generation', 'positions.json']) cpSync(join(original, name), join(folder, name))
      writeFileSync(join(folder, LOG), damaged)
      return folder
    }
  }
}

/** Cuts the log at every `step`th byte of its last three records and opens it; tells what is wrong then, and how many cuts were told. */
export async function cutEverywhere (t: Test, { bytes, starts, placed, folderWith }: SampleLog, create: Create, step = 1): Promise<{ faults: string[], cut: number }> {
  const clock = createTestClock()
  const faults: string[] = []
  let told = 0
  await eachOf(places(starts[4]!, bytes.length, step), async (cut) => await telling(faults, `cut at ${cut}`, async (complain) => {
    const folder = folderWith(bytes.subarray(0, cut))
    const { bus, log } = await openJournal(t, folder, { clock, create })
    // A record that lacks nothing but its newline is whole.
    const whole = starts.filter((start) => start > starts[1]! && start - 1 <= cut).length
    const torn = starts.includes(cut) || starts.includes(cut + 1) ? 0 : cut - Math.max(...starts.filter((start) => start <= cut))
    const read = await readAll(bus, PROJECT)
    if (!isSame(read, placed.slice(0, whole))) complain(`${read.length} events instead of ${whole}`)
    const cutOff = log.lines.filter(({ message }) => message.includes('cut off')).map(({ details }) => (details as { bytes: number }).bytes)
    if (!isSame(cutOff, torn > 0 ? [torn] : [])) complain(`${torn} bytes were cut off, and said to be ${JSON.stringify(cutOff)}`)
    told += cutOff.length
    const [next] = await appendRange(bus, PROJECT, 7, 7)
    await bus.close!()
    if (cut % EACH_REOPENED !== 0) return
    const again = await openJournal(t, folder, { clock, create })
    if (!isSame(await readAll(again.bus, PROJECT), [...placed.slice(0, whole), next])) complain('the log does not go on')
    if (again.log.said.warn.length > 0) complain(`the second start says ${JSON.stringify(again.log.said.warn)}`)
    await again.bus.close!()
  }))
  return { faults, cut: told }
}

/**
 * Flips every `step`th byte of the last three records, by two masks each, and opens the log; tells what is wrong then,
 * how often it was tried, and how many flips made their record unreadable.
 */
export async function flipEverywhere (t: Test, { bytes, starts, placed, folderWith }: SampleLog, create: Create, step = 1): Promise<{ faults: string[], flips: number, lost: number }> {
  const clock = createTestClock()
  const faults: string[] = []
  let lost = 0
  const flips = places(starts[4]!, bytes.length - 1, step).map((at) => ({ at, mask: MASKS[at % MASKS.length]! }))
  await eachOf(flips, async ({ at, mask }) => await telling(faults, `byte ${at} flipped by ${mask}`, async (complain) => {
    const line = starts.findLastIndex((start) => start <= at)
    const damaged = Buffer.from(bytes)
    damaged[at]! ^= mask
    const folder = folderWith(damaged)
    const { bus, log } = await openJournal(t, folder, { clock, create })
    const read = await readAll(bus, PROJECT)
    const kept = read.length === placed.length ? placed : placed.filter((_event, index) => index !== line - 1)
    if (!isSame(read, kept)) complain(`read ${JSON.stringify(numbersOf(read))}`)
    // Two bytes of a line are constants beside the checksum, and a damaged newline is put right.
    const isLost = kept !== placed
    if (isLost) {
      lost++
      if (!log.said.warn.some((message) => message.includes('set aside'))) complain('nothing was said')
    }
    for (const [index, { position }] of placed.entries()) {
      const page = await bus.read(PROJECT, { after: position, limit: 9 })
      if (!isSame(page.items, kept.filter((event) => placed.indexOf(event) > index))) complain(`a reader behind event ${index + 1} gets ${JSON.stringify(numbersOf(page.items))}`)
    }
    const setAside = readDamaged(folder)
    if (isLost && setAside.replaceAll('\n', '').length < starts[line + 1]! - starts[line]! - 2) complain('not all of the record was set aside')
    await bus.close!()
    if (at % EACH_REOPENED !== 0) return
    const again = await openJournal(t, folder, { clock, create })
    if (setAside !== readDamaged(folder)) complain('set aside a second time')
    const [next] = await appendRange(again.bus, PROJECT, 7, 7)
    if (!isSame((await again.bus.read(PROJECT, { after: placed[5]!.position, limit: 9 })).items, [next])) complain('who has read all does not get the next')
    await again.bus.close!()
  }))
  return { faults, flips: flips.length, lost }
}

function places (from: number, to: number, step: number): number[] {
  return range(from, to).filter((at) => (at - from) % step === 0)
}

async function eachOf<Item> (items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const queue = items.values()
  await Promise.all(range(1, AT_ONCE).map(async () => { for (const item of queue) await work(item) }))
}

/** What is thrown is a fault, too. */
async function telling (faults: string[], where: string, work: (complain: (what: string) => void) => Promise<void>): Promise<void> {
  const complain = (what: string): void => { faults.push(`${where}: ${what}`) }
  await work(complain).catch((error: unknown) => complain(messageOf(error)))
}

function isSame (one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function readDamaged (folder: string): string {
  const path = join(folder, DAMAGED)
  return existsSync(path) ? readFileSync(path, 'latin1') : ''
}
