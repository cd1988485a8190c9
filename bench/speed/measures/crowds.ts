import { allAgents } from '../../shared/agents.js'
import { openAll } from '../client.js'
import { most, percentile, plain, ratio } from '../figures.js'
import { builtPart, type Session } from '../session.js'
import { CROWD, expect, ISSUE, ROUNDS_WHEN_SLOW, SMALL, TITLE, type Subject } from './subject.js'

/** Many that ask for the same at once, when nobody has asked before. */
export async function measureEqual (subject: Subject, session: Session): Promise<void> {
  const connections = await openAll(session.port, CROWD)
  const times: number[] = []
  const builds: number[] = []
  const alone: number[] = []
  let answered = 0
  try {
    for (let round = 0; round < Math.min(subject.plan.rounds, ROUNDS_WHEN_SLOW); round++) {
      subject.say(`${CROWD} equal requests, round ${round + 1}`)
      alone.push((await session.get(ISSUE, { ...SMALL, fresh: true })).milliseconds)
      const issue = `issue-equal-${round}`
      await session.tell(issue, TITLE)
      const started = performance.now()
      const replies = await Promise.all(connections.map(async (connection) => await connection.get(session.url(issue, SMALL), session.headers)))
      times.push(performance.now() - started)
      const right = replies.filter(({ status, etag }) => status === 200 && etag === replies[0]!.etag)
      answered += right.length
      expect(subject, right.length === CROWD, `${CROWD - right.length} of ${CROWD} equal requests got no answer, or another.`)
      builds.push(new Set(right.map(({ body }) => builtPart(body).toString('latin1'))).size)
      expect(subject, builds.at(-1) === 1, `${CROWD} equal requests at once were built ${builds.at(-1)} times.`)
    }
  } finally {
    for (const connection of connections) connection.close()
  }
  subject.figures.push(
    plain(`builds for ${CROWD} equal requests at once`, Math.max(...builds), '', { aim: most(1), note: `${answered} of ${CROWD * times.length} answered alike` }),
    ratio(`${CROWD} equal requests at once / one build`, times, alone, 'ms')
  )
}

/** One agent of every type about the same issue, all at once. */
export async function measureAgents (subject: Subject, session: Session, coldMs: number): Promise<void> {
  const agents = allAgents()
  const connections = await openAll(session.port, agents.length)
  const tokens: string[] = []
  const issue = 'issue-agents'
  await session.tell(issue, TITLE)
  for (const [index, agent] of agents.entries()) {
    const token = await session.tokenFor(agent)
    tokens.push(token)
    // Whether a token is good is found out with the first call, and is no work on contexts.
    const { status } = await connections[index]!.get(`/api/issues/${issue}`, { authorization: `Bearer ${token}` })
    expect(subject, status === 200, `${agent} could not read the issue: ${status}.`)
  }
  const totals: number[] = []
  const each: number[] = []
  try {
    subject.say(`${agents.length} agents`)
    const blocked = await session.watchLoop(async () => {
      const started = performance.now()
      const replies = await Promise.all(connections.map(async (connection, index) =>
        await connection.get(session.url(issue, SMALL, agents[index]), { authorization: `Bearer ${tokens[index]}` })))
      totals.push(performance.now() - started)
      for (const [index, { status, body, milliseconds }] of replies.entries()) {
        each.push(milliseconds)
        expect(subject, status === 200, `${agents[index]} was answered with ${status}: ${body.toString('utf8', 0, 200)}`)
      }
    })
    subject.loop.push({ by: 'all agents', ...blocked })
  } finally {
    for (const connection of connections) connection.close()
  }
  subject.figures.push(
    ratio(`${agents.length} agents of every type at once, 32k tokens / one first answer of a new server`, totals, [coldMs], 'ms', { aim: most(3) }),
    plain('of each of them, p50', percentile(each, 0.5), 'ms'),
    plain('of each of them, p99', percentile(each, 0.99), 'ms')
  )
}
