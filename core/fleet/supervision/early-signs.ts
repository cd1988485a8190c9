import type { AgentSign } from '../../contracts/index.js'

/** What agents show before the sidecar knows that their process is there. Of each kind only the last counts. */
export class EarlySigns {
  readonly #signs = new Map<string, Map<AgentSign['kind'], AgentSign>>()

  expect (agentId: string): void {
    this.#signs.set(agentId, new Map())
  }

  /** Of an agent that is not expected nothing is kept. */
  keep (agentId: string, sign: AgentSign): void {
    this.#signs.get(agentId)?.set(sign.kind, sign)
  }

  /** What was kept; from now on the agent is not expected any more. */
  take (agentId: string): AgentSign[] {
    const signs = [...this.#signs.get(agentId)?.values() ?? []]
    this.#signs.delete(agentId)
    return signs
  }
}
