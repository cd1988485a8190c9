import type { ProjectFile, ProjectView } from '../../contracts/index.js'
import { editedBetween } from '../edited-files.js'
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
  manifests: ProjectFile[]
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

/** What was found of a project, and what it is made of. */
interface Known {
  files: readonly ProjectFile[]
  kinds: Uint8Array
  /** Bytes by language. */
  own: Map<string, number>
  foreign: Map<string, number>
  found: Omit<Survey, 'languages'>
}

/** What was found of each project: whoever edits a file asks again, and all paths are as they were. */
const latest = new Map<string, Known>()
const MOST_PROJECTS = 64
/** More that changed at once are looked at with all others. */
const MOST_EDITS = 64

/** Looks at all files once, in turns of the event loop: of 100,000 that takes some tenths of a second. */
export async function surveyOf ({ id, files }: Pick<ProjectView, 'id' | 'files'>): Promise<Survey> {
  const before = latest.get(id)
  const known = before === undefined ? await lookAtAll(files) : follow(before, files) ?? await lookAtAll(files, before)
  latest.delete(id)
  latest.set(id, known)
  if (latest.size > MOST_PROJECTS) latest.delete(latest.keys().next().value!)
  const { own, foreign, found } = known
  const counted = [...own.size > 0 ? own : foreign].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
  return { ...found, languages: Object.fromEntries(counted) }
}

function codeOf ({ language }: ProjectFile): string | undefined {
  return language !== undefined && PROGRAMMING_LANGUAGES.has(language) ? language : undefined
}

async function lookAtAll (files: readonly ProjectFile[], before?: Known): Promise<Known> {
  const kinds = new Uint8Array(files.length)
  const own = new Map<string, number>()
  const foreign = new Map<string, number>()
  const found: Known['found'] = { newestSource: 0, manifests: [], entryPoints: [], coverageReports: [], buildReports: [] }
  await inSlices(files, (file, index) => {
    const { path, size, modified } = file
    const kind = kinds[index] = before?.files[index]?.path === path ? before.kinds[index]! : kindOf(path)
    if ((kind & MANIFEST) !== 0) found.manifests.push(file)
    if ((kind & ENTRY_POINT) !== 0) found.entryPoints.push(path)
    if ((kind & COVERAGE_REPORT) !== 0) found.coverageReports.push(file)
    if ((kind & BUILD_REPORT) !== 0) found.buildReports.push(file)
    const language = codeOf(file)
    if (language === undefined) return
    found.newestSource = Math.max(found.newestSource, modified)
    const bytes = (kind & FOREIGN) !== 0 ? foreign : own
    bytes.set(language, (bytes.get(language) ?? 0) + size)
  })
  return { files, kinds, own, foreign, found }
}

/** Takes a few edits into account; `undefined` where that is not enough. */
function follow (before: Known, files: readonly ProjectFile[]): Known | undefined {
  const edited = editedBetween(before.files, files)
  if (edited === undefined || edited.length > MOST_EDITS) return undefined
  const [own, foreign] = [new Map(before.own), new Map(before.foreign)]
  let { newestSource } = before.found
  for (const index of edited) {
    const [was, is] = [before.files[index]!, files[index]!]
    const kind = before.kinds[index]!
    if ((kind & ~(FOREIGN | ENTRY_POINT)) !== 0 || was.language !== is.language) return undefined
    const language = codeOf(is)
    if (language === undefined) continue
    // It may have been the newest.
    if (is.modified < was.modified) return undefined
    newestSource = Math.max(newestSource, is.modified)
    const bytes = (kind & FOREIGN) !== 0 ? foreign : own
    bytes.set(language, bytes.get(language)! + is.size - was.size)
  }
  return { ...before, files, own, foreign, found: { ...before.found, newestSource } }
}
