import { setFlagsFromString } from 'node:v8'

/**
 * How much garbage may gather before all of the memory is looked through, percent of what is in use. The engine lets the memory grow up to
 * fourfold where the machine has gigabytes: over 100,000 files, of which both threads hold some 150 MB, a server was 500 MB. Figures in
 * docs/context.md.
 */
const GROWTH_PERCENT = 60

/** Keeps the memory of this process near to what it uses, in all its threads. For a process that is the server's own. */
export function boundGarbage (): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`)
}
