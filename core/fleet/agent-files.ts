import { join } from 'node:path'

/** What lies in the folder of an agent. */
export const RECORD = 'agent.json'
const OUTPUT = 'output.log'
const CONTEXT = 'context.json'

export function outputFile (directory: string): string {
  return join(directory, OUTPUT)
}

/** Output of an attempt that failed and was followed by another one. */
export function attemptOutputFile (directory: string, attempt: number): string {
  return join(directory, `attempt-${attempt}.log`)
}

export function contextFile (directory: string): string {
  return join(directory, CONTEXT)
}
