import { createHash } from 'node:crypto'
import type { JsonObject } from '../contracts/common.js'
import type { Priority, SidecarEvent } from '../contracts/event-bus.js'
import type { Publication } from './events.js'

/** What extension attributes can be in the JSON format of CloudEvents 1.0. */
export type Attribute = string | number | boolean

/** An event in the structured mode of CloudEvents 1.0: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md */
export interface CloudEvent {
  specversion: '1.0'
  id: string
  source: string
  type: string
  subject?: string | undefined
  time?: string | undefined
  datacontenttype?: string | undefined
  data?: JsonObject | undefined
  topic?: string | undefined
  publishertype?: string | undefined
  correlationid?: string | undefined
  /** The event that this one answers or follows. */
  causationid?: string | undefined
  round?: number | undefined
  ttlseconds?: number | undefined
  priority?: Priority | undefined
  traceparent?: string | undefined
  replayof?: string | undefined
}

export function toCloudEvent (project: string, event: SidecarEvent): CloudEvent & Record<string, unknown> {
  const { correlation_id: correlation, references, round, priority, traceparent, replay_of: replayOf, extensions } = event
  return {
    ...extensions,
    specversion: '1.0',
    id: event.event_id,
    source: `/projects/${project}/agents/${event.publisher}`,
    type: event.event_type,
    // One of its own was kept with the extensions.
    subject: typeof extensions?.subject === 'string' ? extensions.subject : event.topic,
    time: event.timestamp,
    datacontenttype: 'application/json',
    topic: event.topic,
    publishertype: event.publisher_type,
    ...(correlation === undefined ? {} : { correlationid: correlation }),
    ...(references === undefined ? {} : { causationid: references }),
    ...(round === undefined ? {} : { round }),
    ttlseconds: event.ttl_seconds,
    ...(priority === undefined ? {} : { priority }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(replayOf === undefined ? {} : { replayof: replayOf }),
    data: event.data
  }
}

export interface FromCloudEvent {
  publication: Omit<Publication, 'topic'> & { topic: string | undefined }
  /** The agent type that the event claims to be from. */
  publisher_type: string | undefined
}

/**
 * What a CloudEvent asks to be published. Its id and source are not those of the event that comes of it, which is the
 * caller's and gets an id of the server: they make its idempotency key. Its `time` is when it happened and is not kept;
 * attributes that the sidecar has no member for are.
 */
export function fromCloudEvent (event: CloudEvent & Record<string, unknown>): FromCloudEvent {
  const {
    specversion: _version, id, source, type, subject, time: _time, datacontenttype: _content, data, topic, publishertype, correlationid, causationid, round, ttlseconds,
    priority, traceparent, replayof, ...others
  } = event
  const extensions = { ...others as Record<string, Attribute>, ...(topic === undefined || subject === undefined || subject === topic ? {} : { subject }) }
  return {
    publisher_type: publishertype,
    publication: {
      event_type: type,
      topic: topic ?? subject,
      idempotency_key: `cloudevent:${createHash('sha256').update(JSON.stringify([source, id])).digest('hex')}`,
      ...(data === undefined ? {} : { data }),
      ...(correlationid === undefined ? {} : { correlation_id: correlationid }),
      ...(causationid === undefined ? {} : { references: causationid }),
      ...(round === undefined ? {} : { round }),
      ...(ttlseconds === undefined ? {} : { ttl_seconds: ttlseconds }),
      ...(priority === undefined ? {} : { priority }),
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(replayof === undefined ? {} : { replay_of: replayof }),
      ...(Object.keys(extensions).length === 0 ? {} : { extensions })
    }
  }
}
