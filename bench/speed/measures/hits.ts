import { timeToLook, trackedFiles } from '../disk.js'
import { most, ratio } from '../figures.js'
import { isHit, untilComplete, type Query, type Session } from '../session.js'
import { BUDGETS, expect, ISSUE, warmUp, type Subject } from './subject.js'

/** Answers that are kept, about files that have not changed. */
export async function measureHits (subject: Subject, session: Session): Promise<void> {
  const paths = await trackedFiles(subject.root)
  for (const [name, query] of BUDGETS) {
    subject.say(`unchanged, ${name}`)
    const { etag } = await untilComplete(session, ISSUE, query)
    const hit = async (asked: Query): Promise<number> => {
      const reply = await session.get(ISSUE, asked)
      expect(subject, reply.etag === etag && isHit(reply.body), 'An answer about files that had not changed was made again.')
      return reply.milliseconds
    }
    const sent: number[] = []
    const limits: number[] = []
    const round = async (): Promise<number> => {
      limits.push(await timeToLook(subject.root, paths))
      const milliseconds = await hit(query)
      sent.push(milliseconds)
      return milliseconds
    }
    await warmUp(subject, round)
    sent.length = limits.length = 0
    for (let count = 0; count < subject.plan.rounds; count++) await round()
    subject.figures.push(ratio(`hit, ${name}, over HTTP / lstat of all files`, sent, limits, 'ms', { aim: most(1.1) }))
  }
}
