import type { Clock, EventBus, Logger, SidecarEvent } from '../../contracts/index.js'
import { apiError } from '../../errors.js'
import { createIds } from '../../ids.js'
import { resolveSince } from '../cursor.js'
import { matcherOf, webhookIdOf, type WebhookDefinition } from './definition.js'
import { disabled, Dispatch } from './dispatch.js'
import { pushEvent } from './message.js'
import type { Pusher } from './push.js'
import { WebhookRegistry, type Owner, type StoredWebhook } from './registry.js'
import type { Outcome, RunnerFacts } from './runner.js'
import { checkSecret, createSecret } from './signature.js'
import type { TargetGuard } from './target-guard.js'

export interface WebhooksOptions {
  bus: EventBus
  guard: TargetGuard
  /** Closed with the webhooks. */
  pusher: Pusher
  /** Ids of all projects that are served. */
  projects (): string[]
  /** Webhooks of a project. */
  maxWebhooks: number
  /** Waits between the attempts of a push. */
  retrySeconds: readonly number[]
  /** How long the bus keeps an event, milliseconds. */
  retentionMs: number
  clock: Clock
  log: Logger
}

export interface WebhookRequest {
  url: string
  types?: string[]
  topics?: string[]
  filter?: string
  secret?: string
  description?: string
  max_in_flight?: number
  since?: string
}

/** What is shown of a webhook: never its secrets. */
export interface WebhookView extends Omit<WebhookDefinition, 'secrets' | 'disabled'>, Omit<RunnerFacts, 'missed'> {
  webhook_id: string
  state: 'active' | 'disabled'
  /** Why it is disabled. */
  reason: string | null
  /** Events that retention took before they were pushed, since the start; `null` where that is not known, as the times above. */
  missed: number | null
  /** Events that are being pushed or wait for another attempt. */
  pending: number
  /** Events that were not looked at yet, of any type. */
  lag: number
}

/** `secret` is there when it was made here, and is told this once. */
export interface SecretView { webhook: WebhookView, secret?: string }

export interface TestAnswer {
  delivered: boolean
  status: number | null
  duration_ms: number
  error: string | null
}

/** A replaced secret signs for so long beside the new one. */
const ROTATION_MS = 86_400_000
const UNKNOWN = { last_success_at: null, last_error: null, last_error_at: null, missed: null }

/**
 * Webhooks of all projects: each is a consumer group of the event bus whose member is this process.
 * A call that names one rejects with `NOT_001` when there is none, and with `AUTH_003` when it is somebody else's.
 */
export class Webhooks {
  readonly #options: WebhooksOptions
  readonly #registry: WebhookRegistry
  readonly #dispatch: Dispatch
  readonly #nextId: () => string
  readonly #nextTestId: () => string
  #closing: Promise<void> | undefined

  constructor (options: WebhooksOptions) {
    this.#options = options
    this.#registry = new WebhookRegistry(options.bus, options.log)
    this.#dispatch = new Dispatch({ ...options, registry: this.#registry })
    this.#nextId = createIds('wh_', options.clock)
    this.#nextTestId = createIds('evt_', options.clock)
  }

  /** Begins to push what there is. */
  start (): void {
    this.#dispatch.start()
  }

  /** Rejects with `VAL_001` for what is not valid, a url that leads to where pushes may not go, and beyond the bound of the project. */
  async create (project: string, owner: string, request: WebhookRequest): Promise<SecretView> {
    const { bus, guard, clock, maxWebhooks } = this.#options
    const { types = null, topics = null, filter = null, description = null, max_in_flight: max = 1, secret: given, since = 'latest' } = request
    matcherOf({ types, topics, filter })
    if (given !== undefined) checkSecret(given)
    const url = await guard.check(request.url)
    const after = await resolveSince(bus, project, since)
    const secret = given ?? createSecret()
    const definition: WebhookDefinition = {
      url: url.href,
      types,
      topics,
      filter,
      description,
      max_in_flight: max,
      created_by: owner,
      created_at: new Date(clock()).toISOString(),
      secrets: [{ secret, until: null }],
      disabled: null
    }
    const id = this.#nextId()
    // Listened to first, so that nothing slips between.
    await this.#dispatch.listen(project)
    await this.#registry.add(project, id, definition, { after, max: maxWebhooks })
    this.#dispatch.run(project, id, definition)
    return { webhook: await this.get(project, null, id), ...(given === undefined ? { secret } : {}) }
  }

