import type { ProjectView } from '../contracts/index.js'
import { COVERAGE_PLACES, readCoverage, type Coverage } from './metadata/coverage.js'
import { findEntryPoints } from './metadata/entry-points.js'
import { BUILD_PLACES, readLastBuild, type LastBuild } from './metadata/last-build.js'
import { readManifests, type Dependency, type ManifestSummary } from './metadata/manifests.js'
import type { ReportReader } from './metadata/reports.js'
import { surveyOf } from './metadata/survey.js'

export type { Coverage, Dependency, LastBuild, ManifestSummary, ReportReader }

/** What a project says about itself. What it does not show is `null`; what is not given is counted. */
export interface ProjectMetadata {
  /** Language of most of its own code; `null` without code. */
  project_type: string | null
  /** Bytes of code by language, the largest first. */
  languages: Record<string, number>
  entry_points: string[]
  entry_points_omitted: number
  /** What the outer manifests state comes first, and of it what the project runs with. */
  dependencies: Dependency[]
  dependencies_omitted: number
  manifests: ManifestSummary[]
  manifests_omitted: number
  /** Percentage that `coverage` tells. */
  test_coverage: number | null
  coverage: Coverage | null
  /** `success` or `failure`, as `last_build` tells. */
  last_build_status: LastBuild['status'] | null
  last_build: LastBuild | null
  /** Files that could not be understood, and why. */
  warnings: string[]
}

/** Where tools leave their reports; git ignores most of them, so that a listing does not tell of them. */
export const USUAL_REPORTS: readonly string[] = [...COVERAGE_PLACES.usual, ...BUILD_PLACES.usual]

const MOST_WARNINGS = 20

/** `readUnlisted` reads reports that git ignores; without it only those that are listed are known. */
export async function readMetadata (project: ProjectView, readUnlisted?: ReportReader): Promise<ProjectMetadata> {
  const { languages, newestSource, ...found } = await surveyOf(project)
  const { entryPoints, warnings, ...manifests } = await readManifests(project, found.manifests)
  const { coverage, warnings: ofCoverage } = await readCoverage(project, found.coverageReports, newestSource, readUnlisted)
  const { last_build, warnings: ofBuild } = await readLastBuild(project, found.buildReports, newestSource, readUnlisted)
  return {
    project_type: Object.keys(languages)[0] ?? null,
    languages,
    ...await findEntryPoints(project.files, [...entryPoints, ...found.entryPoints], manifests.manifests),
    ...manifests,
    test_coverage: coverage?.percent ?? null,
    coverage,
    last_build_status: last_build?.status ?? null,
    last_build,
    warnings: bound([...warnings, ...ofCoverage, ...ofBuild])
  }
}

function bound (warnings: readonly string[]): string[] {
  if (warnings.length <= MOST_WARNINGS) return [...warnings]
  return [...warnings.slice(0, MOST_WARNINGS - 1), `and ${warnings.length - MOST_WARNINGS + 1} more`]
}
