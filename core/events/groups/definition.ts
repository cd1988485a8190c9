import { apiError } from '../../errors.js'
import { parseSubscription, type Subscription, type SubscriptionQuery } from '../subscription.js'

/** How a group treats what it hands out. */
export interface GroupRules {
  /** How long a member may take for the first attempt; it doubles with each further one, up to an hour. */
  ackWaitSeconds: number
  /** After so many attempts an event becomes a dead letter. */
  maxDeliveries: number
}

/** What a group is for: kept as its purpose on the bus, so that every sidecar knows it. */
export interface GroupDefinition extends GroupRules {
  listensFor: SubscriptionQuery
  createdBy: string
  /** RFC 3339, UTC. */
  createdAt: string
}

const LONGEST_HOLD_MS = 3_600_000
const FIRST_BACK_OFF_MS = 1000

export function purposeOf ({ listensFor, ackWaitSeconds, maxDeliveries, createdBy, createdAt }: GroupDefinition): string {
  return JSON.stringify({ kind: 'consumers', listensFor, ackWaitSeconds, maxDeliveries, createdBy, createdAt })
}

/** `undefined` for a group of another kind. */
export function definitionOf (purpose: string): GroupDefinition | undefined {
  try {
    const { kind, ...definition } = JSON.parse(purpose) as GroupDefinition & { kind?: string }
    return kind === 'consumers' ? definition : undefined
  } catch {
    // Not written by this code: whose it is does not matter here.
    return undefined
  }
}

/** How long an attempt may take, milliseconds. */
export function holdMs ({ ackWaitSeconds }: GroupRules, attempt: number): number {
  const first = ackWaitSeconds * 1000
  return Math.max(first, Math.min(LONGEST_HOLD_MS, first * 2 ** (attempt - 1)))
}

/** How long an event that was given back waits by default, milliseconds: longer with each attempt, never longer than the first may take. */
export function backOffMs ({ ackWaitSeconds }: GroupRules, attempt: number): number {
  return Math.min(ackWaitSeconds * 1000, FIRST_BACK_OFF_MS * 2 ** (attempt - 1))
}

/** What a member asks to listen for must be what the group listens for; who asks for nothing takes what there is. */
export function checkSubscription (name: string, { listensFor }: GroupDefinition, asked: SubscriptionQuery): Subscription {
  const subscription = parseSubscription(listensFor)
  const isOpen = (asked.type === undefined || asked.type === '*') && asked.topic === undefined && (asked.filter ?? '') === ''
  if (isOpen || parseSubscription(asked).key === subscription.key) return subscription
  const known = [listensFor.type ?? '*', ...(listensFor.topic === undefined ? [] : [`topic ${listensFor.topic}`]), ...(listensFor.filter === undefined ? [] : [`filter ${listensFor.filter}`])].join(', ')
  throw apiError('VAL_001', `The group '${name}' listens for ${known}: ask for the same, or for the group alone.`, {
    details: { issues: [{ path: 'group', message: 'listens for something else' }] }
  })
}
