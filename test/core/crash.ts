import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { createJournal } from '../../plugins/events/journal/journal.js'
import { createFileStore } from '../../plugins/storage/files/store.js'
import { createTestClock } from '../../core/testing/clock.js'
import { PROJECT } from '../../core/testing/event-bus/events.js'
import { record } from '../../core/testing/result-store/records.js'
import { isJson } from '../support/json-file.js'
import { createLogSpy } from '../support/log-spy.js'
import { quickFolder } from '../support/temporary.js'

/** Saved positions of readers; what they say does not matter here. */
export const FILE = 'positions.json'
export const OLD = JSON.stringify(Array.from({ length: 50 }, (_, number) => [JSON.stringify(['shop', `old-${number}`]), 'somewhere']))
export const NEW = JSON.stringify(Array.from({ length: 80 }, (_, number) => [JSON.stringify(['shop', `new-${number}`]), 'somewhere']))

/** The calls in the middle of which it crashes: half of the content is written; it is synced, not renamed; renamed, and its folder is synced. */
export type Call = 'writeFile' | 'datasync' | 'sync'

const PROGRAM = fileURLToPath(new URL('crash-program.js', import.meta.url))
const BUILD = fileURLToPath(new URL('../../', import.meta.url))

export interface Crash { call: Call, build?: string }

function crash (what: 'file' | 'result', folder: string, { call, build = BUILD }: Crash): void {
  const { signal, stderr } = spawnSync(process.execPath, [PROGRAM, call, what, folder, build], { encoding: 'utf8' })
  if (signal !== 'SIGKILL') throw new Error(`It was not killed at ${call}: ${stderr}`)
}

/** Crashes while a file is replaced; tells what is wrong then, and after the next start. */
export async function crashOverFile (t: Test, options: Crash): Promise<string[]> {
  const faults: string[] = []
  const directory = await quickFolder(t)
  crash('file', directory, options)
  const content = readFileSync(join(directory, FILE), 'utf8')
  if (content !== (options.call === 'sync' ? NEW : OLD)) faults.push(`a mixture of ${content.length} characters`)
  const clock = createTestClock()
  const bus = createJournal({ directory, retention: { age: 1000, count: 10 }, segmentBytes: 1 << 20, clock, log: createLogSpy() })
  await bus.open!()
  await bus.close!()
  faults.push(...leftovers(directory))
  return faults
}

/** Crashes while a result takes the place of another; tells what is wrong then, and after the next start. */
export async function crashOverResult (t: Test, options: Crash): Promise<string[]> {
  const faults: string[] = []
  const storage = await quickFolder(t)
  crash('result', storage, options)
  for (const path of filesBelow(storage)) {
    if (path.endsWith('.json') && !isJson(path)) faults.push(`a file of ${readFileSync(path).length} bytes is cut off`)
  }
  const store = createFileStore({ storage, log: createLogSpy(), writes: 8 })
  await store.open!()
  const { results } = await store.list(PROJECT, { limit: 9 })
  const whole = options.call === 'sync' ? [record(2), record(1)] : [record(1)]
  if (JSON.stringify(results) !== JSON.stringify(whole)) faults.push(`there are ${results.length} results`)
  await store.close!()
  faults.push(...leftovers(storage))
  return faults
}

function filesBelow (folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

function leftovers (folder: string): string[] {
  return filesBelow(folder).filter((path) => path.endsWith('.tmp')).map(() => 'a temporary file is left')
}
