import { LRUCache } from 'lru-cache'
import { definePlugin, Type, type CacheEntry, type CacheKey, type ContextCache } from '../../core/plugin-api.js'
import { createKeyTree } from './shared/key-tree.js'

/** The identity of a key in the LRU list. */
interface Slot {
  path: readonly string[]
}

interface Held {
  entry: CacheEntry
  bytes: number
}

// Objects, maps and list places of one entry; the test measures the heap against it.
const OVERHEAD_BYTES = 2048
const MEMBER_BYTES = 64
/** Of memory that was measured out before the last of what it holds was known, against copying all of it. */
const MOST_SLACK = 1 / 32

/** Keeps the answers that were used last, as many as fit into so many bytes. */
export function createMemoryCache ({ maxBytes }: { maxBytes: number }): ContextCache {
  const slots = createKeyTree<Slot>()
  const entries = new LRUCache<Slot, Held>({
    maxSize: maxBytes,
    sizeCalculation: (held) => held.bytes,
    dispose: (_held, slot, reason) => { if (reason !== 'set') slots.delete(slot.path) }
  })

  return {
    async close () {
      entries.clear()
    },
    async get (key) {
      const slot = slots.get(pathOf(key))
      const held = slot && entries.get(slot)
      return held && { ...held.entry, meta: { ...held.entry.meta } }
    },
    async set (key, { body, validator, meta }) {
      const path = pathOf(key)
      const slot = slots.get(path) ?? { path }
      const own = withoutSlack(body)
      const bytes = sizeOf(path, { body: own, validator, meta })
      if (bytes > maxBytes) {
        // What was there before is out of date.
        entries.delete(slot)
        return
      }
      slots.set(path, slot)
      entries.set(slot, { entry: { body: own, validator, meta: { ...meta } }, bytes })
    },
    async delete ({ project, issue, agentType }) {
      let bytes = 0
      const removed = slots.below([project, issue, agentType])
      for (const slot of removed) {
        bytes += entries.peek(slot)!.bytes
        entries.delete(slot)
      }
      return { removed: removed.length, bytes }
    },
    async stats () {
      return { entries: entries.size, bytes: entries.calculatedSize, max_bytes: maxBytes }
    }
  }
}

function pathOf ({ project, issue, agentType, variant }: CacheKey): readonly string[] {
  return [project, issue, agentType, variant]
}

function sizeOf (path: readonly string[], { body, validator, meta }: CacheEntry): number {
  let characters = validator.length
  for (const member of path) characters += member.length
  const members = Object.entries(meta)
  for (const [name, value] of members) characters += name.length + value.length
  // A text takes two bytes a character as soon as one of them is not Latin.
  return body.buffer.byteLength + 2 * characters + MEMBER_BYTES * members.length + OVERHEAD_BYTES
}

/** A small buffer, or a slice, would keep the whole memory alive that it was cut from; one that fills nearly all of it may. */
function withoutSlack (body: Buffer): Buffer {
  if (body.buffer.byteLength - body.length <= body.length * MOST_SLACK) return body
  const copy = Buffer.allocUnsafeSlow(body.length)
  body.copy(copy)
  return copy
}

export default definePlugin({
  kind: 'context-cache',
  name: 'memory',
  description: 'Keeps rendered contexts in memory; those used longest ago give way.',
  options: Type.Object({
    maxBytes: Type.Integer({ default: 2 ** 30, minimum: 1, description: 'Most bytes that are kept.' })
  }, { additionalProperties: false }),
  create: (options) => createMemoryCache(options)
})
