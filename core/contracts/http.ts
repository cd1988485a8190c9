import type { FastifyInstance } from 'fastify'
import type { Lifecycle } from './common.js'

/** Routes and hooks beside the core's own. `register` runs before the core mounts its routes, so its hooks see them all. */
export interface HttpExtension extends Lifecycle {
  register (app: FastifyInstance): Promise<void>
}
