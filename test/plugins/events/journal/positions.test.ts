import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { appendRange, earliest, latest, PROJECT } from '../../../../core/testing/event-bus/events.js'
import { eventually, rejectsWith } from '../../../../core/testing/expectations.js'
import { quickFolder } from '../../../support/temporary.js'
import { openJournal } from './open-journal.js'

t.test('positions', async (t) => {
  t.test('survive close, and after a kill are never newer than saved', async (t) => {
    const directory = await quickFolder(t)
    const { bus } = await openJournal(t, directory)
    const placed = await appendRange(bus, PROJECT, 1, 10)
    const written = (): string => (existsSync(join(directory, 'positions.json')) ? readFileSync(join(directory, 'positions.json'), 'utf8') : '')
    const killed = await quickFolder(t)
    let rounds = 0
    for (const [index, { position }] of placed.entries()) {
      await bus.savePosition(PROJECT, 'reader', position)
      if (index % 3 === 0) await eventually(() => written().includes(position), 'the position is written behind')
      const folder = join(killed, String(index))
      await cp(directory, folder, { recursive: true })
      const found = await (await openJournal(t, folder)).bus.loadPosition(PROJECT, 'reader')
      const place = found === undefined ? -1 : placed.findIndex((event) => event.position === found)
      if (place > index || place < index - index % 3) t.fail(`saved ${index}, found ${place}`)
      rounds++
    }
    t.equal(rounds, 10)
    await bus.close!()
    t.equal(await (await openJournal(t, directory)).bus.loadPosition(PROJECT, 'reader'), placed[9]!.position)
  })

  t.test('that cannot be read are told, and readers begin again', async (t) => {
    const directory = await quickFolder(t)
    for (const content of ['', '{', 'null', '[["x"]]', '[[1,2]]']) {
      await mkdir(directory, { recursive: true })
      await writeFile(join(directory, 'positions.json'), content)
      const { bus, log } = await openJournal(t, directory)
      t.ok(log.said.warn.length > 0, JSON.stringify(content))
      t.equal(await bus.loadPosition(PROJECT, 'reader'), undefined)
    }
  })

  t.test('of another log are refused with VAL_001', async (t) => {
    const directory = await quickFolder(t)
    const { bus } = await openJournal(t, directory)
    const [first] = await appendRange(bus, PROJECT, 1, 3)
    const anchors = [first!.position, await earliest(bus, PROJECT), await latest(bus, PROJECT)]
    await bus.close!()
    await rm(directory, { recursive: true })
    const wiped = (await openJournal(t, directory)).bus
    await appendRange(wiped, PROJECT, 1, 3)
    for (const after of anchors) await rejectsWith('VAL_001', () => wiped.read(PROJECT, { after, limit: 9 }), 'a position of the log that was wiped')
  })
})
