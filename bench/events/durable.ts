import { join } from 'node:path'
import { least, ratio } from '../speed/figures.js'
import { inJournal, isMain, runAlone } from './alone.js'
import type { Subject } from '../shared/parts.js'
import { CROWD } from './session.js'

const ROUNDS = 5
const EVENTS = 20_000
/** Each waits for the disk alone. */
const SYNCED_EVENTS = 400

/** Durable acknowledgements by as many writers as there are agents, against one fdatasync for each event on the same file system. */
export async function measureDurable (subject: Subject): Promise<void> {
  const rounds: { synced: number, journal: number }[] = []
  for (let round = 0; round < (subject.quick ? 1 : ROUNDS); round++) {
    subject.say(`durable acknowledgements, ${round + 1}`)
    const synced = await inJournal(subject, 'syncEach', { path: join(subject.folder, `synced-${round}`), events: subject.quick ? 20 : SYNCED_EVENTS })
    const journal = await inJournal(subject, 'appendDurably', { directory: join(subject.folder, `durable-${round}`), writers: CROWD, events: subject.quick ? 1000 : EVENTS })
    rounds.push({ synced, journal })
  }
  subject.figures.push(
    ratio(`durable acknowledgements by ${CROWD} writers, against one fdatasync each`, rounds.map(({ journal }) => journal), rounds.map(({ synced }) => synced), '/s', { aim: least(20) })
  )
}

if (isMain(import.meta.url)) await runAlone(measureDurable)
