import type { FastifyInstance } from 'fastify'
import type { Lifecycle } from './common.js'

/** What an extension tells of the requests that it sees; `/health` and the metrics show it. */
export interface HttpFigures {
  /** Requests refused for load, by priority. */
  shed?: Record<string, number>
  /** How much is refused for load: 0 is nothing, 1 all requests of the lowest priority, 2 those of the next as well. */
  shedding?: number
  /** Requests that are being answered, long polls and streams not among them. */
  in_flight?: number
  /** Requests refused for their rate, by whose it was: `agent`, `project` or `address`. */
  rate_limited?: Record<string, number>
}

/** Routes and hooks beside the core's own. `register` runs before the core mounts its routes, so its hooks see them all. */
export interface HttpExtension extends Lifecycle {
  register (app: FastifyInstance): Promise<void>
  figures? (): HttpFigures
}
