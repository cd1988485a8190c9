import { shrink } from '../../core/context/shrink.js'

/** The declarations of a file alone, or `undefined` where that would save nothing. */
export function outlineOf (path: string, content: string): string | undefined {
  return shrink(path, content).find((version) => version.truncation === 'outline')?.content
}
