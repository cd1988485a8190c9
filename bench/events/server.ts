import { startAskedSidecar } from '../shared/asked-sidecar.js'
import { processor } from '../shared/processor.js'
import { answerCalls } from '../speed/child.js'
import { heldBytes } from './memory.js'

/** How a sidecar of the benches is set up. */
export interface Setup {
  bus: 'memory' | 'journal'
  /** Whether tokens are verified, load is shed, and agents are held to rates, which are higher than any bench reaches. */
  guarded: boolean
}

const [folder, text] = process.argv.slice(2) as [string, string]
const { bus, guarded } = JSON.parse(text) as Setup
const { app, operator, address } = await startAskedSidecar(folder, {
  tokens: guarded,
  flags: {
    'rate-limit-enabled': String(guarded),
    'overload-enabled': String(guarded),
    'events-retention-count': '10000',
    'events-max-waits-per-agent': '20000'
  },
  plugins: [{ use: `event-bus/${bus}` }]
})

const handlers = {
  address,
  /** How many waits and streams are held. */
  async waiting () {
    const answer = await app.inject({ url: '/status', headers: { authorization: `Bearer ${operator}` } })
    return (answer.json() as { events: { active_subscriptions: number } }).events.active_subscriptions
  },
  processor,
  memory: heldBytes
}

export type ServerCalls = typeof handlers

answerCalls(handlers)
