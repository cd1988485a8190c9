import { createHash } from 'node:crypto'
import type { ResultRecord } from '../../../core/plugin-api.js'

/** 32 hexadecimal digits that stand for an idempotency key: of one length, and fit to be part of a file's name. */
export function keyOf ({ idempotency_key: key }: ResultRecord): string | undefined {
  return key === undefined ? undefined : createHash('sha256').update(key).digest('hex').slice(0, 32)
}
