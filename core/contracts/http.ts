import type { FastifyInstance } from 'fastify'
import type { Lifecycle } from './common.js'

/** What an extension tells of the requests that it sees; `/health` and the metrics show it. */
export interface HttpFigures {
  /** Requests refused for load, by priority. */
  shed?: Record<string, number>
  /** How much is refused for load: 0 is nothing, 1 all requests of the lowest priority, 2 those of the next as well. */
  shedding?: number
  /** Requests that wait until they may begin. */
  queued?: number
  /** Whether so much is asked for that what tells of it should not wait behind it. */
  busy?: boolean
  /** Requests refused for their rate, by whose it was: `agent`, `project` or `address`. */
  rate_limited?: Record<string, number>
}

/** Routes and hooks beside the core's own. `register` runs before the core mounts its routes, so its hooks see them all. */
export interface HttpExtension extends Lifecycle {
  register (app: FastifyInstance): Promise<void>
  figures? (): HttpFigures
}
