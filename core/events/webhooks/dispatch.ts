import { randomUUID } from 'node:crypto'
import type { Clock, EventBus, Logger } from '../../contracts/index.js'
import { messageOf } from '../../errors.js'
import { toPurpose, type WebhookDefinition } from './definition.js'
import type { Pusher } from './push.js'
import type { WebhookRegistry } from './registry.js'
import { OUTCOMES, WebhookRunner, type Outcome } from './runner.js'
import { Slots } from './slots.js'

export interface DispatchOptions {
  bus: EventBus
  registry: WebhookRegistry
  pusher: Pusher
  /** Ids of all projects that are served. */
  projects (): string[]
  /** Waits between the attempts of a push. */
  retrySeconds: readonly number[]
  /** How long the bus keeps an event, milliseconds. */
  retentionMs: number
  clock: Clock
  log: Logger
}

/** Pushes at once in all, and of one project. */
const MAX_PUSHES = 64
const MAX_PUSHES_PER_PROJECT = 32
/** What another process offers or leaves behind is found after so long. */
const WAKE_MS = 10_000
/** What other processes make, change and delete is found after so long. */
const RECONCILE_MS = 60_000
const MAX_LOOKS = 10

/** The runners of all webhooks: as many as the bus has groups for, each woken by the events of its project. */
export class Dispatch {
  readonly #options: DispatchOptions
  /** This process among those that share the bus. */
  readonly #member = `sidecar-${randomUUID()}`
  readonly #slots = new Slots(MAX_PUSHES, MAX_PUSHES_PER_PROJECT)
  /** By project and id. */
  readonly #runners = new Map<string, Map<string, WebhookRunner>>()
  readonly #subscriptions = new Map<string, Promise<() => void>>()
  readonly #counts = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<Outcome, number>
  #timers: NodeJS.Timeout[] = []
  #reconciling: Promise<void> = Promise.resolve()
  #isClosing = false

  constructor (options: DispatchOptions) {
    this.#options = options
  }

  /** Pushes by what became of them. */
  get counts (): Record<Outcome, number> {
    return { ...this.#counts }
  }

  /** All that are pushed to. */
  get webhooks (): { project: string, id: string }[] {
    return [...this.#runners].flatMap(([project, runners]) => [...runners.keys()].map((id) => ({ project, id })))
  }

  start (): void {
    this.#reconcile()
    this.#timers = [setInterval(() => this.#reconcile(), RECONCILE_MS).unref(), setInterval(() => this.#wakeAll(), WAKE_MS).unref()]
  }

  find (project: string, id: string): WebhookRunner | undefined {
    return this.#runners.get(project)?.get(id)
  }

  /** Hears the project's events from now on. */
  async listen (project: string): Promise<void> {
    if (this.#isClosing) return
    const subscription = this.#subscriptions.get(project) ?? this.#options.bus.subscribe(project, ({ event }) => {
      for (const runner of this.#runners.get(project)?.values() ?? []) runner.hear(event)
    })
    this.#subscriptions.set(project, subscription)
    await subscription.catch((error: unknown) => {
      this.#subscriptions.delete(project)
      throw error
    })
  }

  /** Begins to push to a webhook, or goes on by what it has become. The project is listened to. */
  run (project: string, id: string, definition: WebhookDefinition): void {
    if (this.#isClosing) return
    const known = this.find(project, id)
    if (known !== undefined) {
      if (toPurpose(known.definition) !== toPurpose(definition)) known.replace(definition)
      return
    }
    const { bus, registry, pusher, retrySeconds, retentionMs, clock, log } = this.#options
    const runners = this.#runners.get(project) ?? new Map<string, WebhookRunner>()
    this.#runners.set(project, runners)
    const runner = new WebhookRunner({
      project,
      id,
      definition,
      bus,
      pusher,
      slots: this.#slots,
      member: this.#member,
      retrySeconds,
      retentionMs,
      clock,
      log,
      count: (outcome) => { this.#counts[outcome]++ },
      disable: async (reason) => {
        this.run(project, id, await registry.change(project, null, id, (current) => disabled(current, reason, clock())))
        log.warn({ project, webhook_id: id, reason }, 'a webhook was disabled')
      },
      gone: () => this.#forget(project, id)
    })
    runners.set(id, runner)
    runner.start()
  }

  /** Pushes no more to a webhook; what is under way is cut. */
  async drop (project: string, id: string): Promise<void> {
    const runner = this.find(project, id)
    this.#forget(project, id)
    await runner?.stop(0)
  }

  /** Begins nothing more; pushes under way may take `graceMs` and are given back then. */
  async close (graceMs: number): Promise<void> {
    this.#isClosing = true
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all(this.#all().map(async (runner) => await runner.stop(graceMs)))
    await this.#reconciling
    for (const subscription of this.#subscriptions.values()) (await subscription)()
  }

  #forget (project: string, id: string): void {
    const runners = this.#runners.get(project)
    runners?.delete(id)
    if (runners?.size === 0) this.#runners.delete(project)
  }

  #all (): WebhookRunner[] {
    return [...this.#runners.values()].flatMap((runners) => [...runners.values()])
  }

  #wakeAll (): void {
    for (const runner of this.#all()) runner.wake()
  }

  /** Brings the runners to what the bus says. */
  #reconcile (): void {
    this.#reconciling = this.#reconciling.then(async () => {
      for (const project of this.#options.projects()) {
        if (this.#isClosing) return
        try {
          await this.#reconcileProject(project)
        } catch (error) {
          this.#options.log.warn({ project, reason: messageOf(error) }, 'the webhooks of a project could not be read; the next look is in a minute')
        }
      }
    })
  }

  async #reconcileProject (project: string): Promise<void> {
    const { registry } = this.#options
    for (let look = 0; look < MAX_LOOKS; look++) {
      const before = registry.changes
      const found = await registry.definitions(project)
      if (found.length > 0) await this.listen(project)
      // What was changed here meanwhile must not be taken back.
      if (registry.changes !== before) continue
      for (const { id, definition } of found) this.run(project, id, definition)
      const gone = [...this.#runners.get(project)?.keys() ?? []].filter((id) => !found.some((each) => each.id === id))
      for (const id of gone) await this.drop(project, id)
      return
    }
  }
}

export function disabled (definition: WebhookDefinition, reason: string, now: number): WebhookDefinition | undefined {
  return definition.disabled === null ? { ...definition, disabled: { reason, at: new Date(now).toISOString() } } : undefined
}
