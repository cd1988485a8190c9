/** Facts about the running sidecar, as `/status` and the metrics show them. Times are milliseconds. */
export interface Telemetry {
  agents: {
    active: number
    queued: number
    completed: number
    failed: number
    /** Further attempts that were decided on. */
    retried: number
    /** Processes that were made, further attempts included. */
    spawned_total: number
    /** Active agents. */
    by_type: Record<string, number>
    /** `null` while none has ended. */
    avg_execution_time_ms: number | null
    /** Since the start, by the state that was entered. */
    transitions: Record<string, number>
    /** Spawners that start nobody because of a rate limit, with the end of the pause, RFC 3339. */
    paused: Record<string, string>
    /** Circuit breakers that are not closed: `type:<agent type>` or `spawner:<name>`, and `open` or `half_open`. */
    breakers: Record<string, string>
    /** What the agents of each project have used within the time of its budget. */
    spent: Record<string, { tokens: number, usd: number, ms: number }>
  }
  storage: {
    context_cache_entries: number
    context_cache_bytes: number
    cache_hits: number
    cache_misses: number
    results_stored: number
    results_bytes: number
    event_bytes: number
  }
  events: {
    total_published: number
    total_delivered: number
    active_subscriptions: number
    queue_depth: number
    dead_letter_queue_size: number
    avg_delivery_time_ms: number
    /** Topics that are not standard ones count as `custom`. */
    published_by_topic: Record<string, number>
  }
  triggers: {
    /** Events that matched a rule since the start, by what became of them. */
    events: Record<string, number>
    /** Those that were refused, by the bound that they met. */
    refused: Record<string, number>
    /** Agents that were started. */
    agents: number
  }
  webhooks: {
    /** Pushes since the start, by what became of them. */
    deliveries: Record<string, number>
    /** Events that are being pushed or wait for another attempt. */
    pending: number
  }
  audit: {
    /** Records written since the start, by action and outcome. */
    records: { action: string, outcome: string, count: number }[]
    write_failures: number
    /** Records that wait to be written. */
    pending: number
    /** Records that were given up because too many waited. */
    lost: number
  }
  http: {
    shed: Record<string, number>
    /** 0 where nothing watches the load. */
    shedding: number
    queued: number
    rate_limited: Record<string, number>
    /** Sessions of HTTP/2 that are open. */
    http2_sessions: number
  }
}
