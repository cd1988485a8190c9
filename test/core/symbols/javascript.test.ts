import t from 'tap'
import { symbolsOf } from './symbols-of.js'

t.test('TypeScript', async (t) => {
  const { definitions, imports, references, stripped } = await symbolsOf('typescript', String.raw`import { readFile } from 'node:fs/promises'
import type { Logger } from './logger.js'
export * from './errors.js'
const lazy = await import('./lazy.js')

/** What can be stored. */
export type Entry = {
  key: string
  read (): Promise<Buffer>
}

export interface StoreOptions extends Base {
  readonly limit?: number
  onEvict (key: string): void
}

export enum Level { Low, High = 10 }

export const DEFAULT_LIMIT = 100, OTHER = 1

/**
 * Keeps entries.
 */
@injectable()
export class Store<T extends Entry> extends EventEmitter implements Closable {
  readonly #entries = new Map<string, T>()
  static instances = 0

  // Called by the container.
  constructor (private readonly log: Logger) {
    super()
  }

  @memoize({ ttl: 5 })
  @traced
  async get (
    key: string,
    options: StoreOptions = {}
  ): Promise<T | undefined> {
    const load = async () => await readFile(key)
    function fallback () { return load() }
    return this.#entries.get(key) ?? await fallback()
  }

  get size () { return this.#entries.size }
  handler = (event: Event) => {
    this.log.info(event.kind)
  }
}

export function parse (text: string): Entry
export function parse (text: string, strict: boolean): Entry
export function parse (text: string): Entry {
  return JSON.parse(text) as Entry
}

declare module 'fastify' {
  interface Request { store: Store<Entry> }
}

namespace internal {
  export const cache = new WeakMap()
  export function reset (): void {}
}

export abstract class Shape { abstract area (): number }
export default async (app: App) => { await app.register(Store) }
`)
  t.strictSame(definitions, [
    'constant lazy 3 3 3 3',
    'type Entry 5 6 6 9',
    'field Entry.key 7 7 7 7',
    'method Entry.read 8 8 8 8',
    'interface StoreOptions 11 11 11 14',
    'field StoreOptions.limit 12 12 12 12',
    'method StoreOptions.onEvict 13 13 13 13',
    'enum Level 16 16 16 16',
    'constant Level.Low 16 16 16 16',
    'constant Level.High 16 16 16 16',
    'constant DEFAULT_LIMIT 18 18 18 18',
    'constant OTHER 18 18 18 18',
    'class Store 20 24 24 48',
    'field Store.#entries 25 25 25 25',
    'field Store.instances 26 26 26 26',
    'method Store.constructor 28 29 29 31',
    'method Store.get 33 35 38 42',
    'function Store.get.load 39 39 39 39',
    'function Store.get.fallback 40 40 40 40',
    'method Store.size 44 44 44 44',
    'method Store.handler 45 45 45 47',
    'function parse 50 50 50 50',
    'function parse 51 51 51 51',
    'function parse 52 52 52 54',
    'module fastify 56 56 56 58',
    'interface fastify.Request 57 57 57 57',
    'field fastify.Request.store 57 57 57 57',
    'module internal 60 60 60 63',
    'constant internal.cache 61 61 61 61',
    'function internal.reset 62 62 62 62',
    'class Shape 65 65 65 65',
    'method Shape.area 65 65 65 65',
    'function default 66 66 66 66'
  ])
  t.strictSame(imports, ['node:fs/promises', './logger.js', './errors.js', './lazy.js'])
  t.strictSame(references, 'readFile Logger Promise Buffer Base injectable T EventEmitter Closable Map memoize traced Event log info kind JSON WeakMap App register')
  t.strictSame(stripped, ['/** What can be stored. */', '/**', '* Keeps entries.', '*/', '// Called by the container.'])
})

t.test('TypeScript with JSX', async (t) => {
  const { definitions, imports, references, stripped } = await symbolsOf('typescript', String.raw`import { useState } from 'react'

interface Props { items: Item[] }

export function List ({ items }: Props) {
  const [open, setOpen] = useState(false)
  return (
    <ul>
      {/* a comment */}

      {items.map((item) => <Row key={item.id} {...item} />)}
    </ul>
  )
}

export const Page = () => <Layout><List items={[]} /></Layout>
`)
  t.strictSame(definitions, [
    'interface Props 2 2 2 2',
    'field Props.items 2 2 2 2',
    'function List 4 4 4 13',
    'function Page 15 15 15 15'
  ])
  t.strictSame(imports, ['react'])
  t.strictSame(references, 'useState Item map Row id Layout')
  t.strictSame(stripped, [])
})

t.test('CommonJS and other JavaScript', async (t) => {
  const { definitions, imports, references, stripped } = await symbolsOf('javascript', String.raw`#!/usr/bin/env node
'use strict'

const http = require('node:http')
const { kState } = require('./symbols')

/*
 * Builds a server.
 */
module.exports = function build (options) {
  const hooks = []
  function onClose () { hooks.pop() }
  const onError = (error) => { http.log(error) }
  return {
    close () { onClose() },
    onError
  }
}

module.exports.version = '1.0'
exports.parse = (
  text
) => text.trim()
exports.again = exports.parse

function Reply (res) { this.res = res; this.send = function (body) {} }
Reply.prototype.header = function (name, value) {
  return kState[name]
}

const routes = {
  list (request) {},
  get: async function (request) {},
  remove: (request) => undefined,
  limit: 5
}

class Pool extends Base {
  static #count = 0
  run = async () => { await import('./job.js') }
  get items () { return kState.items }
}

var old = function () {}
for (const each of routes) { const inner = each }
app.get('/x', { schema: {}, handler: (req) => {} })
`)
  t.strictSame(definitions, [
    'function build 6 9 9 17',
    'function build.onClose 11 11 11 11',
    'function build.onError 12 12 12 12',
    'method build.close 14 14 14 14',
    'constant version 19 19 19 19',
    'function parse 20 20 22 22',
    'function Reply 25 25 25 25',
    'method Reply.send 25 25 25 25',
    'method header 26 26 26 28',
    'constant routes 30 30 30 35',
    'method routes.list 31 31 31 31',
    'method routes.get 32 32 32 32',
    'method routes.remove 33 33 33 33',
    'class Pool 37 37 37 41',
    'field Pool.#count 38 38 38 38',
    'method Pool.run 39 39 39 39',
    'method Pool.items 40 40 40 40',
    'function old 43 43 43 43'
  ])
  t.strictSame(imports, ['node:http', './symbols', './job.js'])
  t.strictSame(references, 'require kState exports pop log trim again res prototype Base')
  t.strictSame(stripped, ['/*', '* Builds a server.', '*/'])
})

t.test('the script of a component', async (t) => {
  const { definitions, imports, references, stripped } = await symbolsOf('vue', String.raw`<template>
  <div>

    <UserCard :user="user" @click="select" />
  </div>
</template>

<script setup lang="ts">
import UserCard from './UserCard.vue'

// The one that is shown.
const user = ref<User>()

function select (id: number) {
  load(id)
}
</script>

<style>
.a { color: red; }
</style>
`)
  t.strictSame(definitions, [
    'constant user 10 11 11 11',
    'function select 13 13 13 15'
  ])
  t.strictSame(imports, ['./UserCard.vue'])
  t.strictSame(references, 'UserCard ref User load')
  t.strictSame(stripped, ['// The one that is shown.'])
})