  /** Sorted by age. */
  async list (project: string, owner: Owner): Promise<WebhookView[]> {
    const found = await this.#registry.list(project)
    return found.filter(({ definition }) => owner === null || definition.created_by === owner).map((each) => this.#view(project, each))
  }

  async get (project: string, owner: Owner, id: string): Promise<WebhookView> {
    await this.#registry.require(project, owner, id)
    const found = (await this.#registry.list(project)).find((each) => each.id === id)
    if (found === undefined) throw apiError('NOT_001', `There is no webhook '${id}'.`)
    return this.#view(project, found)
  }

  /** What is being pushed is cut; nothing more follows. */
  async remove (project: string, owner: Owner, id: string): Promise<void> {
    await this.#registry.remove(project, owner, id)
    await this.#dispatch.drop(project, id)
  }

  /** Pushes a message that is no event of the project, now and once; after a success what waits for another attempt is tried at once. */
  async test (project: string, owner: Owner, id: string): Promise<TestAnswer> {
    const definition = await this.#registry.require(project, owner, id)
    const { clock, pusher } = this.#options
    const event: SidecarEvent = {
      event_id: this.#nextTestId(),
      event_type: 'webhook_test',
      publisher: 'sidecar',
      publisher_type: 'sidecar',
      topic: 'coordination',
      data: { webhook_id: id },
      timestamp: new Date(clock()).toISOString(),
      ttl_seconds: 60
    }
    const { status, duration_ms: duration, error } = await pushEvent(pusher, definition, event, clock(), new AbortController().signal)
    if (error === null) this.#dispatch.find(project, id)?.hurry()
    return { delivered: error === null, status, duration_ms: duration, error }
  }

  /** Pushes again, beginning at once with what waits for another attempt. */
  async enable (project: string, owner: Owner, id: string): Promise<WebhookView> {
    await this.#change(project, owner, id, (definition) => (definition.disabled === null ? undefined : { ...definition, disabled: null }))
    this.#dispatch.find(project, id)?.hurry()
    return await this.get(project, owner, id)
  }

  /** Pushes nothing more until it is enabled; events go on waiting for as long as they are retained. */
  async disable (project: string, owner: Owner, id: string, reason: string): Promise<WebhookView> {
    await this.#change(project, owner, id, (definition) => disabled(definition, reason, this.#options.clock()))
    return await this.get(project, owner, id)
  }

  /** Signs with another secret from now on, and for a day with the one before, too. */
  async rotate (project: string, owner: Owner, id: string, given: string | undefined): Promise<SecretView> {
    if (given !== undefined) checkSecret(given)
    const secret = given ?? createSecret()
    const until = new Date(this.#options.clock() + ROTATION_MS).toISOString()
    // One before the last is not wanted any more: a secret that leaked is out after two changes.
    await this.#change(project, owner, id, (definition) => ({
      ...definition, secrets: [{ secret, until: null }, ...definition.secrets.slice(0, 1).filter((old) => old.secret !== secret).map((old) => ({ ...old, until }))]
    }))
    return { webhook: await this.get(project, owner, id), ...(given === undefined ? { secret } : {}) }
  }

  /** Looks at once for what was put before a webhook's group again; of any other group it does nothing. */
  wake (project: string, group: string): void {
    const id = webhookIdOf(group)
    if (id !== undefined) this.#dispatch.find(project, id)?.wake()
  }

  /** Pushes by what became of them since the start, and events that are being pushed or wait for another attempt. */
  async statistics (): Promise<{ deliveries: Record<Outcome, number>, pending: number }> {
    const held = await Promise.all(this.#dispatch.webhooks.map(async ({ project, id }) => await this.#registry.countHeld(project, id)))
    return { deliveries: this.#dispatch.counts, pending: held.reduce((sum, count) => sum + count, 0) }
  }

  /** Begins nothing more; pushes under way may take `graceMs` and are given back then. Idempotent. */
  async close (graceMs: number): Promise<void> {
    this.#closing ??= this.#dispatch.close(graceMs).finally(() => this.#options.pusher.close())
    await this.#closing
  }

  async #change (project: string, owner: Owner, id: string, change: (definition: WebhookDefinition) => WebhookDefinition | undefined): Promise<void> {
    this.#dispatch.run(project, id, await this.#registry.change(project, owner, id, change))
  }

  #view (project: string, { id, definition, held, lag }: StoredWebhook): WebhookView {
    const { secrets: _secrets, disabled: state, ...shown } = definition
    return {
      webhook_id: id,
      ...shown,
      state: state === null ? 'active' : 'disabled',
      reason: state?.reason ?? null,
      ...(this.#dispatch.find(project, id)?.facts ?? UNKNOWN),
      pending: held,
      lag
    }
  }
}
