import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { killChildren, startChild } from '../speed/child.js'
import { renderFigures } from '../speed/report.js'
import type { JournalCalls } from './journal-process.js'
import type { Subject } from '../shared/parts.js'

const JOURNAL = new URL('./journal-process.js', import.meta.url)

/** One call in a fresh process that has a journal and nothing else. */
export async function inJournal<Name extends keyof JournalCalls> (subject: Subject, name: Name, ...argument: Parameters<JournalCalls[Name]>): Promise<Awaited<ReturnType<JournalCalls[Name]>>> {
  const child = startChild<JournalCalls>(JOURNAL, [], subject.folder)
  try {
    return await child.call(name, ...argument)
  } finally {
    await child.close()
  }
}

/** Whether a module is the program. */
export function isMain (url: string): boolean {
  return pathToFileURL(process.argv[1] ?? '').href === url
}

/** Runs one measure without the others and prints what it found. */
export async function runAlone (measure: (subject: Subject) => Promise<void>): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'cco-bench-events-')))
  try {
    const subject: Subject = { folder, quick: false, figures: [], faults: [], notMeasured: [], say: () => {} }
    await measure(subject)
    console.log(renderFigures(subject, false))
    if (subject.faults.length > 0) process.exitCode = 1
  } finally {
    killChildren()
    await rm(folder, { recursive: true, force: true })
  }
}
