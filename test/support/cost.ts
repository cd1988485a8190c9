/**
 * What work costs, told in a unit of this machine at this moment, so that a limit holds on a slow machine and on a busy one:
 * the processor time of writing a text of a million characters as JSON and reading it back.
 */
export async function costOf (work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / unitMs()
}

/** Some hundred times what a pass over the longest of the texts here takes; what grows faster than its text is beyond it by far. */
export const MOST_COST = 300

const TEXT = 'a line of text, "quoted"\n'.repeat(40_000)

function unitMs (): number {
  const times = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage()
    JSON.parse(JSON.stringify(TEXT))
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  })
  return Math.max(Math.min(...times), 0.5)
}
