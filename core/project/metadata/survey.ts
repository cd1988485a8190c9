import type { ProjectFile, ProjectView } from '../../contracts/index.js'
import { PROGRAMMING_LANGUAGES } from '../languages.js'
import { inSlices } from '../slices.js'
import { COVERAGE_PLACES } from './coverage.js'
import { isEntryPoint } from './entry-points.js'
import { BUILD_PLACES } from './last-build.js'
import { isForeign, isManifest } from './manifests.js'

/** What the names of a project's files tell. */
export interface Survey {
  /** Bytes of code by language, the largest first; code of others counts only where there is no other. */
  languages: Record<string, number>
  /** When code was changed last, ms since the epoch; 0 without code. */
  newestSource: number
  /** Paths of manifests. */
  manifests: string[]
  /** Files in which programs begin by the form of their paths. */
  entryPoints: string[]
  /** Reports of coverage and of builds that are listed. */
  coverageReports: ProjectFile[]
  buildReports: ProjectFile[]
}

const FOREIGN = 1
const MANIFEST = 2
const ENTRY_POINT = 4
const COVERAGE_REPORT = 8
const BUILD_REPORT = 16

function kindOf (path: string): number {
  if (isForeign(path)) return FOREIGN
  return (isManifest(path) ? MANIFEST : 0) | (isEntryPoint(path) ? ENTRY_POINT : 0) |
    (COVERAGE_PLACES.listed.test(path) ? COVERAGE_REPORT : 0) | (BUILD_PLACES.listed.test(path) ? BUILD_REPORT : 0)
}

interface Known { files: readonly ProjectFile[], kinds: Uint8Array }

/** What the paths of each project were: whoever edits a file asks again, and all paths are as they were. */
const latest = new Map<string, Known>()
const MOST_PROJECTS = 64

/** Looks at all files once, in turns of the event loop: of 100,000 that takes some tenths of a second. */
export async function surveyOf ({ id, files }: Pick<ProjectView, 'id' | 'files'>): Promise<Survey> {
  const before = latest.get(id)
  const kinds = new Uint8Array(files.length)
  const own = new Map<string, number>()
  const foreign = new Map<string, number>()
  const found: Survey = { languages: {}, newestSource: 0, manifests: [], entryPoints: [], coverageReports: [], buildReports: [] }
  await inSlices(files, (file, index) => {
    const { path, language, size, modified } = file
    const kind = kinds[index] = before?.files[index]?.path === path ? before.kinds[index]! : kindOf(path)
    if ((kind & MANIFEST) !== 0) found.manifests.push(path)
    if ((kind & ENTRY_POINT) !== 0) found.entryPoints.push(path)
    if ((kind & COVERAGE_REPORT) !== 0) found.coverageReports.push(file)
    if ((kind & BUILD_REPORT) !== 0) found.buildReports.push(file)
    if (language === undefined || !PROGRAMMING_LANGUAGES.has(language)) return
    found.newestSource = Math.max(found.newestSource, modified)
    const bytes = (kind & FOREIGN) !== 0 ? foreign : own
    bytes.set(language, (bytes.get(language) ?? 0) + size)
  })
  latest.delete(id)
  latest.set(id, { files, kinds })
  if (latest.size > MOST_PROJECTS) latest.delete(latest.keys().next().value!)
  const counted = [...own.size > 0 ? own : foreign].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
  return { ...found, languages: Object.fromEntries(counted) }
}
