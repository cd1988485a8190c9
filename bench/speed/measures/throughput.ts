import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BareCalls } from '../bare.js'
import { startChild } from '../child.js'
import { load, openAll, type Connection } from '../client.js'
import { least, most, ratio } from '../figures.js'
import { untilComplete, type Query, type Session } from '../session.js'
import { CONNECTIONS, expect, ISSUE, SMALL, WHOLE, type Subject } from './subject.js'

/** Rounds by turns of a sidecar and a bare server. */
const LOADS = 5

/** Throughput of the sidecar and of a bare Fastify, by turns: time and processor time of each request. */
async function compareLoads (subject: Subject, session: Session, bare: ReturnType<typeof startChild<BareCalls>>, bareConnections: readonly Connection[], ours: { query: Query, headers: Record<string, string>, status: number }, barePath: string): Promise<{ rates: number[], bareRates: number[], processor: number[], bareProcessor: number[] }> {
  const connections = await openAll(session.port, bareConnections.length)
  const found = { rates: [] as number[], bareRates: [] as number[], processor: [] as number[], bareProcessor: [] as number[] }
  const { loadMs } = subject.plan
  try {
    // The first round warms both up.
    for (let round = -1; round < Math.min(subject.plan.rounds, LOADS); round++) {
      let before = await session.child.call('processor')
      const { rate, unexpected } = await load(connections, loadMs, session.url(ISSUE, ours.query), { ...session.headers, ...ours.headers }, ours.status)
      const processor = (await session.child.call('processor') - before) / (rate * loadMs / 1000)
      expect(subject, unexpected === 0, `${unexpected} of many equal requests were not answered with ${ours.status}.`)
      before = await bare.call('processor')
      const bareLoad = await load(bareConnections, loadMs, barePath, {}, 200)
      const bareProcessor = (await bare.call('processor') - before) / (bareLoad.rate * loadMs / 1000)
      if (round < 0) continue
      found.rates.push(rate)
      found.bareRates.push(bareLoad.rate)
      found.processor.push(processor)
      found.bareProcessor.push(bareProcessor)
    }
  } finally {
    for (const connection of connections) connection.close()
  }
  return found
}

/** How long the largest answer takes where nobody else asks, beside a bare server of the same bytes: that is what sending them costs. */
async function compareAlone (subject: Subject, session: Session, bare: Connection, barePath: string): Promise<void> {
  subject.say('10 MiB, beside a bare server')
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < subject.plan.rounds; round++) {
    ours.push((await session.get(ISSUE, WHOLE)).milliseconds)
    theirs.push((await bare.get(barePath, {})).milliseconds)
  }
  subject.figures.push(ratio('hit, 10 MiB, over HTTP / bare with the same buffer', ours, theirs, 'ms'))
}

export async function measureThroughput (subject: Subject, session: Session): Promise<void> {
  const bare = startChild<BareCalls>(new URL('../bare.js', import.meta.url), [], subject.folder)
  const connections: Connection[] = []
  try {
    const { etag, body } = await untilComplete(session, ISSUE, SMALL)
    const { body: whole } = await untilComplete(session, ISSUE, WHOLE)
    for (const [name, content] of [['answer', body], ['whole', whole]] as const) {
      const file = join(subject.folder, `${name}.json`)
      await writeFile(file, content)
      await bare.call('load', { name, file })
    }
    connections.push(...await openAll(await bare.call('port'), CONNECTIONS))
    await compareAlone(subject, session, connections[0]!, '/buffer/whole')
    subject.say('304')
    const unchanged = await compareLoads(subject, session, bare, connections, { query: SMALL, headers: { 'if-none-match': etag }, status: 304 }, '/hello')
    const perRequest = (rates: readonly number[]): number[] => rates.map((rate) => 1000 / rate)
    subject.figures.push(
      ratio(`304, ${CONNECTIONS} connections / bare hello, time of each`, perRequest(unchanged.rates), perRequest(unchanged.bareRates), 'ms', { aim: most(1.3) }),
      ratio('304 / bare hello, processor time of each', unchanged.processor, unchanged.bareProcessor, 'ms')
    )
    subject.say('200 from the cache')
    const sent = await compareLoads(subject, session, bare, connections, { query: SMALL, headers: {}, status: 200 }, '/buffer/answer')
    subject.figures.push(
      ratio('warm 200, 32k tokens / bare with the same buffer, throughput', sent.rates, sent.bareRates, '/s', { aim: least(0.8) }),
      ratio('warm 200 / bare with the same buffer, processor time of each', sent.processor, sent.bareProcessor, 'ms')
    )
  } finally {
    for (const connection of connections) connection.close()
    await bare.close()
  }
}
