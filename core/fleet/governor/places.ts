import type { AgentRecord } from '../agent-record.js'

export interface PlaceLimits {
  max_concurrent: number
  max_per_project: number
  max_per_type: number
  /** Each `<tier>=<number>`; a tier that is not named has no limit of its own. */
  max_per_tier: readonly string[]
}

/** Who is at work, held to the limits by project, type, model tier and in all. */
export class Places {
  readonly #limits: PlaceLimits
  readonly #ofTier: ReadonlyMap<string, number>
  readonly #taken = new Map<string, string[]>()
  readonly #counts = new Map<string, number>()

  constructor (limits: PlaceLimits) {
    this.#limits = limits
    this.#ofTier = new Map(limits.max_per_tier.map((entry) => {
      const [tier, number] = entry.split('=') as [string, string]
      return [`tier:${tier}`, Number(number)]
    }))
  }

  get taken (): number {
    return this.#taken.size
  }

  isFree (record: AgentRecord): boolean {
    return keysOf(record).every((key) => (this.#counts.get(key) ?? 0) < this.#limitOf(key))
  }

  /** Also beyond the limits: an agent of an earlier run works already. Taking a place twice takes one. */
  take (record: AgentRecord): void {
    if (this.#taken.has(record.agent_id)) return
    const keys = keysOf(record)
    this.#taken.set(record.agent_id, keys)
    for (const key of keys) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  free (agentId: string): void {
    for (const key of this.#taken.get(agentId) ?? []) {
      const count = this.#counts.get(key)! - 1
      if (count === 0) this.#counts.delete(key)
      else this.#counts.set(key, count)
    }
    this.#taken.delete(agentId)
  }

  #limitOf (key: string): number {
    if (key === 'all') return this.#limits.max_concurrent
    if (key.startsWith('project:')) return this.#limits.max_per_project
    if (key.startsWith('type:')) return this.#limits.max_per_type
    return this.#ofTier.get(key) ?? Infinity
  }
}

function keysOf ({ project_id: project, agent_type: type, model_tier: tier }: AgentRecord): string[] {
  return ['all', `project:${project}`, `type:${type}`, `tier:${tier}`]
}
