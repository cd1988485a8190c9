import { stat } from 'node:fs/promises'
import { codeOf, messageOf } from '../../errors.js'
import type { Ending } from '../ending.js'
import { rotate } from './log-rotation.js'
import type { Live, SupervisionOptions } from './supervision.js'

const EVERY_MS = 1000
/** How often what an agent has shown is written down, when nothing else writes its record. */
const SAVE_EVERY = 15
const MEBIBYTE = 1024 * 1024

/** 0 seconds are no limit. */
export interface WatchLimits {
  silence_seconds: number
  max_output_mb: number
  log_mb: number
  log_files: number
}

/** Looks at all agents every second: at their output, their silence and their budgets. */
export class Watch {
  readonly #options: SupervisionOptions
  readonly #agents: { live (): Iterable<Live>, end (live: Live, ending: Ending): void }
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #looks = 0

  constructor (options: SupervisionOptions, agents: { live (): Iterable<Live>, end (live: Live, ending: Ending): void }) {
    this.#options = options
    this.#agents = agents
  }

  open (): void {
    this.#timer = setInterval(() => {
      // A disk that is slow is not asked again before it has answered.
      this.#looking ??= this.#look().finally(() => { this.#looking = undefined })
    }, EVERY_MS).unref()
  }

  close (): void {
    clearInterval(this.#timer)
  }

  /** Ends an agent that exceeds a budget. */
  checkBudget (live: Live): void {
    if (live.ending !== undefined) return
    const reason = this.#options.exceeded(live.record)
    if (reason !== undefined) this.#agents.end(live, { state: 'failed', failure: 'budget', reason })
  }

  async #look (): Promise<void> {
    const isTimeToSave = ++this.#looks % SAVE_EVERY === 0
    await Promise.all([...this.#agents.live()].filter(({ ending, isOver }) => ending === undefined && !isOver).map(async (live) => {
      try {
        this.checkBudget(live)
        this.#checkSilence(live)
        await this.#checkOutput(live)
        if (live.isDirty && isTimeToSave && live.ending === undefined && !live.isOver) {
          live.isDirty = false
          await this.#options.save(live.record)
        }
      } catch (error) {
        this.#options.log.warn({ agent: live.record.agent_id, reason: messageOf(error) }, 'an agent could not be watched')
      }
    }))
  }

  #checkSilence (live: Live): void {
    const { silenceSeconds: seconds } = live
    if (seconds === 0 || live.record.state !== 'running' || performance.now() - live.signAt < seconds * 1000) return
    this.#agents.end(live, { state: 'failed', failure: 'silence', reason: `it showed nothing for ${seconds} seconds` })
  }

  async #checkOutput (live: Live): Promise<void> {
    const { record } = live
    const { max_output_mb: most, log_mb: fileLimit, log_files: files } = this.#options.limits
    const file = this.#options.outputOf(record.agent_id)
    const size = await sizeOf(file)
    if (size + (record.output_moved ?? 0) > most * MEBIBYTE) {
      this.#agents.end(live, { state: 'failed', failure: 'output', reason: `it wrote more than ${Math.round(most * MEBIBYTE)} bytes of output` })
    } else if (size > fileLimit * MEBIBYTE) {
      record.output_moved = (record.output_moved ?? 0) + await rotate(file, files)
      live.isDirty = true
    }
  }
}

async function sizeOf (file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 0
    throw error
  }
}
