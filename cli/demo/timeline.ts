import type { AgentFacts } from '../agent-facts.js'
import type { EventFacts } from '../event-facts.js'
import { oneLine } from '../output.js'
import type { Colors } from '../terminal.js'

export interface Moment {
  /** Since the demo began. */
  offset_ms: number
  agent_type: string
  what: string
  event_type?: string
}

/** Puts together what events and the agents' own words tell, each once and in the order in which it became known. */
export class Timeline {
  readonly moments: Moment[] = []
  readonly #began: number
  readonly #told: (moment: Moment) => void
  readonly #lastWords = new Map<string, string>()
  /** Agents whose result is in: what they said before it came is no news any more. */
  readonly #done = new Set<string>()

  /** `began` is in ms since the epoch, as the times of events are. */
  constructor (began: number, told: (moment: Moment) => void) {
    this.#began = began
    this.#told = told
  }

  addEvent (event: EventFacts): void {
    if (['agent_completed', 'agent_failed', 'agent_ended'].includes(event.event_type)) this.#done.add(String(event.data.agent_id))
    const agentType = typeof event.data.agent_type === 'string' ? event.data.agent_type : event.publisher_type
    this.#add({ offset_ms: Date.parse(event.timestamp) - this.#began, agent_type: agentType, what: whatOf(event), event_type: event.event_type })
  }

  /** An agent says something new of itself. */
  addWords (agent: AgentFacts): void {
    const words = agent.message
    if (typeof words !== 'string' || this.#done.has(agent.agent_id) || this.#lastWords.get(agent.agent_id) === words) return
    this.#lastWords.set(agent.agent_id, words)
    this.#add({ offset_ms: Date.now() - this.#began, agent_type: agent.agent_type, what: words })
  }

  #add (moment: Moment): void {
    this.moments.push(moment)
    this.#told(moment)
  }
}

function whatOf ({ event_type: type, data }: EventFacts): string {
  switch (type) {
    case 'agent_started': return 'started'
    case 'agent_ended': return `ended: ${String(data.state)}${typeof data.reason === 'string' ? `, ${data.reason}` : ''}`
    case 'agent_completed':
    case 'agent_failed': return `stored its result: ${String(data.status)}`
    default: return `published ${type}`
  }
}

/** `   0.42 s  chief-architect       published architecture_defined`. */
export function momentLine ({ offset_ms: offset, agent_type: agentType, what, event_type: eventType }: Moment, width: number, colors: Colors): string {
  const text = oneLine(what, 120)
  const painted = eventType === undefined ? colors.dim(text) : /failed|lost|stopped/.test(text) ? colors.red(text) : eventType.startsWith('agent_') ? text : colors.cyan(text)
  return `${colors.dim(`${(offset / 1000).toFixed(2).padStart(7)} s`)}  ${colors.bold(oneLine(agentType).padEnd(width))}  ${painted}`
}
