import type { SidecarEvent } from '../../contracts/event-bus.js'
import { parseSubscription } from '../subscription.js'

/** What a webhook is. Kept as the purpose of its consumer group, so that it lives as long as the group and is shared as the group is. */
export interface WebhookDefinition {
  url: string
  /** `null` for all, as `topics` and `filter`. */
  types: string[] | null
  topics: string[] | null
  filter: string | null
  description: string | null
  /** 1: in order. */
  max_in_flight: number
  created_by: string
  /** RFC 3339, UTC, as all times here. */
  created_at: string
  /** What a message is signed with, the newest first; a replaced one signs until its time, so that the receiver can change over. */
  secrets: { secret: string, until: string | null }[]
  /** `null` while it is active. */
  disabled: { reason: string, at: string } | null
}

/** Consumer groups of that beginning are webhooks. */
const GROUP_PREFIX = 'webhook:'
const VERSION = 1

export function groupOf (webhookId: string): string {
  return GROUP_PREFIX + webhookId
}

/** The webhook that a group is, or `undefined` for a group of agents. */
export function webhookIdOf (group: string): string | undefined {
  return group.startsWith(GROUP_PREFIX) ? group.slice(GROUP_PREFIX.length) : undefined
}

export function toPurpose (definition: WebhookDefinition): string {
  return JSON.stringify({ version: VERSION, ...definition })
}

/** Throws for what no sidecar of this version has written. */
export function fromPurpose (purpose: string): WebhookDefinition {
  const { version, ...definition } = JSON.parse(purpose) as WebhookDefinition & { version: unknown }
  if (version !== VERSION) throw new Error(`it is of version ${String(version)}, and this sidecar knows version ${VERSION}`)
  return definition
}

/** Tells which events a webhook is for. Throws `VAL_001` for a type or filter that is not valid. */
export function matcherOf ({ types, topics, filter }: Pick<WebhookDefinition, 'types' | 'topics' | 'filter'>): (event: SidecarEvent) => boolean {
  const subscription = parseSubscription({ type: types?.join(','), filter: filter ?? undefined })
  const wanted = topics === null ? undefined : new Set(topics)
  return (event) => (wanted === undefined || wanted.has(event.topic)) && subscription.matches(event)
}

/** The secrets that sign at a time. */
export function signingSecrets ({ secrets }: WebhookDefinition, now: number): string[] {
  return secrets.filter(({ until }) => until === null || Date.parse(until) > now).map(({ secret }) => secret)
}
