import { advantage, least, most, ratio } from '../figures.js'
import { peakOf } from '../processes.js'
import { packWithRepomix } from '../repomix.js'
import { untilComplete, type Session } from '../session.js'
import { ISSUE, ROUNDS_WHEN_SLOW, WHOLE, type Subject } from './subject.js'

export async function measureRepomix (subject: Subject, session: Session, program: string): Promise<void> {
  await untilComplete(session, ISSUE, WHOLE)
  const ours: number[] = []
  const theirs: number[] = []
  const memory: number[] = []
  for (let round = 0; round < Math.min(subject.plan.rounds, ROUNDS_WHEN_SLOW); round++) {
    subject.say(`repomix, round ${round + 1}`)
    ours.push((await session.get(ISSUE, { ...WHOLE, fresh: true })).milliseconds)
    const packed = await packWithRepomix(program, subject.root, subject.folder)
    theirs.push(packed.milliseconds)
    memory.push(packed.peakMb)
  }
  subject.figures.push(
    advantage('fresh answer over HTTP, times faster than repomix', ours, theirs, 'ms', { aim: least(20) }),
    ratio('most memory of the server so far / of repomix', [peakOf(session.pid)], memory, 'MB', { aim: most(0.5) })
  )
}
