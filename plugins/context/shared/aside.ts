import { createPathMatcher } from './path-matcher.js'
import type { Place } from './place.js'
import { remembered } from './remembered.js'

const match = createPathMatcher([
  'scripts/', 'script/', 'tools/', 'bench/', 'benches/', 'benchmarks/', 'load-tests/', 'migrations/', 'migrate/', 'docs/', '*.stories.*'
].map(pattern => [pattern, true] as const))

/** Whether a file serves the code rather than being it; other requirements are about these. */
export const isAside = remembered((place: Place): boolean => {
  let aside = false
  match(place, () => { aside = true })
  return aside
})
