import { createHash } from 'node:crypto'
import type { AgentProfile } from '../contracts/agent-profile.js'
import type { ContextStrategy } from '../contracts/context-strategy.js'
import { apiError, nearest, startError } from '../errors.js'
import { GROUP_RIGHTS } from './group-rights.js'

export interface ChosenStrategy {
  need: string
  optional: boolean
  strategies: string[]
}

/** The agent types of one project. */
export interface ProfileSet {
  all (): readonly AgentProfile[]
  find (agentType: string): AgentProfile | undefined
  /** Throws `AGT_002` with the nearest known name. */
  get (agentType: string): AgentProfile
  /** Which strategies serve each requirement of a profile. */
  strategies (agentType: string): ChosenStrategy[]
  /** Changes whenever the profile does. */
  version (agentType: string): string
}

/** A project's own profiles win over the built-in ones; a requirement that nobody satisfies stops the start. */
export function createProfileSet (
  builtin: readonly AgentProfile[],
  own: readonly AgentProfile[],
  trusted: boolean,
  strategies: ReadonlyMap<string, ContextStrategy>
): ProfileSet {
  const profiles = new Map(builtin.map((profile) => [profile.id, profile]))
  for (const profile of own) profiles.set(profile.id, trusted ? profile : restrain(profile, builtin))
  const versions = new Map([...profiles].map(([id, profile]) => [id, createHash('sha256').update(JSON.stringify(profile)).digest('hex').slice(0, 16)]))
  const sorted = [...profiles.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  const served = indexStrategies(strategies)
  for (const profile of sorted) checkRequirements(profile, served)
  const set: ProfileSet = {
    all: () => sorted,
    find: (agentType) => profiles.get(agentType),
    get (agentType) {
      const profile = profiles.get(agentType)
      if (profile === undefined) {
        const guess = nearest(agentType, profiles.keys())
        throw apiError('AGT_002', `There is no agent type '${agentType}'.${guess === undefined ? ' GET /api/profiles lists them.' : ` Did you mean '${guess}'?`}`)
      }
      return profile
    },
    strategies: (agentType) => set.get(agentType).context.requirements.map(({ need, optional }) => ({
      need, optional: optional ?? false, strategies: served.get(need) ?? []
    })),
    version: (agentType) => versions.get(agentType) ?? ''
  }
  return set
}

/** Requirement name → names of the strategies that satisfy it. */
export function indexStrategies (strategies: ReadonlyMap<string, ContextStrategy>): Map<string, string[]> {
  const index = new Map<string, string[]>()
  for (const [name, strategy] of strategies) {
    for (const need of strategy.satisfies) index.set(need, [...index.get(need) ?? [], name])
  }
  return index
}

/** Stops the start when a profile needs what no strategy offers. */
function checkRequirements (profile: AgentProfile, served: ReadonlyMap<string, string[]>): void {
  for (const { need, optional } of profile.context.requirements) {
    if (served.has(need) || optional === true) continue
    const known = [...served.keys()].sort().map((name) => `'${name}'`).join(', ')
    const guess = nearest(need, served.keys())
    throw startError('SIDECAR_ERR_PROFILE_REQUIREMENT', `Requirement '${need}' of agent '${profile.id}' is not satisfied by any strategy.${guess === undefined ? '' : ` Did you mean '${guess}'?`} Known: ${known}.`)
  }
}

/** A profile from a repository that nobody has trusted gives its agent no more than its group, or the built-in it replaces, has. */
function restrain (profile: AgentProfile, builtin: readonly AgentProfile[]): AgentProfile {
  const replaced = builtin.find(({ id }) => id === profile.id)
  const group = replaced?.group ?? (profile.group === 'architect' ? 'coding' : profile.group)
  const rights = GROUP_RIGHTS[group]
  const peers = replaced === undefined ? builtin.filter((other) => other.group === group) : [replaced]
  const tools = [...new Set(peers.flatMap((peer) => peer.spawn.tools ?? []))]
  const spawn = { ...profile.spawn, tools: profile.spawn.tools?.filter((tool) => tools.includes(tool)) ?? tools }
  delete spawn.spawner
  // A lower bound than the replaced profile's is its own business; a higher one would raise a limit.
  const longest = replaced?.spawn.timeout_seconds
  if (longest === undefined) delete spawn.timeout_seconds
  else spawn.timeout_seconds = Math.min(spawn.timeout_seconds ?? longest, longest)
  return Object.freeze({
    ...profile,
    group,
    permissions: profile.permissions.filter((permission) => rights.permissions.includes(permission)),
    // Topics of its own are free; of those that built-in agents publish, it may use what all its peers do.
    publishes: profile.publishes.filter((topic) => peers.every((peer) => peer.publishes.includes(topic)) || !builtin.some((other) => other.publishes.includes(topic))),
    limits: {
      requests_per_minute: least(profile.limits.requests_per_minute, rights.limits.requests_per_minute),
      burst: least(profile.limits.burst, rights.limits.burst)
    },
    spawn
  })
}

function least (a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b)
}
