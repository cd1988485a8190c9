import { PACKAGE, VERSION } from '../../package-root.js'
import { createPusher } from './push.js'
import { createTargetGuard } from './target-guard.js'
import { Webhooks, type WebhooksOptions } from './webhooks.js'

/** All pushes at once, and as many connections that are kept for the next ones. */
const MAX_SOCKETS = 128

export interface CreateWebhooksOptions extends Omit<WebhooksOptions, 'guard' | 'pusher'> {
  /** Host names, addresses and ranges that may be pushed to though they are not public. */
  allow: readonly string[]
}

/** Webhooks that push over HTTP. Throws `SIDECAR_ERR_CONFIG_INVALID` for an entry of `allow` that is neither a name nor an address nor a range. */
export function createWebhooks ({ allow, ...options }: CreateWebhooksOptions): Webhooks {
  const guard = createTargetGuard({ allow })
  return new Webhooks({ ...options, guard, pusher: createPusher({ guard, userAgent: `${PACKAGE.name}/${VERSION}`, maxSockets: MAX_SOCKETS }) })
}
