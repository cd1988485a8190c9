/** Processor time of this process so far, milliseconds. */
export function processor (): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
