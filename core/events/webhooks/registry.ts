import type { EventBus, Logger, Position } from '../../contracts/index.js'
import { apiError, messageOf } from '../../errors.js'
import { fromPurpose, groupOf, toPurpose, webhookIdOf, type WebhookDefinition } from './definition.js'

export interface StoredWebhook {
  id: string
  definition: WebhookDefinition
  /** Events that are being pushed or wait for another attempt. */
  held: number
  /** Events of any type that were not looked at yet. */
  lag: number
}

/** Who manages webhooks: only its own, or with `null` all of the project. */
export type Owner = string | null

/** The webhooks as the event bus keeps them. */
export class WebhookRegistry {
  readonly #bus: EventBus
  readonly #log: Logger
  /** One change after the other: each begins with what the one before has written. */
  #changing: Promise<unknown> = Promise.resolve()
  #changes = 0
  /** Groups that are no webhooks of this version, said once. */
  readonly #unread = new Set<string>()

  constructor (bus: EventBus, log: Logger) {
    this.#bus = bus
    this.#log = log
  }

  /** Rises with each change that this process makes, before and behind it. */
  get changes (): number {
    return this.#changes
  }

  /** With how far each is behind, which has to be counted. Sorted by age. */
  async list (project: string): Promise<StoredWebhook[]> {
    return (await this.#bus.groups(project)).flatMap(({ group, purpose, held, lag }) => {
      const id = webhookIdOf(group)
      const definition = id === undefined ? undefined : this.#read(project, id, purpose)
      return id === undefined || definition === undefined ? [] : [{ id, definition, held: held.length, lag }]
    })
  }

  /** The same without counting anything. */
  async definitions (project: string): Promise<{ id: string, definition: WebhookDefinition }[]> {
    const found = await Promise.all((await this.#bus.groupNames(project)).map(async (group) => {
      const id = webhookIdOf(group)
      const kept = id === undefined ? undefined : await this.#bus.findGroup(project, group)
      const definition = id === undefined || kept === undefined ? undefined : this.#read(project, id, kept.purpose)
      return id === undefined || definition === undefined ? [] : [{ id, definition }]
    }))
    return found.flat()
  }

  /** Rejects with `NOT_001` when there is none, and with `AUTH_003` when it is somebody else's. */
  async require (project: string, owner: Owner, id: string): Promise<WebhookDefinition> {
    const found = await this.#bus.findGroup(project, groupOf(id))
    const definition = found === undefined ? undefined : this.#read(project, id, found.purpose)
    if (definition === undefined) throw apiError('NOT_001', `There is no webhook '${id}'.`)
    if (owner !== null && definition.created_by !== owner) throw apiError('AUTH_003', 'An agent manages the webhooks that it made.')
    return definition
  }

  /** Events of a webhook that are being pushed or wait for another attempt. */
  async countHeld (project: string, id: string): Promise<number> {
    return (await this.#bus.findGroup(project, groupOf(id)))?.held.length ?? 0
  }

  /** Durable when it resolves. Rejects with `VAL_001` when the project has `max` webhooks already. */
  async add (project: string, id: string, definition: WebhookDefinition, { after, max }: { after: Position, max: number }): Promise<void> {
    await this.#inTurn(async () => {
      const count = (await this.#bus.groupNames(project)).filter((group) => webhookIdOf(group) !== undefined).length
      if (count >= max) {
        throw apiError('VAL_001', `The project has ${count} webhooks, which is its bound (events.max_webhooks); delete one first.`, {
          details: { issues: [{ path: '', message: `there are ${count} webhooks already` }] }
        })
      }
      await this.#bus.openGroup(project, groupOf(id), { after, purpose: toPurpose(definition) })
    })
  }

  /** Resolves to what it has become when that is durable; `change` gives `undefined` to leave it as it is. */
  async change (project: string, owner: Owner, id: string, change: (definition: WebhookDefinition) => WebhookDefinition | undefined): Promise<WebhookDefinition> {
    return await this.#inTurn(async () => {
      const definition = await this.require(project, owner, id)
      const changed = change(definition)
      if (changed === undefined) return definition
      await this.#bus.repurposeGroup(project, groupOf(id), toPurpose(changed))
      return changed
    })
  }

  async remove (project: string, owner: Owner, id: string): Promise<void> {
    await this.#inTurn(async () => {
      await this.require(project, owner, id)
      await this.#bus.closeGroup(project, groupOf(id))
    })
  }

  #read (project: string, id: string, purpose: string): WebhookDefinition | undefined {
    try {
      return fromPurpose(purpose)
    } catch (error) {
      if (!this.#unread.has(id)) this.#log.warn({ project, webhook_id: id, reason: messageOf(error) }, 'a webhook cannot be read and is not pushed to')
      this.#unread.add(id)
      return undefined
    }
  }

  async #inTurn<Value> (work: () => Promise<Value>): Promise<Value> {
    const turn = this.#changing.then(async () => {
      this.#changes++
      try {
        return await work()
      } finally {
        this.#changes++
      }
    })
    this.#changing = turn.catch(() => {})
    return await turn
  }
}
