import type { Settings } from '../config/settings.js'

/** What the checks look at. Whatever reaches beyond the core is handed in, so that a test can hand in a fault. */
export interface Place {
  settings: Settings
  /** Root of the project. */
  root: string
  env: Record<string, string | undefined>
  /** Milliseconds since the epoch. */
  now (): number
  /** Bytes that a user may still write where `path` lies. */
  freeBytes (path: string): Promise<number>
  /** Makes every plugin of the configuration and throws them away; rejects with the name of the one that fails. */
  tryPlugins (): Promise<void>
  /** The programs that spawners start, and why there is none. */
  programs (): Promise<{ name: string, program: string | null, version: string | null, problem: string | null }[]>
  /** What was left out of the configuration because the project is not trusted. */
  ignored: readonly string[]
  /** Why the configuration cannot be loaded; the defaults are looked at then. */
  configurationFault: string | null
}

export interface Finding {
  /** What was looked at, for example `storage`. */
  check: string
  state: 'ok' | 'note' | 'problem'
  /** One sentence. */
  text: string
  /** What to do about it. */
  advice?: string
  /** Where that is safe to do unasked; it is done with `--fix`. */
  fix? (): Promise<void>
}

/** Looks and changes nothing. What it cannot look at is a finding, too. */
export type Check = (place: Place) => Promise<Finding[]>
