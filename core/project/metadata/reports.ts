import type { ProjectFile, ProjectView } from '../../contracts/index.js'

export interface Report {
  path: string
  text: string
  /** Milliseconds since the epoch. */
  modified: number
}

/** Reads a file of the project that is not listed, because git ignores it; `undefined` where there is none that is text. */
export type ReportReader = (path: string) => Promise<Report | undefined>

/** Where a kind of report is found. */
export interface ReportPlaces {
  listed: RegExp
  /** Paths at which tools leave it by themselves; looked for although they are ignored. */
  usual: readonly string[]
}

const MOST_REPORTS = 50

/** Of the `listed` reports those that lie in the outermost folders which have one, the newest first; `refused` are those that cannot be read. */
export async function findReports (project: ProjectView, listed: readonly ProjectFile[], { usual }: ReportPlaces, readUnlisted: ReportReader | undefined): Promise<{ reports: Report[], refused: string[], more: number }> {
  const present = [...listed].sort(outermost)
  const known = new Set(present.map(({ path }) => path))
  const reports: Report[] = []
  const refused: string[] = []
  for (const { path, modified } of present.slice(0, MOST_REPORTS)) {
    const text = await project.read(path)
    if (text === undefined) refused.push(path)
    else reports.push({ path, text, modified })
  }
  for (const path of readUnlisted === undefined ? [] : usual) {
    const report = known.has(path) ? undefined : await readUnlisted!(path)
    if (report !== undefined) reports.push(report)
  }
  return { reports, refused, more: Math.max(0, present.length - MOST_REPORTS) }
}

function outermost (one: ProjectFile, other: ProjectFile): number {
  return one.path.split('/').length - other.path.split('/').length || other.modified - one.modified || (one.path < other.path ? -1 : 1)
}

const LATEST = Date.UTC(9999, 11, 31)

/** RFC 3339; a file's time may be anything that somebody has set. */
export function timeOf (modified: number): string {
  return new Date(Math.max(0, Math.min(modified, LATEST))).toISOString()
}
