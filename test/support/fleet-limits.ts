import type { FleetLimits } from '../../core/fleet/fleet-options.js'

/** Limits that keep nobody from anything: a test sets what it is about. */
export const NO_LIMITS: FleetLimits = {
  max_concurrent: 1000,
  max_per_project: 1000,
  max_per_type: 1000,
  max_per_tier: [],
  max_queue: 1000,
  starts_per_second: 1000,
  timeout_seconds: 60,
  first_sign_seconds: 0,
  silence_seconds: 0,
  result_grace_seconds: 60,
  max_output_mb: 64,
  log_mb: 16,
  log_files: 3,
  max_memory_mb: 0,
  max_cpu_seconds: 0,
  run_max_tokens: 0,
  run_max_usd: 0,
  run_max_turns: 0,
  project_max_tokens: 0,
  project_max_usd: 0,
  project_max_hours: 0,
  budget_hours: 24,
  max_retries: 0,
  retry_seconds: 0,
  breaker_failures: 1000,
  breaker_seconds: 60,
  environment: [],
  spawner: 'process'
}
