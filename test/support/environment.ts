/** What a process was given, without what the test runner adds to every process that its tests start. */
export function withoutTestRunner (environment: Record<string, string>): Record<string, string> {
  const isRunners = (name: string, value: string): boolean => name.startsWith('_TAPJS_') || (name === 'NODE_OPTIONS' && value.includes('@tapjs/'))
  return Object.fromEntries(Object.entries(environment).filter(([name, value]) => !isRunners(name, value)))
}
