import Type from '../../core/typebox.js'
import { EventName, Identifier, Priority, Strict, Verbatim } from '../../core/http/schemas.js'

/** What a publish is validated with, for routes that stand for one. */
export const PUBLISH_SCHEMA = {
  params: Strict({ event_type: EventName }),
  body: Strict({
    event_type: Type.Optional(EventName),
    publisher: Type.Optional(Identifier),
    topic: EventName,
    data: Type.Optional(Verbatim),
    correlation_id: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    round: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
    references: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    ttl_seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
    priority: Type.Optional(Priority)
  })
}

/** Answers as a publish is answered. */
export function publishAnswer (number: number, topic: string): object {
  return {
    event_id: `evt_${String(number).padStart(26, '0')}`,
    published: true,
    subscribers_notified: [],
    subscriber_count: 0,
    topic,
    ttl_seconds: 86_400,
    timestamp: new Date().toISOString()
  }
}
