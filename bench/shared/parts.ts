import type { Figure } from '../speed/figures.js'
import { renderFigures } from '../speed/report.js'
import type { BenchOptions } from './command-line.js'
import { progress } from './progress.js'

/** What is measured, and what has been found so far. */
export interface Subject {
  folder: string
  /** Answers alone count: as little as is needed to see them. */
  quick: boolean
  figures: Figure[]
  faults: string[]
  notMeasured: string[]
  say (text: string): void
}

export type PartOptions<Part extends string> = BenchOptions & { only?: Part[] }

/** Measures, prints, and answers whether every answer was right. Works in `folder`, which is the caller's to remove. */
export async function runParts<Part extends string> (measures: Record<Part, (subject: Subject) => Promise<void>>, options: PartOptions<Part>, folder: string): Promise<boolean> {
  const subject: Subject = { folder, quick: options.quick ?? false, figures: [], faults: [], notMeasured: [], say: progress }
  for (const part of options.only ?? Object.keys(measures) as Part[]) await measures[part](subject)
  progress('')
  const { figures, faults, notMeasured } = subject
  console.log(options.format === 'json' ? JSON.stringify({ figures, faults, notMeasured }, null, 2) : renderFigures(subject, options.markdown === true))
  return faults.length === 0
}
