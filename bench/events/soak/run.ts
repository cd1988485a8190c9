import { setTimeout as wait } from 'node:timers/promises'
import { renderRequest } from '../../speed/client.js'
import { SoakClient } from './client.js'
import { Ledger, type Reader, type SoakEvent } from './ledger.js'
import type { SoakOptions } from './options.js'
import { createRandom } from './random.js'
import { ServerProcess } from './server-process.js'

const CROWD = 119
const PROJECTS = ['alpha', 'beta']
const TOPICS = ['implementation', 'testing', 'own-a', 'own-b']
const TYPES = ['code_ready', 'review_done', 'note']
const LANES = 5
/** A life of the server, milliseconds. */
const SHORTEST_LIFE_MS = 300
const LONGEST_LIFE_MS = 2500
/** Between two publishes of one publisher. */
const PAUSE_MS = 200
/** What all readers together may still take when everything was published. */
const CATCH_UP_MS = 120_000
/** Before an answer that was an error is asked for again. */
const RETRY_MS = 50

/** What each reader waits for, in turn: everything, a topic, types, a filter. */
function createReader (index: number): Reader & { path: string } {
  const project = PROJECTS[index % PROJECTS.length]!
  const [topic, lane] = [TOPICS[index % TOPICS.length]!, index % LANES]
  const asks: { path: string, wants: Reader['wants'] }[] = [
    { path: '/api/events/wait', wants: () => true },
    { path: `/api/events/wait/*?topic=${topic}`, wants: (event) => event.topic === topic },
    { path: '/api/events/wait/code_ready,note', wants: (event) => event.event_type !== 'review_done' },
    { path: `/api/events/wait?filter=lane:${lane}`, wants: (event) => event.data.lane === lane }
  ]
  const { path, wants } = asks[Math.floor(index / PROJECTS.length) % asks.length]!
  return { name: `reader ${index}`, project, wants, path: `${path}${path.includes('?') ? '&' : '?'}timeout=1000&limit=500` }
}

/** Publishes and waits while the server is killed again and again; answers whether nothing was violated. */
export async function soak ({ kills, seed }: SoakOptions, folder: string, say: (text: string) => void): Promise<boolean> {
  const random = createRandom(seed)
  const ledger = new Ledger()
  const server = new ServerProcess(folder)
  const readers = Array.from({ length: CROWD }, (_, index) => createReader(index))
  const stop = { publishing: false, reading: false }
  let refused = 0
  let unanswered = 0

  const publish = async (publisher: number): Promise<void> => {
    const client = new SoakClient(server)
    const project = PROJECTS[publisher % PROJECTS.length]!
    const own = createRandom(seed * 1000 + publisher)
    for (let n = 0; !stop.publishing; n++) {
      const data = { project, publisher, n, lane: Math.floor(own() * LANES) }
      const [type, topic] = [TYPES[Math.floor(own() * TYPES.length)]!, TOPICS[Math.floor(own() * TOPICS.length)]!]
      const request = renderRequest('POST', `/api/events/${type}`, {
        authorization: `Bearer publisher/publisher-${publisher}/${project}`, 'idempotency-key': `event-${n}`
      }, JSON.stringify({ topic, data }))
      // Tried again with the same key until it is answered, also by another life of the server.
      for (;;) {
        const answer = await client.ask(request)
        if (answer?.reply.status === 202) {
          const { event_id: id } = JSON.parse(answer.reply.body.toString()) as { event_id: string }
          ledger.acknowledge({ event_id: id, event_type: type, topic, data })
          break
        }
        if (answer === undefined) {
          unanswered++
        } else {
          refused++
          await wait(RETRY_MS)
        }
      }
      await wait(PAUSE_MS * 2 * own())
    }
    client.close()
  }

  const read = async (reader: Reader & { path: string }, index: number): Promise<void> => {
    const client = new SoakClient(server)
    const request = renderRequest('GET', reader.path, { authorization: `Bearer reader/reader-${index}/${reader.project}` })
    while (!stop.reading) {
      const answer = await client.ask(request)
      if (answer === undefined) {
        unanswered++
        continue
      }
      if (answer.reply.status !== 200) {
        refused++
        await wait(RETRY_MS)
        continue
      }
      for (const event of (JSON.parse(answer.reply.body.toString()) as { events: SoakEvent[] }).events) ledger.receive(reader, event, answer.life)
    }
    client.close()
  }

  await server.start()
  try {
    const reading = readers.map(read)
    const publishing = Array.from({ length: CROWD }, async (_, publisher) => await publish(publisher))
    const all = Promise.all([...reading, ...publishing])
    const work = (async () => {
      for (let kill = 1; kill <= kills; kill++) {
        await wait(SHORTEST_LIFE_MS + random() * (LONGEST_LIFE_MS - SHORTEST_LIFE_MS))
        await server.killAndStart()
        const { acknowledged, delivered, repeated } = ledger.counts
        say(`kill ${kill} of ${kills}: ${acknowledged} acknowledged, ${delivered} delivered, ${repeated} repeated`)
      }
      stop.publishing = true
      await Promise.all(publishing)
      const deadline = performance.now() + CATCH_UP_MS
      while (readers.some((reader) => ledger.missingOf(reader) > 0) && performance.now() < deadline) await wait(100)
      // Time for what would be given twice.
      await wait(2000)
      stop.reading = true
    })()
    // Whatever fails first is what went wrong.
    await Promise.race([work, all])
    await work
    await all
  } finally {
    await server.kill()
  }
  ledger.settle(readers)
  say('')
  return report(ledger, { kills, seed, refused, unanswered })
}

function report ({ counts, violations }: Ledger, { kills, seed, refused, unanswered }: { kills: number, seed: number, refused: number, unanswered: number }): boolean {
  const { acknowledged, delivered, repeated, lost, outOfOrder, strayed, duplicated, publishedTwice } = counts
  console.log([
    `${CROWD} publishers, ${CROWD} readers, ${PROJECTS.length} projects, ${kills} kills, seed ${seed}`,
    '',
    `acknowledged                        ${acknowledged}`,
    `publishes and waits cut by a kill   ${unanswered}`,
    `answered with an error              ${refused}`,
    `delivered                           ${delivered}`,
    `delivered again after a kill        ${repeated}`,
    `acknowledged and lost               ${lost}`,
    `out of order within a topic         ${outOfOrder}`,
    `to another project, or not asked    ${strayed}`,
    `delivered twice without a kill      ${duplicated}`,
    `published twice                     ${publishedTwice}`,
    ...violations.map((text) => `WRONG: ${text}`)
  ].join('\n'))
  return acknowledged > 0 && lost + outOfOrder + strayed + duplicated + publishedTwice === 0
}
