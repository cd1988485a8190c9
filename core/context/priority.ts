/** What is kept first when not everything fits. */
export const PRIORITY = {
  task: 1,
  decision: 2,
  changed: 3,
  test: 4,
  configuration: 5,
  documentation: 6,
  history: 7
} as const
